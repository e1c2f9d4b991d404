"""Watching a model by its hooks: what is seen, and that the model is left as it was.

The first half needs no PyTorch: a tiny one in NumPy stands in for it.
"""

import contextlib
import copy
import math
import pickle
import threading
import warnings

import fake_torch as fake
import numpy as np
import pytest

import vanishing as vn
from vanishing.measurement import watching
from vanishing.measurement.readings import Reading
from vanishing.measurement.watching import _merged


def inputs(shape=(8, 16), seed=1, **options):
    return fake.Tensor(np.random.default_rng(seed).standard_normal(shape), **options)


def loss_of(output):
    return output.square().sum()


def look(model, x, **options):
    with vn.watch(model, **options) as seen:
        loss_of(model(x)).backward()
    return seen


def hooks_of(model):
    modules = [module for _, module in model.named_modules()]
    return [
        *(hook for m in modules for hook in (*m._forward_hooks, *m._forward_pre_hooks)),
        *(hook for p in model.parameters() for hook in p.hooks),
    ]


def by_hand(model, x):
    """Outputs of the linear layers, and the gradients with respect to them."""
    kept = []
    for _, part in model.named_children():
        x = part(x)
        kept += [x] if isinstance(part, fake.Linear) else []
    gradients = {}
    for i, z in enumerate(kept):
        z.register_hook(lambda g, i=i: gradients.update({i: g.data}))
    loss_of(x).backward()
    return [z.data for z in kept], [gradients[i] for i in range(len(kept))]


def test_what_is_seen_is_what_was_computed():
    signals, gradients = by_hand(fake.mlp(), inputs())
    seen = look(fake.mlp(), inputs())
    assert seen.diagnosis.names == tuple(str(i) for i in range(0, 14, 2))
    assert seen.diagnosis.norms == pytest.approx([np.linalg.norm(g) for g in gradients], rel=1e-12)
    assert [r.signal for r in seen.readings] == pytest.approx([vn.rms(z) for z in signals])
    assert str(seen) == str(seen.diagnosis) and seen.over_time == {} and seen.history == []
    other = vn.diagnose(gradients, signals=signals)
    assert (seen.diagnosis.verdict, seen.diagnosis.ratio) == (
        other.verdict,
        pytest.approx(other.ratio),
    )


@pytest.mark.parametrize(
    ("scale", "verdict", "situation"),
    [
        (2**0.5, "steady", None),
        (0.2, "vanishing", "small weights"),
        (9.0, "exploding", "large weights"),
    ],
)
def test_sick_and_healthy_networks_are_told_apart(scale, verdict, situation):
    found = look(fake.mlp(8, scale=scale), inputs()).diagnosis
    assert (found.verdict, found.situation) == (verdict, situation)


def test_the_model_computes_the_same_and_keeps_no_hook():
    models = [fake.mlp(), fake.mlp()]
    outputs = []
    for model, context in zip(models, (contextlib.nullcontext(), vn.watch(models[1]))):
        with context:
            outputs.append(model(inputs()))
            loss_of(outputs[-1]).backward()
    assert (outputs[0].data == outputs[1].data).all()
    for one, other in zip(*(model.parameters() for model in models)):
        assert (one.grad == other.grad).all() and (one.data == other.data).all()
    assert hooks_of(models[1]) == [] == [*outputs[1].hooks]


def test_hooks_go_after_an_exception_as_well():
    model = fake.mlp()
    with pytest.raises(KeyError), vn.watch(model, learning_rate=0.1) as seen:
        assert hooks_of(model)
        output = model(inputs())
        loss_of(output).backward()
        raise KeyError
    assert hooks_of(model) == [] == [*output.hooks]
    assert seen.diagnosis.verdict == "steady"


def test_hooks_go_if_one_cannot_be_registered():
    model = fake.mlp()
    other = next(part for name, part in model.named_modules() if name == "8")
    other.register_forward_hook = None
    with pytest.raises(TypeError), vn.watch(model):
        pass
    assert hooks_of(model) == []


def test_a_backward_pass_after_the_block_is_not_seen():
    model = fake.mlp()
    with vn.watch(model) as seen:
        loss = loss_of(model(inputs()))
        loss.backward()
    before = seen.diagnosis.norms
    loss.backward()
    loss_of(model(inputs())).backward()
    assert (seen.diagnosis.norms == before).all()
    with vn.watch(model) as seen:
        loss = loss_of(model(inputs()))
    loss.backward()
    with pytest.raises(RuntimeError, match="no gradient was seen: call model"):
        seen.diagnosis  # noqa: B018, as a user's `seen.diagnosis`


@pytest.mark.parametrize("ask", ["diagnosis", "readings", "over_time", "steps", "__str__"])
def test_without_a_backward_pass_there_is_nothing_to_say(ask):
    model = fake.mlp()
    with vn.watch(model) as seen:
        model(inputs())
        with fake.no_grad():
            model(inputs())
    with pytest.raises(RuntimeError, match="no gradient was seen"):
        found = getattr(seen, ask)
        found()


def test_a_model_without_layers_and_what_is_no_model_are_refused():
    with pytest.raises(ValueError, match="^model has no layer with a weight matrix"):
        vn.watch(fake.Sequential(fake.ReLU()))
    for value in (None, 3, fake.mlp, fake.Linear):
        with pytest.raises(TypeError, match="^model is .*a torch.nn.Module is expected"):
            vn.watch(value)


def frozen(model, layers):
    for name, part in model.named_modules():
        if name in layers:
            for parameter in part.parameters():
                parameter.requires_grad_(False)
    return model


