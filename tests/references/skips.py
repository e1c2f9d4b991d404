"""Residual blocks and highway, put together from PyTorch's functions; dropout and PReLU."""

import numpy as np

import vanishing as vn
from references import Case


class Given(np.random.Generator):
    """A generator whose `random` gives the same numbers every time."""

    def __init__(self, numbers):
        super().__init__(np.random.PCG64(0))
        self.numbers = numbers

    def random(self, shape):
        assert shape == self.numbers.shape
        return self.numbers


def drawing(**shapes):
    """Inputs of these shapes, given in the letters B for the batch and n for the width."""

    def draw(rng):
        B, n = rng.integers(2, 6, 2)
        known = {"B": B, "n": n, "1": 1}
        return {
            name: rng.standard_normal([known[letter] for letter in shape])
            for name, shape in shapes.items()
        }

    return draw


def ours(make):
    """The output and every gradient of the layer that `make` builds of the inputs."""

    def run(inputs):
        layer, names = make(inputs)
        mode = vn.Mode(True, Given(inputs["uniform"])) if "uniform" in inputs else vn.Mode()
        output, memory = layer.forward(inputs["x"], mode)
        d_x, parts = layer.backward(memory, inputs["d_output"])
        return {"output": output, "d_x": d_x} | {
            f"d_{names.get(name, name)}": value for name, value in parts.items()
        }

    return run


def theirs(function, leaves):
    """The output of a function of (torch, tensors), and its gradients by the named inputs."""

    def run(torch, inputs):
        tensors = {
            name: torch.tensor(value, requires_grad=name in leaves)
            for name, value in inputs.items()
        }
        output = function(
            torch, **{name: tensor for name, tensor in tensors.items() if name != "d_output"}
        )
        output.backward(tensors["d_output"])
        return {"output": output.detach().numpy()} | {
            f"d_{name}": tensors[name].grad.numpy() for name in leaves
        }

    return run


ROWS = {"x": "Bn", "d_output": "Bn"}
LINEAR = {"weight": "nn", "bias": "n"}
NORM = {"gain": "n", "shift": "n"}
GATE = {"gate_weight": "nn", "gate_bias": "n"}


def pre_activation(torch, x, weight, bias, gain, shift):
    branch = torch.relu(torch.nn.functional.layer_norm(x, gain.shape, gain, shift, eps=1e-5))
    return x + 0.5 * torch.nn.functional.linear(branch, weight, bias)


def our_pre_activation(a):
    branch = (
        vn.LayerNorm(a["gain"], a["shift"]),
        vn.Activate("relu"),
        vn.Linear(a["weight"], a["bias"]),
    )
    return vn.Residual(vn.Sequential(branch), 0.5), {
        "branch.0.weight": "gain",
        "branch.0.bias": "shift",
        "branch.2.weight": "weight",
        "branch.2.bias": "bias",
    }


def trainable_scale(torch, x, weight, bias, scale):
    return x + scale * torch.tanh(torch.nn.functional.linear(x, weight, bias))


def our_trainable_scale(a):
    branch = vn.Linear(a["weight"], a["bias"]), vn.Activate("tanh")
    names = {"branch.0.weight": "weight", "branch.0.bias": "bias"}
    return vn.Residual(vn.Sequential(branch), a["scale"]), names


def highway(torch, x, weight, bias, gate_weight, gate_bias):
    gate = torch.sigmoid(torch.nn.functional.linear(x, gate_weight, gate_bias))
    return gate * torch.tanh(torch.nn.functional.linear(x, weight, bias)) + (1 - gate) * x


def our_highway(a):
    return vn.Highway(*(a[name] for name in LINEAR | GATE), activation="tanh"), {}


def dropout(torch, x, uniform):
    """PyTorch draws another mask; given ours, its formula is x * mask / (1 - p)."""
    return x * (uniform >= 0.3) / (1 - 0.3)


def draw_dropout(rng):
    shape = tuple(rng.integers(2, 6, 2))
    return {
        "x": rng.standard_normal(shape),
        "d_output": rng.standard_normal(shape),
        "uniform": rng.random(shape),
    }


def prelu(torch, x, negative_slope):
    return torch.nn.functional.prelu(x, negative_slope)


def case(function, make, **parameters):
    return Case(drawing(**ROWS, **parameters), theirs(function, ("x", *parameters)), ours(make))


CASES = {
    "pre-activation block": case(pre_activation, our_pre_activation, **LINEAR, **NORM),
    "trainable scale": case(trainable_scale, our_trainable_scale, **LINEAR, scale="1"),
    "highway": case(highway, our_highway, **LINEAR, **GATE),
    "dropout": Case(draw_dropout, theirs(dropout, ("x",)), ours(lambda a: (vn.Dropout(0.3), {}))),
    "prelu": case(prelu, lambda a: (vn.PReLU(a["negative_slope"]), {}), negative_slope="1"),
    "prelu per unit": case(
        prelu, lambda a: (vn.PReLU(a["negative_slope"]), {}), negative_slope="n"
    ),
}
