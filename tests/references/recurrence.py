"""Recurrent layers: outputs, input gradient, each parameter's gradient and the gradient of each
state.

PyTorch has two biases, b_ih and b_hh. In the plain RNN and the LSTM only their sum matters, which
is `bias` here, and both have its gradient. In the GRU that is so for the gates r and z; in the
block n, b_ih is `bias` and b_hh, which r multiplies, is `recurrent_bias`. PyTorch has neither the
GRU's other convention nor truncation: the one is written out in torch, the other is a loop over
PyTorch's cells that detaches the state.
"""

from functools import partial

import numpy as np

import vanishing as vn
from references import Case

PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def draw(gates, rng, steps=7):
    batch, time, input_size, units = rng.integers(1, (4, steps, 5, 5))
    rows = gates * units
    shapes = {
        "x": (batch, time, input_size),
        "weight_ih": (rows, input_size),
        "weight_hh": (rows, units),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
        "d_output": (batch, time, units),
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def gradients(torch, inputs, run):
    """Outputs of `run(x, weight_ih, ...)` and the gradients of what it was given."""
    tensors = {
        name: torch.tensor(value, requires_grad=True)
        for name, value in inputs.items()
        if name != "d_output"
    }
    output = run(**tensors)
    output.backward(torch.tensor(inputs["d_output"]))
    return {"output": output.detach().numpy()} | {
        f"d_{name}": value.grad.numpy() for name, value in tensors.items()
    }


def module(name, options, torch, inputs):
    """PyTorch's own layer."""

    def run(x, **parameters):
        layer = getattr(torch.nn, name)(
            x.shape[2], inputs["d_output"].shape[2], batch_first=True, **options
        )
        values = {f"{key}_l0": value for key, value in parameters.items()}
        return torch.func.functional_call(layer, values, (x,))[0]

    return gradients(torch, inputs, run)


def unrolled(cell, pieces, torch, inputs):
    """A loop over `cell`, detached after every `pieces` steps, with the gradient of each state."""
    states = []

    def run(x, **parameters):
        state = x.new_zeros(len(x), (2 if cell is lstm_cell else 1) * inputs["d_output"].shape[2])
        for t in range(x.shape[1]):
            state = cell(
                torch, x[:, t], state.detach() if t and t % pieces == 0 else state, **parameters
            )
            state.retain_grad()
            states.append(state)
        return torch.stack([state[:, : inputs["d_output"].shape[2]] for state in states], dim=1)

    found = gradients(torch, inputs, run)
    return found | {"d_states": np.stack([state.grad.numpy() for state in states], axis=1)}


def functional(name, torch, x, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return getattr(torch, name)(x, state, weight_ih, weight_hh, bias_ih, bias_hh)


def lstm_cell(torch, x, state, **parameters):
    return torch.cat(functional("lstm_cell", torch, x, state.chunk(2, dim=1), **parameters), dim=1)


def gru_reset_before(torch, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    a_r, a_z, a_n = (x @ weight_ih.T + bias_ih + bias_hh).chunk(3, dim=1)
    to_r, to_z, to_n = weight_hh.chunk(3)
    r, z = torch.sigmoid(a_r + h @ to_r.T), torch.sigmoid(a_z + h @ to_z.T)
    return (1 - z) * torch.tanh(a_n + (r * h) @ to_n.T) + z * h


def ours(cell, options, states, inputs):
    weight, recurrent, bias, other = (inputs[name] for name in PARAMETERS)
    parameters = {"weight": weight, "bias": bias + other, "recurrent_weight": recurrent}
    n = 2 * recurrent.shape[1]
    if cell is vn.GRU:
        parameters |= {
            "bias": np.append(bias[:n] + other[:n], bias[n:]),
            "recurrent_bias": other[n:],
        }
    layer = cell(**parameters, **options)
    output, memory = layer.forward(inputs["x"])
    d_x, parts = layer.backward(memory, inputs["d_output"])
    both = parts["bias"]
    found = {
        "output": output,
        "d_x": d_x,
        "d_weight_ih": parts["weight"],
        "d_weight_hh": parts["recurrent_weight"],
    }
    found |= {"d_bias_ih": both, "d_bias_hh": both}
    if cell is vn.GRU:
        found["d_bias_hh"] = np.append(both[:n], parts["recurrent_bias"])
    return found | (
        {"d_states": vn.state_gradients(layer, memory, inputs["d_output"])} if states else {}
    )


def layer(gates, name, cell, ours_options=None, **options):
    return Case(
        partial(draw, gates),
        partial(module, name, options),
        partial(ours, cell, ours_options or {}, False),
    )


def loop(gates, step, cell, pieces, **options):
    pytorch = partial(unrolled, step, pieces)
    return Case(
        partial(draw, gates, steps=12),
        pytorch,
        partial(ours, cell, options | {"truncation": pieces}, True),
    )


CASES = {
    "rnn": layer(1, "RNN", vn.RNN),
    "rnn_relu": layer(1, "RNN", vn.RNN, {"activation": vn.relu}, nonlinearity="relu"),
    "lstm": layer(4, "LSTM", vn.LSTM),
    "gru": layer(3, "GRU", vn.GRU),
    "rnn_truncated": loop(1, partial(functional, "rnn_tanh_cell"), vn.RNN, 2),
    "lstm_truncated": loop(4, lstm_cell, vn.LSTM, 3),
    "gru_truncated": loop(3, partial(functional, "gru_cell"), vn.GRU, 4),
    "gru_reset_before": loop(3, gru_reset_before, vn.GRU, 100, reset_after=False),
}
