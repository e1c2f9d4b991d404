"""As much of PyTorch as `watch` calls, on NumPy: tensors with a tape, and modules with hooks."""

import itertools
from contextlib import contextmanager

import numpy as np

_following = [True]


@contextmanager
def no_grad():
    _following[0] = False
    try:
        yield
    finally:
        _following[0] = True


class Handle:
    numbers = itertools.count()

    def __init__(self, hooks, hook):
        self.hooks, self.number = hooks, next(self.numbers)
        hooks[self.number] = hook

    def remove(self):
        self.hooks.pop(self.number, None)


class Tensor:
    """An array and, if it is followed, what it was computed from: (tensor, vjp) pairs."""

    def __init__(self, data, sources=(), requires_grad=False):
        self.data = np.asarray(data)
        self.sources = [pair for pair in sources if pair[0].requires_grad and _following[0]]
        self.requires_grad = requires_grad or bool(self.sources)
        self.hooks, self.grad = {}, None

    @property
    def dtype(self):
        return f"torch.{self.data.dtype}"

    @property
    def ndim(self):
        return self.data.ndim

    def is_floating_point(self):
        return self.data.dtype.kind == "f"

    def numel(self):
        return self.data.size

    def is_inference(self):
        return False

    def detach(self):
        return Tensor(self.data)

    def view_as(self, _):
        return Tensor(self.data, [(self, lambda g: g)])

    def requires_grad_(self, flag=True):
        self.requires_grad = flag
        return self

    def float(self):
        return Tensor(self.data.astype(np.float32))

    def double(self):
        return Tensor(self.data.astype(np.float64))

    def cpu(self):
        return self

    def numpy(self):
        assert not self.requires_grad, "a tensor that is followed has no numpy()"
        return self.data

    def abs(self):
        return Tensor(np.abs(self.data))

    def max(self):
        return Tensor(self.data.max())

    def square(self):
        return Tensor(self.data**2, [(self, lambda g: 2 * g * self.data)])

    def sum(self):
        return Tensor(self.data.sum(), [(self, lambda g: np.broadcast_to(g, self.data.shape))])

    def __float__(self):
        return float(self.data)

    def __add__(self, other):
        return Tensor(self.data + other.data, [(self, lambda g: g), (other, lambda g: g)])

    def __mul__(self, factor):
        return Tensor(self.data * factor, [(self, lambda g: g * factor)])

    def __getitem__(self, index):
        def back(g):
            whole = np.zeros_like(self.data)
            whole[index] = g
            return whole

        return Tensor(self.data[index], [(self, back)])

    def times(self, weight):
        """x W^T."""

        def of_weight(g):
            width, inputs = weight.data.shape
            return g.reshape(-1, width).T @ self.data.reshape(-1, inputs)

        pairs = [(self, lambda g: g @ weight.data), (weight, of_weight)]
        return Tensor(self.data @ weight.data.T, pairs)

    def relu(self):
        return Tensor(np.maximum(self.data, 0), [(self, lambda g: g * (self.data > 0))])

    def tanh(self):
        out = np.tanh(self.data)
        return Tensor(out, [(self, lambda g: g * (1 - out**2))])

    def register_hook(self, hook):
        assert self.requires_grad, "a tensor without a gradient takes no hook"
        return Handle(self.hooks, hook)

    def backward(self):
        order, done = [], set()

        def visit(tensor):
            if id(tensor) not in done:
                done.add(id(tensor))
                for source, _ in tensor.sources:
                    visit(source)
                order.append(tensor)

        visit(self)
        found = {id(self): np.ones_like(self.data)}
        for tensor in reversed(order):
            gradient = found[id(tensor)]
            for hook in list(tensor.hooks.values()):
                assert hook(Tensor(gradient)) is None, "watch replaces no gradient"
            if not tensor.sources:
                tensor.grad = gradient if tensor.grad is None else tensor.grad + gradient
            for source, vjp in tensor.sources:
                found[id(source)] = found.get(id(source), 0) + vjp(gradient)


def stack(tensors):
    """Along axis 1."""
    pairs = [(t, lambda g, i=i: g[:, i]) for i, t in enumerate(tensors)]
    return Tensor(np.stack([t.data for t in tensors], axis=1), pairs)


class Module:
    def __init__(self, **parts):
        self._forward_hooks, self._forward_pre_hooks = {}, {}
        for name, part in parts.items():
            setattr(self, name, part)

    def named_children(self):
        return ((n, part) for n, part in vars(self).items() if isinstance(part, Module))

    def named_modules(self, prefix="", seen=None):
        seen = set() if seen is None else seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, part in self.named_children():
            yield from part.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def named_parameters(self, recurse=True):
        for prefix, module in self.named_modules() if recurse else [("", self)]:
            for name, part in vars(module).items():
                if isinstance(part, Tensor):
                    yield (f"{prefix}.{name}" if prefix else name), part

    def parameters(self, recurse=True):
        return (part for _, part in self.named_parameters(recurse))

    def register_forward_hook(self, hook):
        return Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook):
        return Handle(self._forward_pre_hooks, hook)

    def __call__(self, *given):
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, given)
            given = given if changed is None else changed
        output = self.forward(*given)
        for hook in list(self._forward_hooks.values()):
            assert hook(self, given, output) is None, "watch replaces no output"
        return output


class Linear(Module):
    def __init__(self, inputs, outputs, rng, dtype=np.float64, scale=2**0.5):
        weight = rng.standard_normal((outputs, inputs)) * scale / inputs**0.5
        super().__init__(
            weight=Tensor(weight.astype(dtype), requires_grad=True),
            bias=Tensor(np.zeros(outputs, dtype), requires_grad=True),
        )

    def forward(self, x):
        z = x.times(self.weight)
        rows = tuple(range(z.ndim - 1))
        bias = Tensor(np.broadcast_to(self.bias.data, z.data.shape), [(self.bias, lambda g: g)])
        bias.sources = [(source, lambda g: g.sum(axis=rows)) for source, _ in bias.sources]
        return z + bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *parts):
        super().__init__(**{str(i): part for i, part in enumerate(parts)})

    def forward(self, x):
        for _, part in self.named_children():
            x = part(x)
        return x


class ModuleList(Sequential):
    def forward(self, *_):
        raise AssertionError("a list is never called")


class RNN(Module):
    """h_t = tanh(x_t W^T + h_{t-1} R^T); returns all h and the last, as PyTorch's."""

    def __init__(self, inputs, units, rng, scale=0.5, batch_first=True):
        super().__init__(
            weight_ih_l0=Tensor(rng.standard_normal((units, inputs)) / 4, requires_grad=True),
            weight_hh_l0=Tensor(
                rng.standard_normal((units, units)) * scale / units**0.5, requires_grad=True
            ),
            batch_first=batch_first,
        )

    def forward(self, x):
        steps = x.data.shape[1 if self.batch_first else 0]
        h, found = None, []
        for t in range(steps):
            z = (x[:, t] if self.batch_first else x[t]).times(self.weight_ih_l0)
            h = (z if h is None else z + h.times(self.weight_hh_l0)).tanh()
            found.append(h)
        return stack(found), h


def mlp(depth=6, width=16, outputs=4, seed=0, dtype=np.float64, scale=2**0.5):
    rng = np.random.default_rng(seed)
    layers = [
        part for _ in range(depth) for part in (Linear(width, width, rng, dtype, scale), ReLU())
    ]
    return Sequential(*layers, Linear(width, outputs, rng, dtype, scale))
