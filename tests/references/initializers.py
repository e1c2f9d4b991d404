"""Gains, and what the initializers draw.

The two libraries draw other numbers: means, mean squares and bounds agree within five standard
errors. An orthogonal matrix is a function of the Gaussian one that it comes from: given the same
Gaussian matrix, all its entries agree.
"""

from functools import partial
from unittest import mock

import numpy as np

import vanishing as vn
from references import Case

SHAPE = FAN_OUT, FAN_IN = 300, 200
COUNT = FAN_OUT * FAN_IN
SLOPE = 0.7


def statistics(sample):
    """The mean, the mean square, the mean fourth power and the largest modulus."""
    return np.array([sample.mean(), np.mean(sample**2), np.mean(sample**4), abs(sample).max()])


def within_five_standard_errors(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        mean, square, fourth, largest = ours[name] - expected
        variance, spread = ours[name][1], ours[name][2] - ours[name][1] ** 2
        assert abs(mean) <= 5 * np.sqrt(2 * variance / COUNT), name
        assert abs(square) <= 5 * np.sqrt(2 * spread / COUNT), name
        if (
            "uniform" in name or "linear" in name
        ):  # the largest of N falls short of the bound by about bound / N
            assert abs(largest) <= 20 * ours[name][3] / COUNT, name


RULES = {
    "gaussian": (vn.gaussian(0.03), lambda init: partial(init.normal_, std=0.03)),
    "uniform": (vn.uniform(0.03), lambda init: partial(init.uniform_, a=-0.03, b=0.03)),
    # Kaiming's with the gain 1 of a linear network is LeCun's.
    "lecun_normal": (
        vn.lecun_normal,
        lambda init: partial(init.kaiming_normal_, nonlinearity="linear"),
    ),
    "xavier_normal": (vn.xavier_normal, lambda init: init.xavier_normal_),
    "xavier_uniform": (vn.xavier_uniform, lambda init: init.xavier_uniform_),
    "xavier_normal_gain": (vn.xavier(1.5), lambda init: partial(init.xavier_normal_, gain=1.5)),
    "xavier_uniform_gain": (
        vn.xavier(1.5, distribution="uniform"),
        lambda init: partial(init.xavier_uniform_, gain=1.5),
    ),
    "he_normal": (vn.he_normal, lambda init: init.kaiming_normal_),
    "he_uniform": (vn.he_uniform, lambda init: init.kaiming_uniform_),
    "he_normal_slope": (vn.he(SLOPE), lambda init: partial(init.kaiming_normal_, a=SLOPE)),
    "he_uniform_fan_out": (
        vn.he(SLOPE, mode="fan_out", distribution="uniform"),
        lambda init: partial(init.kaiming_uniform_, a=SLOPE, mode="fan_out"),
    ),
    "he_normal_fan_out": (
        vn.he(mode="fan_out"),
        lambda init: partial(init.kaiming_normal_, mode="fan_out"),
    ),
    "orthogonal": (vn.orthogonal(1.5), lambda init: partial(init.orthogonal_, gain=1.5)),
}


def sampled_by_pytorch(torch, inputs):
    drawn = {
        name: rule(torch.nn.init)(torch.empty(SHAPE)).numpy() for name, (_, rule) in RULES.items()
    }
    linear = torch.nn.Linear(FAN_IN, FAN_OUT)
    bias = torch.cat([torch.nn.Linear(FAN_IN, FAN_OUT).bias for _ in range(FAN_IN)])
    drawn |= {"linear_weight": linear.weight.detach().numpy(), "linear_bias": bias.detach().numpy()}
    return {name: statistics(sample) for name, sample in drawn.items()}


def sampled_here(inputs):
    rng = np.random.default_rng(int(inputs["seed"]))
    drawn = {name: rule(SHAPE, rng=rng) for name, (rule, _) in RULES.items()}
    bias = np.concatenate([vn.pytorch_default.bias(SHAPE, rng=rng) for _ in range(FAN_IN)])
    drawn |= {"linear_weight": vn.pytorch_default(SHAPE, rng=rng), "linear_bias": bias}
    return {name: statistics(sample) for name, sample in drawn.items()}


class Given(np.random.Generator):
    """A generator whose Gaussian numbers are given."""

    def __new__(cls, numbers):
        return super().__new__(cls)

    def __init__(self, numbers):
        super().__init__(np.random.PCG64(0))
        self.numbers = numbers

    def standard_normal(self, size):
        return self.numbers.reshape(size)


def draw_gaussian(rng):
    fan_out, fan_in = rng.integers(1, 9, 2)
    tall = max(fan_out, fan_in), min(fan_out, fan_in)
    return {"A": rng.standard_normal(tall), "shape": np.array([fan_out, fan_in])}


def orthogonal_by_pytorch(torch, inputs):
    def normal(tensor, *args, **kwargs):
        # PyTorch draws a wide matrix as the transpose of the tall one that it factorizes.
        return tensor.copy_(A if tensor.shape == A.shape else A.t())

    A = torch.tensor(inputs["A"])
    with mock.patch.object(torch.Tensor, "normal_", normal):
        return {
            "weight": torch.nn.init.orthogonal_(
                torch.empty(*inputs["shape"].tolist()), gain=1.5
            ).numpy()
        }


def orthogonal_here(inputs):
    return {"weight": vn.orthogonal(1.5)(tuple(inputs["shape"].tolist()), rng=Given(inputs["A"]))}


# PyTorch's 'linear' is the identity here.
GAINS = {"identity": "linear"} | {
    name: name for name in ("sigmoid", "tanh", "relu", "leaky_relu", "selu")
}


def gains_by_pytorch(torch, inputs):
    gain = torch.nn.init.calculate_gain
    named = {name: np.array(float(gain(theirs))) for name, theirs in GAINS.items()}
    return named | {"slope": np.array(gain("leaky_relu", float(inputs["slope"])))}


def gains_here(inputs):
    named = {name: np.array(vn.calculate_gain(name)) for name in GAINS}
    return named | {"slope": np.array(vn.calculate_gain(vn.leaky_relu(float(inputs["slope"]))))}


CASES = {
    "statistics": Case(
        lambda rng: {"seed": rng.integers(2**32)},
        sampled_by_pytorch,
        sampled_here,
        within_five_standard_errors,
    ),
    "orthogonal": Case(draw_gaussian, orthogonal_by_pytorch, orthogonal_here),
    "gain": Case(lambda rng: {"slope": rng.uniform(0, 1)}, gains_by_pytorch, gains_here),
}
