"""Measurement: what happens to signal and gradient in a network, and the verdict on it.

Reading order: `norms`, `verdicts`, `text_bars`, `readings`, `advice`, `situations`, `diagnosis`,
`watching`, `saved_norms`, `reports`, `allocator`, `measurements`, `correlations`, `time_steps`.
"""
