"""Measurement: what happens to signal and gradient in a network, and the verdict on it.

Reading order: `norms`, `verdicts`, `bars`, `diagnosis`, `measurements`, `correlations`,
`time_steps`.
"""
