"""The Jacobian of a small dense network, whole and as products, and its singular values.

By torch.autograd.functional, whose answers are those of torch.func, which warns about itself when
it is loaded.
"""

import vanishing as vn
from references import Case


def draw(rng):
    batch, *widths = (int(n) for n in rng.integers(1, 6, 4))
    shapes = {"x": (batch, widths[0]), "v": (batch, widths[0]), "u": (batch, widths[-1])}
    for l, shape in enumerate(zip(widths[1:], widths, strict=False), start=1):
        shapes |= {f"weight_{l}": shape, f"bias_{l}": shape[:1]}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def pytorch(activation, torch, inputs):
    arrays = {name: torch.tensor(array) for name, array in inputs.items()}
    phi = getattr(torch, activation)

    def network(x):
        h = phi(torch.nn.functional.linear(x, arrays["weight_1"], arrays["bias_1"]))
        return torch.nn.functional.linear(h, arrays["weight_2"], arrays["bias_2"])

    x = arrays["x"]
    functional = torch.autograd.functional
    dense = torch.stack([functional.jacobian(network, row) for row in x])
    return {
        "jacobian": dense.numpy(),
        "jvp": functional.jvp(network, x, arrays["v"])[1].numpy(),
        "vjp": functional.vjp(network, x, arrays["u"])[1].numpy(),
        "singular_values": torch.linalg.svdvals(dense).numpy(),
    }


def ours(activation, inputs):
    first, second = (vn.Linear(inputs[f"weight_{l}"], inputs[f"bias_{l}"]) for l in (1, 2))
    network = vn.Sequential((first, vn.Activate(activation), second))
    x = inputs["x"]
    return {
        "jacobian": vn.jacobian(network, x),
        "jvp": vn.jvp(network, x, inputs["v"]),
        "vjp": vn.vjp(network, x, inputs["u"]),
        "singular_values": vn.singular_values(network, x),
    }


CASES = {
    name: Case(
        draw,
        lambda torch, inputs, name=name: pytorch(name, torch, inputs),
        lambda i, name=name: ours(name, i),
    )
    for name in ("tanh", "sigmoid", "relu")
}
