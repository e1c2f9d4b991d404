"""A PyTorch model, watched by its own hooks: what its layers put out, and what comes back to them.

PyTorch is not imported: a model brings every method that is used here.
"""

from __future__ import annotations

import math
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from vanishing._validation import Array, number, size
from vanishing.measurement.diagnosis import Diagnosis, judge
from vanishing.measurement.readings import Reading, read

# The smallest normal number of formats that NumPy does not have.
_SMALLEST = {"bfloat16": 2.0**-126}


def watch(
    model: Any,
    *,
    learning_rate: float | None = None,
    every: int | None = None,
    log: Callable[[str], Any] | None = None,
) -> Watch:
    """A context that looks at each layer of a PyTorch model while it runs.

    Its hooks are on the model inside the `with` block only, whatever happens there, and change
    nothing of what the model computes. A layer is a module with a weight matrix or kernel of its
    own; what counts is its output and the gradient with respect to that, z and delta for a linear
    layer. Gradients are compared by the norm over the whole batch.

    A layer that is called several times in one pass stands there once for each call, numbered.
    Several passes in one block, as in gradient accumulation, are averaged; without `every` the
    outputs of all of them are kept until the block ends.

    Args:
        model: with the hooks of a `torch.nn.Module`.
        learning_rate: of plain descent; gives each layer the length of a step over that of its
            weights. Where the loss is scaled, the rate over that scale.
        every: look at the first of every so many passes only, and keep a diagnosis of each look in
            `history`.
        log: is called with a line for each of these looks; `print` by default.

    Raises:
        TypeError: if the model has no hooks.
        ValueError: if it has no layer with a weight matrix.

    Examples:
        With PyTorch::

            with watch(model) as seen:
                loss(model(x), y).backward()
            print(seen)
    """
    wanted = ("named_modules", "register_forward_hook")
    if isinstance(model, type) or not all(hasattr(model, name) for name in wanted):
        came = "a class" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model is {came}; a torch.nn.Module is expected")
    if learning_rate is not None:
        learning_rate = number(learning_rate, "learning_rate", above=0)
    if log is not None and not callable(log):
        raise TypeError(f"log is {log!r}; a function that takes a line is expected")
    if every is not None:
        every = size(every, "every")
    elif log is not None:
        every = 1
    layers = dict(_layers(model))
    if not layers:
        raise ValueError("model has no layer with a weight matrix; at least one is expected")
    return Watch(model, layers, learning_rate, every, log or print)