def test_frozen_layers_at_the_input_are_named_and_left_out():
    found = look(frozen(fake.mlp(), ("0", "2")), inputs()).diagnosis
    assert np.isnan(found.norms).tolist() == [True, True] + [False] * 5
    assert found.verdict == "steady" and found.situation is None
    assert "2 of 7 layers are frozen: layer 0 to layer 2" in found.evidence
    whole = look(fake.mlp(), inputs()).diagnosis
    assert found.norms[2:] == pytest.approx(whole.norms[2:])
    one = look(frozen(fake.mlp(), ("0",)), inputs()).diagnosis
    assert "1 of 7 layers is frozen: layer 0" in one.evidence


def test_a_frozen_layer_in_the_middle_still_passes_the_gradient():
    found = look(frozen(fake.mlp(), ("4", "6")), inputs(), learning_rate=0.1)
    whole = look(fake.mlp(), inputs()).diagnosis
    assert found.diagnosis.norms == pytest.approx(whole.norms)
    assert [r.frozen for r in found.readings] == [False] * 2 + [True] * 2 + [False] * 3
    assert np.isnan(found.diagnosis.steps).tolist() == [r.frozen for r in found.readings]


def test_a_model_that_is_frozen_as_a_whole_has_gradients_only_for_an_input_that_wants_them():
    names = [str(i) for i in range(13)]
    with vn.watch(frozen(fake.mlp(), names)) as seen:
        seen._model(inputs())
    with pytest.raises(RuntimeError, match="no gradient was seen"):
        seen.readings  # noqa: B018, as a user's
    given = inputs(requires_grad=True)
    found = look(frozen(fake.mlp(), names), given).diagnosis
    assert found.verdict == "steady" and np.isfinite(found.norms).all()


class Unused(fake.Module):
    def __init__(self):
        rng = np.random.default_rng(0)
        super().__init__(
            aux=fake.Linear(16, 3, rng), spare=fake.Linear(16, 3, rng), body=fake.mlp()
        )

    def forward(self, x):
        self.aux(x)
        return self.body(x)


def test_layers_that_are_not_called_or_do_not_enter_the_loss_are_named_and_left_out():
    found = look(Unused(), inputs(), learning_rate=0.1).diagnosis
    assert found.names == ("aux", *(f"body.{i}" for i in range(0, 14, 2)), "spare")
    assert np.isnan(found.norms[[0, -1]]).all() and np.isfinite(found.norms[1:-1]).all()
    assert "2 of 9 layers get no gradient: 'aux' to 'spare'" in found.evidence
    assert found.verdict == "steady" and found.situation is None


class Twice(fake.Module):
    def __init__(self):
        rng = np.random.default_rng(0)
        super().__init__(first=fake.Linear(16, 16, rng), again=fake.Linear(16, 16, rng))

    def forward(self, x):
        return self.again(self.first(self.again(x).relu()).relu())


def test_each_call_of_a_layer_has_its_own_signal_and_gradient():
    model = Twice()
    x = inputs()
    z1 = model.again(x)
    z2 = model.first(z1.relu())
    z3 = model.again(z2.relu())
    wanted = {}
    for i, z in enumerate((z1, z2, z3)):
        z.register_hook(lambda g, i=i: wanted.update({i: np.linalg.norm(g.data)}))
    loss_of(z3).backward()
    seen = look(Twice(), inputs(), learning_rate=0.1)
    assert seen.diagnosis.names == ("again", "first", "again (2)")
    assert seen.diagnosis.norms == pytest.approx([wanted[i] for i in range(3)])
    assert [r.signal for r in seen.readings] == pytest.approx(
        [vn.rms(z.data) for z in (z1, z2, z3)]
    )
    # One layer makes one step.
    assert np.isfinite(seen.diagnosis.steps).tolist() == [True, True, False]


class Halves(fake.Module):
    """Calls the inner model on two halves of the batch, as DataParallel does."""

    def forward(self, x):
        return loss_of(self.module(x[:4])) + loss_of(self.module(x[4:]))


def test_a_wrapper_that_calls_the_model_on_parts_of_the_batch_makes_several_passes():
    model = Halves(module=fake.mlp())
    with vn.watch(model) as seen:
        model(inputs()).backward()
    halves = [look(fake.mlp(), inputs()[part]).diagnosis for part in (slice(4), slice(4, 8))]
    mean = np.sqrt(np.mean([half.norms**2 for half in halves], axis=0))
    assert seen.diagnosis.names == tuple(f"module.{name}" for name in halves[0].names)
    assert seen.diagnosis.norms == pytest.approx(mean)


def test_accumulated_passes_are_averaged():
    model, parts = fake.mlp(), [inputs(seed=s) for s in range(3)]
    with vn.watch(model) as seen:
        for x in parts:
            loss_of(model(x)).backward()
    alone = [look(fake.mlp(), x).diagnosis.norms for x in parts]
    assert seen.diagnosis.norms == pytest.approx(np.sqrt(np.mean(np.square(alone), axis=0)))
    # So they are with one backward pass for all.
    with vn.watch(model) as seen:
        loss = loss_of(model(parts[0])) + loss_of(model(parts[1]))
        loss.backward()
    assert seen.diagnosis.norms == pytest.approx(np.sqrt(np.mean(np.square(alone[:2]), axis=0)))


