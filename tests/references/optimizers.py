"""Optimizers over 200 steps, warm-up, clipping.

Both libraries descend sum cos(A w) + |w|^2 / 2 - b.w + |b|^2, which is not convex, with gradients
from the same formula in NumPy: what is compared is the optimizers, at every twentieth point.
"""

import numpy as np

import vanishing as vn
from references import Case

STEPS, EVERY = 200, 20


def gradients(inputs, parameters):
    w, b = parameters["w"], parameters["b"]
    s = np.sin(inputs["matrix"] @ w)
    return {"w": w - b - inputs["matrix"].T @ s, "b": 2 * b - w}


def draw(rng):
    n = rng.integers(2, 6)
    return {
        "w": rng.standard_normal(n),
        "b": rng.standard_normal(n),
        "matrix": rng.standard_normal((n, n)),
    }


def by_pytorch(make, schedule=None):
    def trajectory(torch, inputs):
        tensors = {name: torch.tensor(inputs[name], requires_grad=True) for name in ("w", "b")}
        optimizer = make(torch.optim, list(tensors.values()))
        scheduler = schedule and schedule(torch.optim.lr_scheduler, optimizer)
        points = []
        for t in range(1, STEPS + 1):
            held = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
            for name, gradient in gradients(inputs, held).items():
                tensors[name].grad = torch.tensor(gradient)
            optimizer.step()
            if scheduler:
                scheduler.step()
            if t % EVERY == 0:
                points.append(
                    np.concatenate([tensor.detach().numpy().copy() for tensor in tensors.values()])
                )
        return {"points": np.array(points)}

    return trajectory


def by_us(optimizer):
    def trajectory(inputs):
        parameters = {name: inputs[name] for name in ("w", "b")}
        state, points = optimizer.start(parameters), []
        for t in range(1, STEPS + 1):
            parameters, state = optimizer.step(parameters, gradients(inputs, parameters), state)
            if t % EVERY == 0:
                points.append(np.concatenate(list(parameters.values())))
        return {"points": np.array(points)}

    return trajectory


def compared(ours, make, schedule=None):
    return Case(draw, by_pytorch(make, schedule), by_us(ours))


# weight_decay is PyTorch's: a penalty, but decoupled in AdamW.
TRAJECTORIES = {
    "sgd": compared(vn.SGD(0.05), lambda o, p: o.SGD(p, 0.05)),
    "momentum": compared(vn.SGD(0.01, 0.9), lambda o, p: o.SGD(p, 0.01, momentum=0.9)),
    "nesterov": compared(
        vn.SGD(0.01, 0.9, nesterov=True),
        lambda o, p: o.SGD(p, 0.01, momentum=0.9, nesterov=True),
    ),
    "sgd with penalty": compared(
        vn.SGD(0.01, 0.9, weight_decay=0.1),
        lambda o, p: o.SGD(p, 0.01, momentum=0.9, weight_decay=0.1),
    ),
    "adagrad": compared(vn.AdaGrad(), lambda o, p: o.Adagrad(p)),
    "adagrad with penalty": compared(
        vn.AdaGrad(0.1, weight_decay=0.1), lambda o, p: o.Adagrad(p, 0.1, weight_decay=0.1)
    ),
    # With the default rate, or a small epsilon and a short memory, it never settles, and rounding
    # errors grow.
    "rmsprop": compared(vn.RMSprop(0.001), lambda o, p: o.RMSprop(p, 0.001)),
    "rmsprop with penalty": compared(
        vn.RMSprop(0.001, alpha=0.9, epsilon=1e-2, weight_decay=0.1),
        lambda o, p: o.RMSprop(p, 0.001, alpha=0.9, eps=1e-2, weight_decay=0.1),
    ),
    "adam": compared(vn.Adam(), lambda o, p: o.Adam(p)),
    "adam with other means": compared(
        vn.Adam(0.003, 0.8, 0.95, 1e-2), lambda o, p: o.Adam(p, 0.003, betas=(0.8, 0.95), eps=1e-2)
    ),
    "adam with penalty": compared(
        vn.Adam(0.01, weight_decay=0.1), lambda o, p: o.Adam(p, 0.01, weight_decay=0.1)
    ),
    "adamw": compared(vn.AdamW(), lambda o, p: o.AdamW(p)),
    "adamw with more decay": compared(
        vn.AdamW(0.01, weight_decay=0.3), lambda o, p: o.AdamW(p, 0.01, weight_decay=0.3)
    ),
    # A scheduler's epoch counts from 0 what is t - 1 here.
    "warm-up by LambdaLR": compared(
        vn.Adam(vn.warmup(0.01, 30)),
        lambda o, p: o.Adam(p, 0.01),
        lambda s, optimizer: s.LambdaLR(optimizer, lambda epoch: min(1.0, (epoch + 1) / 30)),
    ),
    # LinearLR starts from start_factor and reaches 1 after total_iters further steps.
    "warm-up by LinearLR": compared(
        vn.SGD(vn.warmup(0.05, 30)),
        lambda o, p: o.SGD(p, 0.05),
        lambda s, optimizer: s.LinearLR(optimizer, start_factor=1 / 30, total_iters=29),
    ),
}


def draw_gradients(rng):
    # The threshold, stored as "limit", is somewhere about the norms, below or above.
    n = rng.integers(1, 5)
    return {
        "limit": np.exp(rng.uniform(-2, 3)),
        "weight": 2 * rng.standard_normal((n, 3)),
        "bias": 0.1 * rng.standard_normal(n),
    }


def clipped_by_pytorch(clip):
    def clipped(torch, inputs):
        tensors = {name: torch.zeros(inputs[name].shape) for name in ("weight", "bias")}
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(inputs[name])
        clip(torch.nn.utils, list(tensors.values()), float(inputs["limit"]))
        return {name: tensor.grad.numpy() for name, tensor in tensors.items()}

    return clipped


def held(inputs):
    return {name: inputs[name] for name in ("weight", "bias")}


def same_threshold(threshold, *arrays):
    """The threshold with which our factor is PyTorch's.

    Ours is min(1, threshold / norm), PyTorch's is min(1, threshold / (norm + 1e-6)).
    """
    norm = np.sqrt(sum(np.sum(array**2) for array in arrays))
    return float(threshold * norm / (norm + 1e-6))


def by_global_norm(inputs):
    gradients = held(inputs)
    threshold = same_threshold(inputs["limit"], *gradients.values())
    return vn.clip_by_global_norm(gradients, threshold)


def by_norm(inputs):
    gradients = held(inputs)
    return {
        name: vn.clip_by_norm(gradients, same_threshold(inputs["limit"], array))[name]
        for name, array in gradients.items()
    }


def each_by_norm(utils, parameters, threshold):
    for parameter in parameters:
        utils.clip_grad_norm_([parameter], threshold)


CLIPPINGS = {
    "clip by value": Case(
        draw_gradients,
        clipped_by_pytorch(lambda utils, p, threshold: utils.clip_grad_value_(p, threshold)),
        lambda inputs: vn.clip_by_value(held(inputs), float(inputs["limit"])),
    ),
    "clip by global norm": Case(
        draw_gradients,
        clipped_by_pytorch(lambda utils, p, threshold: utils.clip_grad_norm_(p, threshold)),
        by_global_norm,
    ),
    "clip by norm": Case(draw_gradients, clipped_by_pytorch(each_by_norm), by_norm),
}
CASES = TRAJECTORIES | CLIPPINGS