@dataclass(eq=False)
class Watch:
    """What `watch` returns; a context manager.

    Attributes:
        history: a diagnosis for each look, if `every` or `log` was given.
    """

    _model: Any
    _layers: Mapping[str, Any]
    _learning_rate: float | None
    _every: int | None
    _log: Callable[[str], Any]
    history: list[Diagnosis] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self._passes: list[_Pass] = []
        self._done: list[_Pass] = []
        self._count = self._due = 0
        self._current = threading.local()
        self._lock = threading.RLock()
        self._is_open = True
        self.history = []
        self._handles: list[Any] = []
        try:
            self._register()
        except BaseException:
            self._remove()
            raise
        return self

    def _register(self) -> None:
        # Functions, not methods: a copy of the model takes its hooks along, but not this object.
        add = self._handles.append
        for module in _common_ancestors(self._model, self._layers):
            add(module.register_forward_pre_hook(lambda *_: self._begin()))
        for name, layer in self._layers.items():
            add(layer.register_forward_hook(self._forward_hook(name)))
            if _is_recurrent(layer):
                add(layer.register_forward_pre_hook(self._tap(name)))
            if self._learning_rate is not None:
                for weight in _matrices(layer):
                    if weight.requires_grad:
                        add(weight.register_hook(self._weight_hook(name)))

    def _remove(self) -> None:
        self._is_open = False
        for handle in (*self._handles, *(h for run in self._passes for h in run.handles)):
            handle.remove()

    def __exit__(self, *_: object) -> None:
        self._remove()
        self._finish()
        self._current = threading.local()

    def _begin(self) -> None:
        """A new pass, where a module that holds all layers is called, unless one has just begun."""
        if getattr(self._current, "is_fresh", False):
            return
        if _in_backward():
            self._current.run = self._passes[-1] if self._passes else None
            return
        self._current.is_fresh = True
        with self._lock:
            self._finish()
            looks = self._is_open and (self._every is None or self._count >= self._due)
            self._count += 1
            run = _Pass(self._count) if looks else None
            self._current.run = run
            if run:
                self._passes.append(run)

    def _run(self) -> _Pass | None:
        """The pass that runs in this thread; one begins if a layer is called by itself."""
        if not hasattr(self._current, "run"):
            self._begin()
        found: _Pass | None = self._current.run
        return found

    def _forward_hook(self, name: str) -> Callable[..., None]:
        def hook(layer: Any, _: Any, output: Any) -> None:
            run, tensors = self._run(), list(_tensors(output))
            self._current.is_fresh = False
            if run is None or not tensors:
                return
            call = run.call(name, again=_in_backward())
            if call is None:
                return
            weights = list(_matrices(layer))
            call.frozen = not any(weight.requires_grad for weight in weights)
            call.followed = any(tensor.requires_grad for tensor in tensors)
            if not (call.followed or call.frozen):
                return  # a pass that nobody differentiates, or that a checkpoint will repeat
            call.zero_weights = all(float(w.detach().abs().max()) == 0 for w in weights)
            call.outputs = [_Output(_plain(tensor), _smallest(tensor)) for tensor in tensors]
            for tensor, seen in zip(tensors, call.outputs, strict=True):
                if tensor.requires_grad:
                    run.handles.append(tensor.register_hook(seen.add))

        return hook

    def _tap(self, name: str) -> Callable[..., Any]:
        """A hook that lets the input of a recurrent layer have a gradient."""

        def hook(layer: Any, given: tuple[Any, ...]) -> Any:
            run = self._run()
            x: Any = given[0] if given else None
            if run is None or getattr(x, "ndim", 0) != 3 or not hasattr(x, "register_hook"):
                return None
            if not any(weight.requires_grad for weight in _matrices(layer)) or x.is_inference():
                return None
            # A view has a gradient of its own, without what comes back past this layer.
            x = x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
            if not x.requires_grad:
                return None
            tap = _Output(None, None)
            run.taps.append((name, tap, 1 if layer.batch_first else 0))
            run.handles.append(x.register_hook(tap.add))
            return (x, *given[1:])

        return hook

    def _weight_hook(self, name: str) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            for run in self._passes[-1:]:
                square = float(gradient.detach().double().square().sum())
                run.weight_squares[name] = run.weight_squares.get(name, 0.0) + square

        return hook

    def _finish(self) -> None:
        """End a look that `every` asked for: keep its diagnosis, and log a line."""
        if self._every is None or not self._passes:
            return
        run = self._passes.pop()
        for handle in run.handles:
            handle.remove()
        if run.has_gradient:
            self._due = run.number - 1 + self._every
            self._done = [run]
            found = self._diagnosis_of(self._done)
            self.history.append(found)
            self._log(f"pass {run.number}: {found.summary}")

    @property
    def readings(self) -> tuple[Reading, ...]:
        """One for each layer and call, in the order of the forward pass, then layers not called."""
        return self._readings_of(self._seen())

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis of the layers.

        Raises:
            RuntimeError: if no backward pass ran inside the block.
        """
        return self._diagnosis_of(self._seen())

    @property
    def over_time(self) -> dict[str, Diagnosis]:
        """For each recurrent layer the diagnosis of the gradient that its input gets per step.

        The loss must look at the last step alone; if it looks at others, too, the verdict is
        'undefined' and says so.
        """
        return {
            name: judge(readings, over="time", losses=losses)
            for name, (readings, losses) in self.steps.items()
        }

    @property
    def steps(self) -> dict[str, tuple[tuple[Reading, ...], int]]:
        """For each recurrent layer the readings of its input's gradient, one per step.

        Beside them stands the number of steps before the last at which the loss looks, too.
        """
        return dict(_steps(self._seen()[-1]))

    def __str__(self) -> str:
        parts = [str(self.diagnosis)]
        for name, found in self.over_time.items():
            parts.append(f"{name!r} over {len(found.names)} time steps: {found.findings}")
        return "\n".join(parts)

    def _seen(self) -> list[_Pass]:
        found = [run for run in self._passes if run.has_gradient] or self._done
        if not found:
            raise RuntimeError(
                "no gradient was seen: call model(x) and backward() inside the with block"
            )
        return found

    def _diagnosis_of(self, runs: Sequence[_Pass]) -> Diagnosis:
        return judge(self._readings_of(runs))

    def _readings_of(self, runs: Sequence[_Pass]) -> tuple[Reading, ...]:
        by_run = [run.readings() for run in runs]
        last = by_run[-1]
        alike = [found for found in by_run if [r.name for r in found] == [r.name for r in last]]
        merged = [_merged(column) for column in zip(*alike, strict=True)]
        called = runs[-1].names
        merged += [
            Reading(name, None, frozen=not any(w.requires_grad for w in _matrices(layer)))
            for name, layer in self._layers.items()
            if not any(one == name or _holds(one, name) or _holds(name, one) for one in called)
        ]
        if self._learning_rate is None:
            return tuple(merged)
        squares = runs[-1].weight_squares
        return tuple(replace(reading, step=self._step(reading.name, squares)) for reading in merged)

    def _step(self, name: str, squares: Mapping[str, float]) -> float | None:
        layer = self._layers.get(name)
        if layer is None or name not in squares or self._learning_rate is None:
            return None
        own = sum(float(w.detach().double().square().sum()) for w in _matrices(layer))
        return self._learning_rate * math.sqrt(squares[name] / own) if own else None


@dataclass(eq=False)
class _Output:
    """One tensor that a layer returned, and the gradient that came back to it."""

    signal: Array | None
    smallest: float | None
    gradient: Array | None = None

    def add(self, gradient: Any) -> None:
        if gradient is None:  # of an output that enters no loss
            return
        found = _plain(gradient)
        self.gradient = found if self.gradient is None else self.gradient + found


@dataclass(eq=False)
class _Call:
    """One call of one layer.

    Attributes:
        followed: whether the call is part of the graph that is differentiated.
        outputs: none where it is not, unless the layer is frozen.
    """

    name: str
    frozen: bool = False
    followed: bool = False
    zero_weights: bool = False
    outputs: list[_Output] = field(default_factory=list)

    @property
    def gradient(self) -> Array | None:
        return self._main.gradient if self.outputs else None

    @property
    def _main(self) -> _Output:
        """The first output that enters the loss, such as the last state of a recurrent layer."""
        reached = (output for output in self.outputs if output.gradient is not None)
        return next(reached, self.outputs[0])

    def reading(self, name: str) -> Reading:
        seen = self._main
        found = read(name, seen.gradient, signal=seen.signal, smallest=seen.smallest)
        return replace(found, zero_weights=self.zero_weights, frozen=self.frozen)


@dataclass(eq=False)
class _Pass:
    """The calls of one forward pass, in their order."""

    number: int
    calls: list[_Call] = field(default_factory=list)
    taps: list[tuple[str, _Output, int]] = field(default_factory=list)
    weight_squares: dict[str, float] = field(default_factory=dict)
    handles: list[Any] = field(default_factory=list)

    def call(self, name: str, again: bool) -> _Call | None:
        """A new call or, if a checkpoint repeats it, the one that was not followed before."""
        if again:
            before = (c for c in reversed(self.calls) if c.name == name and not c.followed)
            return next(before, None)
        self.calls.append(_Call(name))
        return self.calls[-1]

    @property
    def has_gradient(self) -> bool:
        return any(call.gradient is not None for call in self.calls)

    @property
    def names(self) -> set[str]:
        """The layers that were called, but not those that only hold others that were."""
        called = {call.name for call in self.calls if call.outputs}
        return {name for name in called if not any(_holds(name, other) for other in called)}

    def readings(self) -> list[Reading]:
        """One for each call; of several calls of one layer, the second is `name (2)`."""
        seen: Counter[str] = Counter()
        found, names = [], self.names
        for call in self.calls:
            if call.outputs and call.name in names:
                seen[call.name] += 1
                again = f" ({seen[call.name]})" if seen[call.name] > 1 else ""
                found.append(call.reading(call.name + again))
        return found


def _merged(readings: Sequence[Reading]) -> Reading:
    """One layer over several passes: root mean squares, and what holds in each of them."""
    if len(readings) == 1:
        return readings[0]

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return math.sqrt(sum(value**2 for value in known) / len(known)) if known else None

    dead = [r.dead for r in readings]
    return replace(
        readings[-1],
        gradient=mean(r.gradient for r in readings),
        signal=mean(r.signal for r in readings),
        dead=None if None in dead else min(d for d in dead if d is not None),
        constant=all(r.constant for r in readings),
        spread=mean(r.spread for r in readings),
        subnormal=all(r.subnormal for r in readings),
    )


def _steps(run: _Pass) -> Iterator[tuple[str, tuple[tuple[Reading, ...], int]]]:
    losses = 0
    if run.taps:
        last, _, axis = run.taps[-1]
        outputs = [call.outputs[0].gradient for call in run.calls if call.name == last]
        if outputs and outputs[-1] is not None:
            losses = int(np.count_nonzero(_per_step(outputs[-1], axis)[:-1]))
    for name, tap, axis in run.taps:
        if tap.gradient is not None:
            sizes = _per_step(tap.gradient, axis)
            steps = (Reading(f"t = {t}", float(size)) for t, size in enumerate(sizes, start=1))
            yield name, (tuple(steps), losses)


def _per_step(gradient: Array, axis: int) -> Array:
    """The norm of each time step's entries."""
    rows = np.moveaxis(gradient, axis, 0).astype(np.float64)
    return np.asarray(np.linalg.norm(rows.reshape(len(rows), -1), axis=1))


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Modules with a matrix of their own, under their names."""
    for name, module in model.named_modules():
        if "parametrizations" not in name.split(".") and any(True for _ in _matrices(module)):
            yield name, module


def _holds(name: str, other: str) -> bool:
    """Whether the module of that name holds the other one; the model's own name is empty."""
    path, whole = (one.split(".") if one else [] for one in (name, other))
    return len(path) < len(whole) and whole[: len(path)] == path