def test_a_unit_is_dead_only_if_it_is_off_in_every_pass():
    model, x = fake.mlp(2), inputs()
    weight = next(p for _, p in model.named_parameters())
    weight.data[:14] = 0
    weight.data[:14, 0] = 1.0
    passes = [fake.Tensor(x.data * 1.0), fake.Tensor(x.data * 1.0)]
    passes[0].data[:, 0], passes[1].data[:, 0] = -1.0, 1.0
    assert look(model, passes[0]).diagnosis.situation == "dead"
    with vn.watch(model) as seen:
        for x in passes:
            loss_of(model(x)).backward()
    assert seen.diagnosis.situation is None


def test_a_gradient_underflows_only_if_it_does_in_every_pass():
    model = fake.mlp(dtype=np.float16)
    with vn.watch(model) as seen:
        for size in (1e-6, 1e-2):
            output = model(fake.Tensor(inputs().data.astype(np.float16)))
            given = np.full(output.data.shape, size, np.float16)
            fake.Tensor(np.sum(output.data), [(output, lambda g, given=given: given)]).backward()
    assert seen.diagnosis.situation is None


def test_an_output_without_a_gradient_is_no_error():
    # PyTorch calls its hook with None if another output of the same layer enters the loss.
    output = watching._Output(np.ones(3), None)
    output.add(None)
    assert output.gradient is None
    output.add(fake.Tensor(np.ones(3)))
    output.add(None)
    assert output.gradient.tolist() == [1, 1, 1]


def test_two_backward_passes_of_one_forward_pass_add_up():
    model = fake.mlp()
    with vn.watch(model) as seen:
        loss = loss_of(model(inputs()))
        loss.backward()
        loss.backward()
    assert seen.diagnosis.norms == pytest.approx(2 * look(fake.mlp(), inputs()).diagnosis.norms)


def test_a_pass_that_nobody_differentiates_counts_for_nothing():
    model = fake.mlp()
    with vn.watch(model) as seen:
        with fake.no_grad():
            model(inputs(seed=5))
        loss_of(model(inputs())).backward()
        with fake.no_grad():
            model(inputs(seed=6))
    assert (seen.diagnosis.norms == look(fake.mlp(), inputs()).diagnosis.norms).all()


def descend(model, count, **options):
    with vn.watch(model, **options) as seen:
        for i in range(count):
            loss_of(model(inputs(seed=i))).backward()
            with fake.no_grad():
                model(inputs(seed=99))
    return seen


def test_every_so_many_passes_a_look_is_kept_and_logged():
    lines = []
    seen = descend(fake.mlp(), 8, every=4, log=lines.append)
    assert [line.partition(":")[0] for line in lines] == ["pass 1", "pass 5", "pass 9", "pass 13"]
    assert all(
        line.endswith(f": steady, {found.factor:.3g} per layer, {found.ratio:.1e} in all")
        for line, found in zip(lines, seen.history, strict=True)
    )
    first = look(fake.mlp(), inputs(seed=0)).diagnosis
    assert (seen.history[0].norms == first.norms).all()
    assert (seen.diagnosis.norms == seen.history[-1].norms).all()
    assert len(seen._passes) == 0, "what was looked at is not kept"


def test_a_model_within_a_model_is_called_once_in_a_pass():
    inner = fake.mlp()
    model = fake.Sequential(fake.Sequential(inner))
    with vn.watch(model, every=2, log=lambda line: None) as seen:
        for i in range(6):
            loss_of(model(inputs(seed=i))).backward()
    assert len(seen.history) == 3


def test_a_pass_without_a_gradient_does_not_use_up_a_look():
    model = fake.mlp()
    with vn.watch(model, every=2, log=lambda line: None) as seen:
        for i in range(6):
            with fake.no_grad():
                model(inputs(seed=9))
            loss_of(model(inputs(seed=i))).backward()
    assert len(seen.history) == 6


def test_looks_are_printed_unless_a_log_is_given_and_each_pass_is_one_if_only_that_is(capsys):
    assert len(descend(fake.mlp(), 3, every=1).history) == 3
    assert capsys.readouterr().out.count("steady") == 3
    lines = []
    assert len(descend(fake.mlp(), 3, log=lines.append).history) == len(lines) == 3
    assert descend(fake.mlp(), 3).history == [] and capsys.readouterr().out == ""


def test_a_log_may_run_the_model_again():
    model = fake.mlp()
    descend(model, 3, every=1, log=lambda line: [model(inputs()), model(inputs())])


def test_a_block_can_be_entered_again():
    model = fake.mlp()
    context = vn.watch(model, every=1, log=lambda line: None)
    for count in (3, 2):
        with context as seen:
            for i in range(count):
                loss_of(model(inputs(seed=i))).backward()
        assert len(seen.history) == count
    assert hooks_of(model) == []


def test_two_watches_see_the_same():
    model = fake.mlp()
    with vn.watch(model) as one, vn.watch(model) as other:
        loss_of(model(inputs())).backward()
    assert (one.diagnosis.norms == other.diagnosis.norms).all() and hooks_of(model) == []


def test_a_learning_rate_gives_the_length_of_a_step():
    model = fake.mlp()
    found = look(model, inputs(), learning_rate=1e-3).diagnosis
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    wanted = [1e-3 * np.linalg.norm(w.grad) / np.linalg.norm(w.data) for w in weights]
    assert found.steps == pytest.approx(wanted)
    assert look(fake.mlp(), inputs(), learning_rate=1e-9).diagnosis.situation == "tiny steps"
    assert look(fake.mlp(), inputs(), learning_rate=1e3).diagnosis.situation == "huge steps"
    assert np.isnan(look(fake.mlp(), inputs()).diagnosis.steps).all()


