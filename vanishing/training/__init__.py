"""Training: rules that turn gradients into steps, data sets to try them on, and the loop.

Reading order: `optimizers`, `schedules` and `clipping` (the steps), `datasets`, `descent` (gradient
descent on a function), `loop` (training of a network), `side_by_side` (training of many at once).
"""
