"""What the gradient of a recurrent layer does from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from vanishing._validation import Array, floats, instance
from vanishing.nn.recurrence import Recurrent, check_sequence


def state_gradients(layer: Recurrent, memory: Any, d_output: Array) -> Array:
    """delta_t = dL/dS_t for t = 1 ... T, shape (batch, time, size).

    How much of the gradient reaches each step: by the output h_t itself and by all later steps (of
    the same piece, if truncated).

    Args:
        layer: a recurrent layer.
        memory: what its `forward` returned beside the output; in a record of a network,
            `record.memories[i]`.
        d_output: dL/doutput, shape (batch, time, hidden_size), zero at the steps without a loss.

    Examples:
        >>> from vanishing import RNN
        >>> layer = RNN(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 0.5), "identity")
        >>> output, memory = layer.forward(np.ones((1, 4, 1)))
        >>> delta = state_gradients(layer, memory, np.array([[[0.0], [0.0], [0.0], [1.0]]]))
        >>> print(np.linalg.norm(delta, axis=(0, 2)))
        [0.125 0.25  0.5   1.   ]
    """
    instance(layer, "layer", Recurrent, "a recurrent layer such as RNN")
    check_sequence(
        floats(d_output, "d_output"), "d_output", *memory[0].shape[:2], layer.hidden_size
    )
    return layer.back_through_time(memory, d_output)[0]


def step_jacobians(layer: Recurrent, x: Array) -> Array:
    """dS_t/dS_{t-1} for t = 1 ... T, shape (batch, time, size, size); S_0 = 0.

    Entry [b, t - 1, i, j] is the derivative of S_t's number i. With a loss at the end
    delta_{t-1} = delta_t J_t, for row vectors; the product of all is what backpropagation through
    time multiplies (Pascanu et al. 2013, eq. 5).

    Args:
        layer: a recurrent layer; its truncation does not matter here.
        x: its input, shape (batch, time, input_size).

    Examples:
        >>> from vanishing import RNN
        >>> layer = RNN(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 0.5), "identity")
        >>> print(step_jacobians(layer, np.ones((1, 3, 1))).ravel())
        [0.5 0.5 0.5]
    """
    instance(layer, "layer", Recurrent, "a recurrent layer such as RNN").check(floats(x, "x"), "x")
    output, (_, steps) = layer.forward(x)
    identity = np.eye(layer.state_parts * layer.hidden_size, dtype=output.dtype)
    # The loss L = S_t[i] has the gradient that is row i of the Jacobian.
    rows = [
        [layer.step_backward(memory, np.tile(unit, (len(x), 1)))[1] for unit in identity]
        for memory in steps
    ]
    return np.moveaxis(np.array(rows), 2, 0)