def test_a_head_of_zeros_is_no_vanishing_gradient():
    model = fake.mlp()
    [*model.named_parameters()][-2][1].data[:] = 0
    found = look(model, inputs()).diagnosis
    assert (found.verdict, found.situation) == ("undefined", "silent")
    with vn.watch(model) as seen:
        (model(inputs()) * 1.0).sum().backward()
    found = seen.diagnosis
    assert (found.verdict, found.situation, found.first_layer) == (
        "blocked",
        "zero weights",
        (7, "12"),
    )


def test_a_layer_that_is_off_is_found():
    model = fake.mlp()
    [*model.named_parameters()][5][1].data[:] = -100
    with vn.watch(model) as seen:
        model(inputs()).sum().backward()
    found = seen.diagnosis
    assert (found.verdict, found.situation, found.first_layer) == ("blocked", "dead", (3, "4"))


@pytest.mark.parametrize(
    ("dtype", "situation"),
    [(np.float16, "underflow"), (np.float32, None), (np.float64, None)],
)
def test_the_format_of_the_model_counts(dtype, situation):
    model = fake.mlp(dtype=dtype)
    with vn.watch(model) as seen:
        x = fake.Tensor(inputs().data.astype(dtype))
        output = model(x)
        tiny = np.full(output.data.shape, 1e-6, dtype)
        fake.Tensor(np.sum(output.data * tiny), [(output, lambda g: tiny)]).backward()
    assert seen.diagnosis.situation == situation
    assert seen.diagnosis.norms.dtype == np.float64


def test_bfloat16_is_known_although_numpy_has_none(monkeypatch):
    monkeypatch.setattr(fake.Tensor, "dtype", "torch.bfloat16")
    assert watching._smallest(inputs()) == pytest.approx(float(np.finfo(np.float32).tiny))
    assert look(fake.mlp(), inputs()).diagnosis.verdict == "steady"


class Held(fake.Module):
    """A matrix of its own, added to the input of a body, as position embeddings are."""

    def forward(self, x):
        rows = fake.Tensor(
            np.broadcast_to(self.position.data, x.data.shape),
            [(self.position, lambda g: g.sum(axis=0, keepdims=True))],
        )
        return self.body(x + rows)


@pytest.mark.parametrize("outermost", [True, False])
def test_a_module_that_only_holds_layers_beside_a_matrix_is_no_layer(outermost):
    position = fake.Tensor(np.zeros((1, 16)), requires_grad=True)
    model = Held(position=position, body=fake.mlp())
    if not outermost:
        model = fake.Sequential(model)
    found = look(model, inputs(), learning_rate=0.1).diagnosis
    prefix = "body" if outermost else "0.body"
    assert found.names == tuple(f"{prefix}.{i}" for i in range(0, 14, 2))
    assert found.norms == pytest.approx(look(fake.mlp(), inputs()).diagnosis.norms)


class Attention(fake.Module):
    """Uses the matrix of the layer inside without calling it, as nn.MultiheadAttention does."""

    def forward(self, x):
        return x.times(self.weight).times(self.inside.weight)


def test_a_layer_inside_one_that_is_not_called_is_a_part_of_it():
    rng = np.random.default_rng(0)
    weight = fake.Tensor(rng.standard_normal((16, 16)) / 4, requires_grad=True)
    attention = Attention(weight=weight, inside=fake.Linear(16, 16, rng))
    found = look(fake.Sequential(attention, fake.Linear(16, 4, rng)), inputs()).diagnosis
    assert found.names == ("0", "1") and np.isfinite(found.norms).all()


def test_a_list_of_layers_is_not_waited_for():
    class Model(fake.Module):
        def forward(self, x):
            for _, part in self.layers.named_children():
                x = part(x)
            return x

    rng = np.random.default_rng(0)
    layers = fake.ModuleList(*(fake.Linear(16, 16, rng) for _ in range(3)))
    model = Model(layers=layers)
    with vn.watch(model) as seen:
        for i in range(2):
            loss_of(model(inputs(seed=i))).backward()
    assert seen.diagnosis.names == ("layers.0", "layers.1", "layers.2")
    # So it is if the list is a module that could be called, but is not.
    model.layers = fake.Sequential(*(part for _, part in layers.named_children()))
    with vn.watch(model) as seen:
        for i in range(2):
            loss_of(model(inputs(seed=i))).backward()
    assert seen.diagnosis.names == ("layers.0", "layers.1", "layers.2")
    # Layers that are called by themselves are one pass.
    with vn.watch(model) as seen:
        x = inputs()
        for _, part in layers.named_children():
            x = part(x)
        loss_of(x).backward()
    assert seen.diagnosis.names == ("layers.0", "layers.1", "layers.2")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda z: (z, z.relu()),
        lambda z: {"logits": z, "ids": fake.Tensor(np.arange(3))},
        lambda z: [fake.Tensor(np.arange(3)), None, {"x": (z,)}],
        lambda z: (fake.Tensor(np.empty((0, 3))), z),
    ],
)
def test_outputs_may_be_packed(wrap):
    class Packed(fake.Linear):
        def forward(self, x):
            return wrap(super().forward(x))

    class Model(fake.Module):
        def forward(self, x):
            self.seen = []
            packed = self.layer(x)
            z = next(watching._tensors(packed))
            return self.head(z)

    rng = np.random.default_rng(0)
    found = look(Model(layer=Packed(16, 16, rng), head=fake.Linear(16, 4, rng)), inputs()).diagnosis
    assert found.names == ("layer", "head") and np.isfinite(found.norms).all()


