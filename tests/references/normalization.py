"""Batch, layer and RMS normalization."""

import vanishing as vn
from references import Case

EPSILON = 1e-3


def draw(rng):
    batch, width = rng.integers(2, 7, 2)
    drawn = {name: rng.standard_normal(width) for name in ("weight", "bias", "running_mean")}
    drawn |= {"running_var": 0.5 + rng.random(width)}
    return {
        "x": rng.standard_normal((batch, width)),
        "d_output": rng.standard_normal((batch, width)),
    } | drawn


def draw_sequence(rng):
    drawn = draw(rng)
    shape = 3, *drawn["x"].shape
    return drawn | {"x": rng.standard_normal(shape), "d_output": rng.standard_normal(shape)}


def ours(cls, training=False):
    def run(inputs):
        layer = cls(**{name: inputs[name] for name in cls.trainable + cls.running}, epsilon=EPSILON)
        output, memory = layer.forward(inputs["x"], vn.Mode(training=training))
        d_x, parts = layer.backward(memory, inputs["d_output"])
        outputs = {"output": output, "d_x": d_x} | {
            f"d_{name}": value for name, value in parts.items()
        }
        return outputs | {
            name: getattr(layer.with_running_statistics(memory), name) for name in cls.running
        }

    return run


def gradients(output, d_output, leaves):
    output.backward(d_output)
    return {"output": output.detach().numpy()} | {
        f"d_{name}": leaf.grad.numpy() for name, leaf in leaves.items()
    }


def leaf_tensors(torch, inputs, names):
    return {name: torch.tensor(inputs[name], requires_grad=True) for name in names}


def batch_norm(training):
    """PyTorch takes the features of a sequence as its second axis; here they are the last."""

    def pytorch(torch, inputs):
        leaves = leaf_tensors(torch, inputs, ("x", "weight", "bias"))
        layer = torch.nn.BatchNorm1d(len(inputs["weight"]), eps=EPSILON).train(training)
        layer.running_mean, layer.running_var = (
            torch.tensor(inputs["running_mean"]),
            torch.tensor(inputs["running_var"]),
        )
        values = {name: leaves[name] for name in ("weight", "bias")}
        x = leaves["x"]
        output = torch.func.functional_call(layer, values, (x.transpose(1, -1),)).transpose(1, -1)
        running = ("running_mean", "running_var")
        statistics = {name: getattr(layer, name).numpy() for name in running}
        return gradients(output, torch.tensor(inputs["d_output"]), leaves) | statistics

    return pytorch


def layer_norm(torch, inputs):
    leaves = leaf_tensors(torch, inputs, ("x", "weight", "bias"))
    x, weight, bias = leaves.values()
    output = torch.nn.functional.layer_norm(x, weight.shape, weight, bias, eps=EPSILON)
    return gradients(output, torch.tensor(inputs["d_output"]), leaves)


def rms_norm(torch, inputs):
    """The eps is given: PyTorch adds the resolution of the dtype by default, not 1e-5."""
    leaves = leaf_tensors(torch, inputs, ("x", "weight"))
    x, weight = leaves.values()
    output = torch.nn.functional.rms_norm(x, weight.shape, weight, eps=EPSILON)
    return gradients(output, torch.tensor(inputs["d_output"]), leaves)


CASES = {
    "batch norm in training": Case(draw, batch_norm(True), ours(vn.BatchNorm, training=True)),
    "batch norm in training of a sequence": Case(
        draw_sequence, batch_norm(True), ours(vn.BatchNorm, training=True)
    ),
    "batch norm in evaluation": Case(draw, batch_norm(False), ours(vn.BatchNorm)),
    "layer norm": Case(draw, layer_norm, ours(vn.LayerNorm)),
    "rms norm of a sequence": Case(draw_sequence, rms_norm, ours(vn.RMSNorm)),
}
