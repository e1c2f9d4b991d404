"""Networks: layers, what they are made of, and the losses that they descend.

Reading order: `activations`, `initializers`, `layer` (the protocol), `linear`, `elementwise`,
`normalization`, `sequential`, `skips`, `recurrence`, `dense`, `lsuv`, `losses`.
"""