def test_the_output_that_enters_the_loss_counts():
    class Last(fake.Module):
        def forward(self, x):
            return self.head(self.rnn(x)[1])

    rng = np.random.default_rng(0)
    model = Last(rnn=fake.RNN(6, 16, rng), head=fake.Linear(16, 4, rng))
    seen = look(model, inputs((4, 9, 6)))
    assert np.isfinite(seen.diagnosis.norms).all()
    assert seen.over_time["rnn"].situation == "vanishing over time"


def test_empty_and_scalar_outputs_are_no_error():
    class Expert(fake.Module):
        def forward(self, x):
            self.rare(x[:0])
            return loss_of(self.often(x)) * -1.0

    rng = np.random.default_rng(0)
    own = fake.Tensor(np.ones((2, 2)), requires_grad=True)
    model = Expert(own=own, rare=fake.Linear(16, 4, rng), often=fake.Linear(16, 4, rng))
    with vn.watch(model) as seen:
        model(inputs()).backward()
    assert seen.diagnosis.names == ("often", "rare")

    class Scalar(fake.Linear):
        def forward(self, x):
            return loss_of(super().forward(x)) * -1.0

    with vn.watch(fake.Sequential(Scalar(16, 4, rng))) as seen:
        (seen._model(inputs()) * -1.0).backward()
    assert seen.readings[0].gradient == 1


class OverTime(fake.Module):
    def __init__(self, everywhere=False, **options):
        rng = np.random.default_rng(0)
        self.everywhere, self.first = everywhere, options.get("batch_first", True)
        super().__init__(rnn=fake.RNN(6, 16, rng, **options), head=fake.Linear(16, 4, rng))

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.head(h if self.everywhere else h[:, -1])


def test_a_recurrent_layer_is_followed_over_time():
    seen = look(OverTime(scale=0.3), inputs((4, 30, 6)))
    found = seen.over_time["rnn"]
    assert found.names == tuple(f"t = {t}" for t in range(1, 31))
    assert (found.verdict, found.situation) == ("vanishing", "vanishing over time")
    assert "'rnn' over 30 time steps: vanishing by" in str(seen)
    with_gradient = inputs((4, 30, 6), requires_grad=True)
    loss_of(OverTime(scale=0.3)(with_gradient)).backward()
    wanted = np.linalg.norm(with_gradient.grad, axis=(0, 2))
    assert found.norms == pytest.approx(wanted)
    assert look(OverTime(scale=9.0), inputs((4, 30, 6))).over_time["rnn"].verdict in (
        "exploding",
        "vanishing",
    )


def test_a_loss_at_every_step_is_recognized():
    found = look(OverTime(everywhere=True), inputs((4, 30, 6))).over_time["rnn"]
    assert (found.verdict, found.situation) == ("undefined", "several losses")
    assert found.evidence[0] == "the loss looks at more steps than the last one, at 29 before it"


def test_the_time_axis_may_come_first():
    class TimeFirst(OverTime):
        def forward(self, x):
            return self.head(self.rnn(x)[1])

    found = look(TimeFirst(batch_first=False), inputs((30, 4, 6))).over_time["rnn"]
    other = look(OverTime(), fake.Tensor(inputs((30, 4, 6)).data.swapaxes(0, 1))).over_time["rnn"]
    assert found.norms == pytest.approx(other.norms)


def test_only_what_comes_back_through_the_layer_counts_over_time():
    class Beside(OverTime):
        """Adds the input itself, so that it has another gradient at every step."""

        def forward(self, x):
            return loss_of(super().forward(x)) + loss_of(x)

    x = inputs((4, 30, 6), requires_grad=True)
    with vn.watch(Beside()) as seen:
        seen._model(x).backward()
    plain = look(OverTime(), inputs((4, 30, 6)))
    assert seen.over_time["rnn"].norms == pytest.approx(plain.over_time["rnn"].norms)
    assert not x.hooks


def test_a_frozen_recurrent_layer_and_an_unusual_input_are_not_followed():
    model = OverTime()
    for parameter in model.rnn.parameters():
        parameter.requires_grad_(False)
    assert look(model, inputs((4, 30, 6))).over_time == {}
    both = OverTime()
    both.rnn.bidirectional = True
    assert look(both, inputs((4, 30, 6))).over_time == {}


def test_threads_have_passes_of_their_own():
    model, outputs = fake.mlp(), {}

    def run(i):
        outputs[i] = loss_of(model(inputs(seed=i)))

    with vn.watch(model) as seen:
        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (outputs[0] + outputs[1]).backward()
    alone = [look(fake.mlp(), inputs(seed=i)).diagnosis.norms for i in range(2)]
    assert seen.diagnosis.norms == pytest.approx(np.sqrt(np.mean(np.square(alone), axis=0)))


def test_a_copy_of_the_model_may_be_made_inside():
    model = fake.mlp()
    with vn.watch(model) as seen:
        twin = copy.deepcopy(model)
        loss_of(model(inputs())).backward()
    loss_of(twin(inputs())).backward()
    assert (seen.diagnosis.norms == look(fake.mlp(), inputs()).diagnosis.norms).all()


def test_a_diagnosis_of_a_watch_can_be_pickled():
    found = look(fake.mlp(), inputs(), learning_rate=0.1).diagnosis
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_what_a_checkpoint_computes_again_takes_the_place_of_the_first_time(monkeypatch):
    again = [False]
    monkeypatch.setattr(watching, "_in_backward", lambda: again[0])
    model, x = fake.mlp(3), inputs()
    parts = [part for _, part in model.named_children()]
    with vn.watch(model) as seen:
        with fake.no_grad():
            for part in parts[:4]:
                x = part(x)
        middle = fake.Tensor(x.data, requires_grad=True)
        x = middle
        for part in parts[4:]:
            x = part(x)
        loss_of(x).backward()
        again[0] = True
        x = inputs()
        for part in parts[:4]:
            x = part(x)
        fake.Tensor((x.data * middle.grad).sum(), [(x, lambda g: middle.grad)]).backward()
    again[0] = False
    whole = look(fake.mlp(3), inputs())
    assert seen.diagnosis.names == whole.diagnosis.names
    assert seen.diagnosis.norms == pytest.approx(whole.diagnosis.norms)