def _matrices(layer: Any) -> Iterator[Any]:
    """The layer's own parameters with two axes or more, or what they are computed from."""
    yield from (p for p in layer.parameters(recurse=False) if p.ndim >= 2)
    for computed in getattr(layer, "parametrizations", {}).values():  # as by weight normalization
        yield from (p for p in computed.parameters() if p.ndim >= 2)


def _is_recurrent(layer: Any) -> bool:
    names = [name for name, _ in layer.named_parameters(recurse=False)]
    return "weight_hh_l0" in names and not getattr(layer, "bidirectional", False)


def _common_ancestors(model: Any, layers: Iterable[str]) -> Iterator[Any]:
    """The modules that hold all layers; some of them may be mere lists, which are never called."""
    modules, path = dict(model.named_modules()), ""
    yield model
    for parts in zip(*(name.split(".")[:-1] for name in layers)):
        if len(set(parts)) > 1:
            return
        path = f"{path}.{parts[0]}" if path else parts[0]
        yield modules[path]


def _tensors(output: Any) -> Iterator[Any]:
    """The tensors of floating-point numbers in what a layer returned, without empty ones."""
    if hasattr(output, "register_hook"):
        if output.is_floating_point() and output.numel():
            yield output
    elif isinstance(output, (Mapping, tuple, list)):
        for part in output.values() if isinstance(output, Mapping) else output:
            yield from _tensors(part)


def _in_backward() -> bool:
    """Whether a backward pass runs in this thread: then a checkpoint repeats a forward pass."""
    engine = getattr(sys.modules.get("torch"), "_C", None)
    task = getattr(engine, "_current_graph_task_id", None)
    return task is not None and task() != -1


def _plain(tensor: Any) -> Array:
    """A copy as a NumPy array, which later changes in place do not reach."""
    wide = tensor.detach()
    wide = wide if str(wide.dtype).endswith("float64") else wide.float()
    return np.atleast_1d(np.array(wide.cpu().numpy()))


def _smallest(tensor: Any) -> float:
    name = str(tensor.dtype).rpartition(".")[2]
    return _SMALLEST.get(name) or float(np.finfo(name).smallest_normal)
