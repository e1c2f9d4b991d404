"""Checking: gradients computed by other means than a backward pass, and what they say of one.

Reading order: `duals` (forward-mode differentiation), `gradients` (four ways to a gradient),
`projection` (one test for every layer), `jacobians` (dh_L/dh_0 and its singular values).
"""