# --- with PyTorch ---


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def torch_mlp(torch, activation=None, depth=5, seed=0):
    torch.manual_seed(seed)
    activation = activation or torch.nn.ReLU
    parts = [p for _ in range(depth) for p in (torch.nn.Linear(16, 16), activation())]
    model = torch.nn.Sequential(*parts, torch.nn.Linear(16, 4))
    for module in model:
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return model


def x_of(torch, *shape, seed=1, **options):
    return torch.randn(
        *(shape or (8, 16)), generator=torch.Generator().manual_seed(seed), **options
    )


def torch_look(model, x, loss=None, **options):
    with vn.watch(model, **options) as seen:
        (loss or (lambda output: output.square().sum()))(model(x)).backward()
    assert_clean(model)
    return seen


def assert_clean(model):
    for module in model.modules():
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks"):
            assert not getattr(module, kind)
    assert not any(parameter._backward_hooks for parameter in model.parameters())


def last_step(torch, kind="LSTM", everywhere=False, state=False, **options):
    class Last(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(torch.nn, kind)(6, 16, **options)
            self.head = torch.nn.Linear(32 if options.get("bidirectional") else 16, 4)

        def forward(self, x):
            h, last = self.rnn(x)
            if state:
                return self.head((last[0] if isinstance(last, tuple) else last)[-1])
            if everywhere:
                return self.head(h)
            return self.head(h[:, -1] if options.get("batch_first") else h[-1])

    torch.manual_seed(0)
    return Last()


def variants(torch):
    """Name -> a model and an input."""
    nn = torch.nn
    tokens = torch.arange(40).reshape(8, 5) % 20
    torch.manual_seed(0)
    tied = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 16), nn.Linear(16, 20, bias=False))
    tied[2].weight = tied[0].weight
    normed = torch_mlp(torch)
    nn.utils.parametrizations.weight_norm(normed[2])
    return {
        "relu": (torch_mlp(torch), x_of(torch)),
        "in place": (torch_mlp(torch, lambda: nn.ReLU(inplace=True)), x_of(torch)),
        "float64": (torch_mlp(torch).double(), x_of(torch).double()),
        "bfloat16": (torch_mlp(torch).bfloat16(), x_of(torch).bfloat16()),
        "float16": (torch_mlp(torch).half(), x_of(torch).half()),
        "dropout": (torch_mlp(torch, nn.Dropout), x_of(torch)),
        "lstm": (last_step(torch, batch_first=True), x_of(torch, 4, 7, 6)),
        "gru, time first": (last_step(torch, "GRU"), x_of(torch, 7, 4, 6)),
        "embedding": (
            nn.Sequential(nn.Embedding(20, 16), nn.Flatten(), nn.Linear(80, 4)),
            tokens,
        ),
        "tied": (tied, tokens),
        "attention": (
            nn.Sequential(
                nn.Embedding(20, 16),
                nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, batch_first=True),
                nn.Linear(16, 4),
            ),
            tokens,
        ),
        "batch norm": (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3)),
            x_of(torch, 4, 3, 9, 9),
        ),
        "weight norm": (normed, x_of(torch)),
    }


VARIANTS = (
    "relu,in place,float64,bfloat16,float16,dropout,lstm,gru; time first,embedding,tied,attention,"
    "batch norm,weight norm"
).split(",")


@pytest.mark.parametrize("name", [name.replace(";", ",") for name in VARIANTS])
@pytest.mark.parametrize("options", [{}, {"learning_rate": 0.1, "every": 1, "log": len}])
def test_outputs_gradients_and_parameters_are_the_same_bits(torch, name, options):
    assert set(variants(torch)) == {name.replace(";", ",") for name in VARIANTS}
    results = []
    for watched in (False, True):
        model, x = variants(torch)[name]
        torch.manual_seed(3)
        context = vn.watch(model, **options) if watched else contextlib.nullcontext()
        with context as seen:
            for _ in range(2):
                output = model(x)
                output.float().square().sum().backward()
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter -= 1e-3 * parameter.grad
        results.append([output, *model.parameters(), *(p.grad for p in model.parameters())])
        assert_clean(model)
        assert not output._backward_hooks
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    assert np.isfinite(seen.diagnosis.norms).all()


def test_a_real_network_is_seen_as_it_is(torch):
    gradients, signals = {}, {}

    def keep(name):
        def hook(module, given, output):
            signals[name] = output.detach().clone()
            output.register_hook(lambda g: gradients.update({name: g}))

        return hook

    model = torch_mlp(torch, lambda: torch.nn.ReLU(inplace=True))
    for name, module in model.named_children():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(keep(name))
    model(x_of(torch)).square().sum().backward()
    plain = torch_mlp(torch, lambda: torch.nn.ReLU(inplace=True))
    seen = torch_look(plain, x_of(torch), learning_rate=0.1)
    assert seen.diagnosis.names == tuple(gradients)[::-1]
    assert seen.diagnosis.norms == pytest.approx(
        [float(gradients[name].norm()) for name in seen.diagnosis.names], rel=1e-5
    )
    assert [r.signal for r in seen.readings] == pytest.approx(
        [float(signals[name].square().mean().sqrt()) for name in seen.diagnosis.names], rel=1e-5
    )
    weights = [m.weight for m in plain if isinstance(m, torch.nn.Linear)]
    assert seen.diagnosis.steps == pytest.approx(
        [float(0.1 * w.grad.norm() / w.detach().norm()) for w in weights], rel=1e-5
    )


