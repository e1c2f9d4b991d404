"""Measurement: what happens to signal and gradient in a network, and the verdict on it.

Reading order: `norms`, `verdicts`, `text_bars`, `diagnosis`, `allocator`, `measurements`,
`correlations`, `time_steps`.
"""
