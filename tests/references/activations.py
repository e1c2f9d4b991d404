"""Every activation, forward and backward, kinks included."""

import numpy as np

import vanishing as vn
from references import Case


def draw(rng):
    z = np.append(4 * rng.standard_normal(17), [0.0, 1.0, -1.0])
    return {
        "z": z[None],
        "d_output": rng.standard_normal((1, 20)),
        "parameter": rng.uniform(0.1, 1),
    }


def case(ours, pytorch):
    """ours: parameter -> activation; pytorch: (torch, z, parameter) -> phi(z)."""

    def theirs(torch, inputs):
        z = torch.tensor(inputs["z"], requires_grad=True)
        output = pytorch(torch, z, float(inputs["parameter"]))
        output.backward(torch.tensor(inputs["d_output"]))
        return {"output": output.detach().numpy(), "d_z": z.grad.numpy()}

    def here(inputs):
        layer = vn.Activate(ours(float(inputs["parameter"])))
        output, memory = layer.forward(inputs["z"])
        return {"output": output, "d_z": layer.backward(memory, inputs["d_output"])[0]}

    return Case(draw, theirs, here)


def named(phi, pytorch):
    return case(lambda _: phi, lambda torch, z, _: pytorch(torch)(z))


CASES = {
    "identity": named(vn.identity, lambda torch: torch.nn.Identity()),
    "sigmoid": named(vn.sigmoid, lambda torch: torch.sigmoid),
    "tanh": named(vn.tanh, lambda torch: torch.tanh),
    "relu": named(vn.relu, lambda torch: torch.relu),
    "leaky_relu": case(
        vn.leaky_relu, lambda torch, z, slope: torch.nn.functional.leaky_relu(z, slope)
    ),
    "elu": case(vn.elu, lambda torch, z, alpha: torch.nn.functional.elu(z, alpha)),
    "selu": named(vn.selu, lambda torch: torch.selu),
    "silu": named(vn.silu, lambda torch: torch.nn.functional.silu),
    # PyTorch has SiLU alone, without beta.
    "swish": case(vn.swish, lambda torch, z, beta: z * torch.sigmoid(beta * z)),
    "mish": named(vn.mish, lambda torch: torch.nn.functional.mish),
    "gelu": named(vn.gelu, lambda torch: torch.nn.functional.gelu),
    "gelu_tanh": named(vn.gelu_tanh, lambda torch: torch.nn.GELU(approximate="tanh")),
    # Above its threshold, 20 by default, PyTorch returns z itself with slope 1, which is 2e-9 off
    # there.
    "softplus": named(vn.softplus, lambda torch: torch.nn.Softplus(threshold=700)),
    "softsign": named(vn.softsign, lambda torch: torch.nn.functional.softsign),
    "hard_tanh": named(vn.hard_tanh, lambda torch: torch.nn.functional.hardtanh),
    # PyTorch has none.
    "scaled_tanh": named(vn.scaled_tanh, lambda torch: lambda z: 1.7159 * torch.tanh(2 * z / 3)),
}