@pytest.mark.parametrize(
    "options", [{}, {"batch_first": True}, {"batch_first": True, "state": True}]
)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_over_time(torch, kind, options):
    x = x_of(torch, 4, 30, 6) if options else x_of(torch, 30, 4, 6)
    seen = torch_look(last_step(torch, kind, **options), x)
    found = seen.over_time["rnn"]
    assert len(found.names) == 30 and found.situation == "vanishing over time"
    assert found.norms[0] < 1e-2 * found.norms[-1] and "30 time steps" in str(seen)
    assert np.isfinite(seen.diagnosis.norms).all()
    x.requires_grad_()
    last_step(torch, kind, **options)(x).square().sum().backward()
    wanted = x.grad.norm(dim=2).norm(dim=0 if options else 1)
    assert found.norms == pytest.approx(wanted.tolist(), rel=1e-4)


def test_recurrent_layers_with_other_losses_and_inputs(torch):
    x = x_of(torch, 4, 30, 6)
    every = torch_look(last_step(torch, batch_first=True, everywhere=True), x).over_time["rnn"]
    assert every.situation == "several losses"
    two_ways = last_step(torch, batch_first=True, bidirectional=True)
    assert torch_look(two_ways, x).over_time == {}
    packed = torch.nn.utils.rnn.pack_sequence([x[0], x[1, :20]])
    seen = torch_look(last_step(torch, batch_first=True, state=True), packed)
    assert seen.over_time == {} and np.isfinite(seen.diagnosis.norms).all()
    model = last_step(torch, batch_first=True)
    with torch.inference_mode():
        frozen_input = x_of(torch, 4, 30, 6)
    with vn.watch(model) as seen:
        with torch.no_grad():
            model(x)
        with torch.inference_mode():
            model(x)
        model(frozen_input).square().sum().backward()
    assert seen.diagnosis.verdict == "steady"


