"""The linear layer."""

import numpy as np

import vanishing as vn
from references import Case


def draw(rng):
    batch, fan_in, fan_out = rng.integers(1, 7, 3)
    shapes = {
        "x": (batch, fan_in),
        "weight": (fan_out, fan_in),
        "bias": (fan_out,),
        "d_output": (batch, fan_out),
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def pytorch(torch, inputs):
    x, weight, bias, d_output = (torch.tensor(a, requires_grad=True) for a in inputs.values())
    output = torch.nn.functional.linear(x, weight, bias)
    output.backward(d_output.detach())
    return {
        "output": output.detach().numpy(),
        "d_x": x.grad.numpy(),
        "d_weight": weight.grad.numpy(),
        "d_bias": bias.grad.numpy(),
    }


def ours(inputs):
    layer = vn.Linear(inputs["weight"], inputs["bias"])
    output, memory = layer.forward(inputs["x"])
    d_x, parts = layer.backward(memory, inputs["d_output"])
    return {"output": output, "d_x": d_x} | {
        f"d_{name}": np.asarray(value) for name, value in parts.items()
    }


CASES = {"linear": Case(draw, pytorch, ours)}