@pytest.mark.parametrize("use_reentrant", [False, True])
@pytest.mark.parametrize("every", [None, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_checkpoints_change_neither_order_nor_numbers(torch, use_reentrant, every, whole):
    checkpoint = torch.utils.checkpoint.checkpoint

    class Parts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch_mlp(torch)

        def forward(self, x):
            for part in (self.body[:4], self.body[4:8], self.body[8:]):
                x = checkpoint(part, x, use_reentrant=use_reentrant)
            return x

    model = torch_mlp(torch) if whole else Parts()
    plain = torch_look(torch_mlp(torch), x_of(torch), learning_rate=0.1).diagnosis
    options = {"learning_rate": 0.1, "every": every, "log": len if every else None}
    x = x_of(torch, requires_grad=True)
    with vn.watch(model, **options) as seen:
        for _ in range(2):
            out = checkpoint(model, x, use_reentrant=use_reentrant) if whole else model(x)
            out.square().sum().backward()
    found = seen.diagnosis
    assert found.names == tuple(f"{'' if whole else 'body.'}{name}" for name in plain.names)
    assert found.norms == pytest.approx(plain.norms) and found.steps == pytest.approx(plain.steps)
    assert len(seen.history) == (2 if every else 0)
    assert_clean(model)


def test_autocast_and_a_scaled_loss(torch):
    model = torch_mlp(torch)
    with vn.watch(model) as seen:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = model(x_of(torch))
        (65536 * output.float().square().sum()).backward()
    plain = torch_look(torch_mlp(torch), x_of(torch)).diagnosis
    assert seen.diagnosis.norms == pytest.approx(65536 * plain.norms, rel=0.05)
    assert (seen.diagnosis.verdict, seen.diagnosis.situation) == ("steady", None)
    half = torch_mlp(torch).half()
    tiny = torch_look(half, x_of(torch).half(), lambda out: 1e-9 * out.float().square().sum())
    assert tiny.diagnosis.situation in ("underflow", "silent")
    scaled = torch_look(half, x_of(torch).half(), lambda out: 65536e-9 * out.float().square().sum())
    assert scaled.diagnosis.situation is None


def test_a_compiled_model(torch):
    model = torch_mlp(torch)
    plain = torch_look(torch_mlp(torch), x_of(torch)).diagnosis
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = torch.compile(model, backend="eager")
            found = torch_look(compiled, x_of(torch)).diagnosis
        except (ImportError, OSError, RuntimeError) as error:
            pytest.skip(f"torch.compile does not run here: {error}")
    assert found.norms == pytest.approx(plain.norms, rel=1e-5)
    assert found.names == tuple(f"_orig_mod.{name}" for name in plain.names)


def test_data_parallel_and_two_passes_that_share_a_backward_pass(torch):
    class Halves(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = torch_mlp(torch)

        def forward(self, x):
            return torch.cat([self.module(half) for half in x.chunk(2)])

    found = torch_look(Halves(), x_of(torch), learning_rate=0.1).diagnosis
    plain = torch_look(torch_mlp(torch), x_of(torch), learning_rate=0.1).diagnosis
    assert found.norms == pytest.approx(plain.norms / 2**0.5, rel=1e-5)
    assert found.ratio == pytest.approx(plain.ratio) and found.steps == pytest.approx(plain.steps)
    # On a machine without a GPU it calls the module inside as it is.
    parallel = torch.nn.DataParallel(torch_mlp(torch))
    assert torch_look(parallel, x_of(torch)).diagnosis.norms == pytest.approx(plain.norms)


def test_retained_graphs_second_derivatives_and_sparse_gradients(torch):
    model = torch_mlp(torch, torch.nn.Tanh)
    with vn.watch(model) as seen:
        loss = model(x_of(torch)).square().sum()
        loss.backward(retain_graph=True)
        loss.backward(retain_graph=True)
    plain = torch_look(torch_mlp(torch, torch.nn.Tanh), x_of(torch)).diagnosis
    assert seen.diagnosis.norms == pytest.approx(2 * plain.norms)
    loss.backward()
    assert seen.diagnosis.norms == pytest.approx(2 * plain.norms)
    x = x_of(torch, requires_grad=True)
    with vn.watch(model, learning_rate=0.1) as seen:
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        slope.square().sum().backward()
    assert np.isfinite(seen.diagnosis.norms).all()
    sparse = torch.nn.Sequential(
        torch.nn.Embedding(20, 16, sparse=True), torch.nn.Flatten(), torch.nn.Linear(80, 4)
    )
    tokens = torch.arange(40).reshape(8, 5) % 20
    found = torch_look(sparse, tokens, learning_rate=0.1).diagnosis
    wanted = 0.1 * sparse[0].weight.grad.to_dense().norm() / sparse[0].weight.detach().norm()
    assert found.steps[0] == pytest.approx(float(wanted), rel=1e-5)


def test_frozen_unused_and_shared_layers(torch):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.body = torch.nn.Linear(16, 16), torch_mlp(torch)
            self.again, self.aux = torch.nn.Linear(16, 16), torch.nn.Linear(16, 2)

        def forward(self, x):
            self.aux(x)
            h = self.again(torch.relu(self.again(self.stem(x))))
            return self.body(h)

    model = Model()
    model.stem.requires_grad_(False)
    found = torch_look(model, x_of(torch), learning_rate=0.1).diagnosis
    assert found.names[:4] == ("aux", "stem", "again", "again (2)")
    assert np.isnan(found.norms[:2]).all() and np.isfinite(found.norms[2:]).all()
    assert "1 of 10 layers is frozen: 'stem'" in found.evidence
    model.requires_grad_(False)
    with vn.watch(model) as seen:
        model(x_of(torch))
    with pytest.raises(RuntimeError, match="no gradient was seen"):
        str(seen)


def test_attention_transformers_and_parametrized_weights(torch):
    nn = torch.nn
    tokens = torch.arange(40).reshape(8, 5) % 20
    model, _ = variants(torch)["attention"]
    found = torch_look(model, tokens).diagnosis
    assert found.names == ("0", "1.self_attn", "1.linear1", "1.linear2", "2")
    assert np.isfinite(found.norms).all()
    for norm in (nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm):
        model = torch_mlp(torch)
        norm(model[4])
        found = torch_look(model, x_of(torch), learning_rate=0.1).diagnosis
        assert found.names == tuple(str(i) for i in range(0, 12, 2))
        assert np.isfinite(found.steps).all()

    class Patches(nn.Module):
        """A class token and positions beside the layers, as in ViT."""

        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 16))
            self.stem, self.encoder = nn.Linear(3, 16), nn.Module()
            self.encoder.position = nn.Parameter(torch.zeros(1, 5, 16))
            self.encoder.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
            self.encoder.forward = lambda x: self.encoder.layer(x + self.encoder.position)
            self.head = nn.Linear(16, 4)

        def forward(self, x):
            x = torch.cat([self.token.expand(len(x), -1, -1), self.stem(x)], 1)
            return self.head(self.encoder(x)[:, 0])

    found = torch_look(Patches(), x_of(torch, 8, 4, 3)).diagnosis
    assert found.names == (
        *("stem", "encoder.layer.self_attn", "encoder.layer.linear1"),
        *("encoder.layer.linear2", "head"),
    )
    assert found.verdict == "steady"


def test_an_exception_in_the_forward_pass(torch):
    model = torch_mlp(torch)
    with pytest.raises(RuntimeError), vn.watch(model, learning_rate=0.1):
        model(x_of(torch, 8, 3))
    assert_clean(model)
    twin = None
    with vn.watch(model) as seen:
        twin = copy.deepcopy(model)
        model(x_of(torch)).square().sum().backward()
    twin(x_of(torch)).square().sum().backward()
    assert len(seen._passes) == 1


def test_passes_are_averaged_and_what_holds_in_each_of_them_is_kept():
    def one(gradient, signal, **more):
        return Reading("fc", gradient, signal, **more)

    first = one(3.0, 1.0, dead=0.9, constant=True, spread=0.6, subnormal=True)
    second = one(4.0, 7.0, dead=0.2, constant=True, spread=0.8, subnormal=True)
    last = one(5.0, None, dead=1.0, constant=False, spread=None, zero_weights=True)
    assert _merged([first]) is first
    assert _merged([first, second]) == one(
        math.sqrt(12.5),
        5.0,
        dead=0.2,
        constant=True,
        spread=pytest.approx(math.sqrt(0.5)),
        subnormal=True,
    )
    found = _merged([first, second, last])
    assert found.signal == 5.0 and found.spread == pytest.approx(math.sqrt(0.5))
    assert not found.constant and not found.subnormal and found.zero_weights
    assert _merged([one(None, None, dead=None), one(None, None, dead=0.5)]) == one(
        None, None, dead=None, constant=False
    )
