"""Optimizers, clipping, warm-up: first steps by hand, bowls, what scales and what does not."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn
from vanishing.training.optimizers import Rule

ALL = {
    "sgd": vn.SGD(0.1),
    "momentum": vn.SGD(0.1, 0.9),
    "nesterov": vn.SGD(0.1, 0.9, nesterov=True),
    "adagrad": vn.AdaGrad(0.1),
    "rmsprop": vn.RMSprop(0.1),
    "adam": vn.Adam(0.1),
    "adamw": vn.AdamW(0.1),
    "adam with weight decay": vn.Adam(0.1, weight_decay=0.1),
    "clipped": vn.Clipped(vn.Adam(0.1), vn.clip_by_value, 1.0),
    "warm-up": vn.SGD(vn.warmup(0.1, 5)),
}
EACH = pytest.mark.parametrize("optimizer", ALL.values(), ids=ALL)
CLIPS = [vn.clip_by_global_norm, vn.clip_by_norm, vn.clip_by_value]


def path(optimizer, gradient, start, steps):
    """The points that an optimizer visits, from the start on."""
    parameters, points = {"w": np.asarray(start)}, [np.asarray(start)]
    state = optimizer.start(parameters)
    for _ in range(steps):
        parameters, state = optimizer.step(
            parameters, {"w": np.asarray(gradient(parameters["w"]))}, state
        )
        points.append(parameters["w"])
    return np.array(points)


# Two steps from w = 2 with the gradients 3 and -1, worked by hand from the formulas.
BY_HAND = {
    "sgd": (vn.SGD(0.5), 2 - 0.5 * 3, 0.5 + 0.5),
    "momentum": (vn.SGD(0.5, 0.8), 0.5, 0.5 - 0.5 * (0.8 * 3 - 1)),
    "nesterov": (
        vn.SGD(0.5, 0.8, True),
        2 - 0.5 * 1.8 * 3,
        -0.7 - 0.5 * (-1 + 0.8 * (0.8 * 3 - 1)),
    ),
    "adagrad": (vn.AdaGrad(0.5, epsilon=1), 2 - 0.5 * 3 / 4, 1.625 + 0.5 / (math.sqrt(10) + 1)),
    "rmsprop": (
        vn.RMSprop(0.5, alpha=0.75, epsilon=0.5),
        2 - 0.5 * 3 / (0.5 * 3 + 0.5),
        1.25 + 0.5 / (math.sqrt(0.75 * 2.25 + 0.25) + 0.5),
    ),
    # m = 1.5, then 0.25; m^ = 3, then 0.25 / 0.75; v = 2.25, then 1.9375; v^ = 9, then 1.9375 / (1
    # - 0.75^2)
    "adam": (
        vn.Adam(0.5, 0.5, 0.75, epsilon=3),
        2 - 0.5 * 3 / (3 + 3),
        1.75 - 0.5 * (0.25 / 0.75) / (math.sqrt(1.9375 / 0.4375) + 3),
    ),
    # theta shrinks by 1 - 0.5 * 0.1 before each step
    "adamw": (
        vn.AdamW(0.5, 0.5, 0.75, epsilon=3, weight_decay=0.1),
        0.95 * 2 - 0.25,
        0.95 * 1.65 - 0.5 * (0.25 / 0.75) / (math.sqrt(1.9375 / 0.4375) + 3),
    ),
    # g = 3 + 0.1 * 2, then -1 + 0.1 * 0.4
    "weight decay": (vn.SGD(0.5, weight_decay=0.1), 2 - 0.5 * 3.2, 0.4 + 0.5 * 0.96),
    "weight decay with momentum": (
        vn.SGD(0.5, 0.8, weight_decay=0.1),
        0.4,
        0.4 - 0.5 * (0.8 * 3.2 - 0.96),
    ),
    "decoupled without momentum is coupled": (
        vn.SGD(0.5, weight_decay=0.1, decoupled_weight_decay=True),
        0.4,
        0.88,
    ),
    "decoupled with momentum": (
        vn.SGD(0.5, 0.8, weight_decay=0.1, decoupled_weight_decay=True),
        0.4,
        0.95 * 0.4 - 0.5 * (0.8 * 3 - 1),
    ),
    "warm-up": (vn.SGD(vn.warmup(0.5, 4)), 2 - 0.125 * 3, 1.625 + 0.25),
    "any schedule": (vn.SGD(lambda t: 1 / t), 2 - 3, -1 + 0.5),
    "clipped": (vn.Clipped(vn.SGD(0.5), vn.clip_by_norm, 2.0), 2 - 0.5 * 2, 1 + 0.5),
}


@pytest.mark.parametrize(("optimizer", "first", "second"), BY_HAND.values(), ids=BY_HAND)
def test_two_steps_are_those_worked_by_hand(optimizer, first, second):
    gradients = iter([np.array(3.0), np.array(-1.0)])
    assert path(optimizer, lambda w: next(gradients), 2.0, 2) == pytest.approx(
        [2, first, second], rel=1e-14
    )


COUPLED = {"weight_decay": 0.0, "decoupled_weight_decay": False}


@pytest.mark.parametrize(
    ("rule", "defaults"),
    [
        (vn.SGD, {"momentum": 0.0, "nesterov": False, **COUPLED}),
        (vn.AdaGrad, {"learning_rate": 0.01, "epsilon": 1e-10, **COUPLED}),
        (
            vn.RMSprop,
            {"learning_rate": 0.01, "alpha": 0.99, "epsilon": 1e-8, **COUPLED},
        ),
        (
            vn.Adam,
            {
                "learning_rate": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-8,
                **COUPLED,
            },
        ),
        (
            vn.AdamW,
            {
                "learning_rate": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-8,
                "weight_decay": 0.01,
            },
        ),
    ],
)
def test_defaults_are_those_of_pytorch(rule, defaults):
    parameters = inspect.signature(rule).parameters
    assert {
        name: p.default for name, p in parameters.items() if p.default is not p.empty
    } == defaults
    keyword_only = {p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert set(COUPLED) & set(parameters) <= keyword_only


@EACH
def test_a_bowl_is_descended(optimizer):
    # The rate falls, because rules that divide by the gradient's size do not stop by themselves.
    falling = copy.deepcopy(optimizer)
    inner = falling.optimizer if isinstance(falling, vn.Clipped) else falling
    object.__setattr__(
        inner, "learning_rate", lambda t: 0.1 if t <= 100 else 0.1 * 0.98 ** (t - 100)
    )
    points = path(falling, lambda w: np.array([1.0, 4.0]) * w, np.array([1.0, -0.7]), 500)
    assert np.abs(points[-1]).max() < 1e-2


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_and_nothing_is_written_over(optimizer, dtype):
    parameters = {"w": np.array([1, -2], dtype), "b": np.array([[0.5]], dtype)}
    gradients = {"w": np.array([0.1, 300], dtype), "b": np.array([[0]], dtype)}
    before, state = copy.deepcopy((parameters, gradients)), optimizer.start(parameters)
    first, state = optimizer.step(parameters, gradients, state)
    held = copy.deepcopy(state)
    again, later = optimizer.step(first, gradients, state)
    assert {(value.dtype, value.shape) for value in again.values()} == {
        (np.dtype(dtype), (2,)),
        (np.dtype(dtype), (1, 1)),
    }
    assert str((parameters, gradients)) == str(before) and str(state) == str(held) != str(later)


def test_settings_become_python_floats_which_keep_float32():
    optimizer = vn.Adam(
        np.float64(0.1),
        np.float64(0.9),
        np.float64(0.99),
        np.float64(1e-8),
        weight_decay=np.float64(0.1),
    )
    assert {type(value) for value in vars(optimizer).values()} == {float, bool}
    w = {"w": np.ones(2, np.float32)}
    assert optimizer.step(w, w, None)[0]["w"].dtype == np.float32
    scheduled = vn.SGD(lambda t: np.float64(0.1))
    assert scheduled.step(w, w, None)[0]["w"].dtype == np.float32


@EACH
def test_no_state_is_the_state_at_the_start(optimizer):
    w, g = {"w": np.ones(3)}, {"w": np.array([1.0, -1e-5, 100])}
    fresh, given_state = optimizer.step(w, g, None), optimizer.step(w, g, optimizer.start(w))
    assert (fresh[0]["w"] == given_state[0]["w"]).all()


@EACH
def test_optimizers_and_states_pickle_and_copy(optimizer):
    w, g = {"w": np.ones(3)}, {"w": np.array([1.0, -1e-5, 100])}
    moved, state = optimizer.step(w, g, None)
    expected, _ = optimizer.step(moved, g, state)
    for twin in (copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))):
        found, _ = twin(optimizer).step(moved, g, twin(state))
        assert (found["w"] == expected["w"]).all() and twin(ALL["momentum"]) == ALL["momentum"]


@given(momentum=st.floats(0, 0.95), nesterov=st.booleans())
def test_momentum_multiplies_the_rate_by_1_over_1_minus_momentum(momentum, nesterov):
    points = path(vn.SGD(0.1, momentum, nesterov), lambda w: 2.0, 0.0, 700)
    assert points[-1] - points[-2] == pytest.approx(-0.2 / (1 - momentum), rel=1e-9)


@given(g=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]))
def test_adams_first_step_is_the_rate_times_the_sign(g, sign):
    assert path(vn.Adam(0.1), lambda w: sign * g, 1.0, 1)[1] == pytest.approx(
        1 - 0.1 * sign, abs=1.1e-6
    )


@pytest.mark.parametrize("rule", [vn.Adam, vn.AdaGrad, vn.RMSprop])
@given(scale=st.floats(1e-8, 1e8))
def test_without_epsilon_the_scale_of_the_loss_is_nothing(rule, scale):
    def gradient(factor):
        return lambda w: factor * (np.tanh(w) + 0.1 * w)

    start = np.array([2.0, -0.7])
    # Away from the minimum, where rounding is all that is left of the gradient.
    plain, scaled = (
        path(rule(0.01, epsilon=0), gradient(factor), start, 20) for factor in (1.0, scale)
    )
    assert scaled == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "g", "expected"),
    [
        # g / (g + epsilon): a gradient far below epsilon makes a step g / epsilon as long
        (vn.Adam(1.0), 1e-12, 1e-12 / (1e-12 + 1e-8)),
        (vn.Adam(1.0), 1e-8, 0.5),
        (vn.Adam(1.0, epsilon=1e-30), 1e-12, 1.0),
        (vn.AdaGrad(1.0), 1e-12, 1e-12 / (1e-12 + 1e-10)),
        (vn.RMSprop(1.0), 1e-12, 1e-12 / (1e-13 + 1e-8)),
        (vn.RMSprop(1.0, epsilon=0), 1e-12, 10.0),
    ],
)
def test_epsilon_holds_tiny_gradients_back(rule, g, expected):
    assert path(rule, lambda w: g, 0.0, 1)[1] == pytest.approx(-expected, rel=1e-9)


def test_in_float16_the_default_epsilon_is_0_and_a_zero_gradient_divides_0_by_0():
    w, g = {"w": np.ones(2, np.float16)}, {"w": np.array([0, 1], np.float16)}
    with np.errstate(invalid="ignore"):
        moved, _ = vn.Adam(0.5).step(w, g, None)
    assert np.isnan(moved["w"][0]) and moved["w"][1] == pytest.approx(0.5, abs=1e-3)
    assert (vn.Adam(0.5, epsilon=1e-4).step(w, g, None)[0]["w"][0]) == 1


def test_adagrad_takes_1_over_the_root_of_t_of_the_rate():
    points = path(vn.AdaGrad(1.0), lambda w: 1e-3, 0.0, 100)
    assert np.diff(points) == pytest.approx(-1 / np.sqrt(np.arange(1, 101)), rel=1e-6)


def test_decoupled_weight_decay_shrinks_all_weights_alike_and_adams_coupled_one_does_not():
    gradient, start = np.array([1.0, -1e-3, 0.0]), np.full(3, 2.0)
    plain, decoupled, coupled = (
        path(rule, lambda w: gradient, start, 1)[1]
        for rule in (vn.Adam(0.1), vn.AdamW(0.1, weight_decay=0.5), vn.Adam(0.1, weight_decay=0.5))
    )
    assert decoupled == pytest.approx(plain - 0.1 * 0.5 * 2, rel=1e-15)
    # Adam divides the sum of both gradients by its own size: each step is the rate, in the sum's
    # direction.
    assert plain == pytest.approx([1.9, 2.1, 2.0], rel=1e-5)
    assert coupled == pytest.approx(1.9, rel=1e-7)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_adamw_is_adam_with_decoupled_weight_decay(weight_decay):
    settings = {"weight_decay": weight_decay}
    start = np.array([2.0, -0.7])
    adam, adamw = (
        path(rule, lambda w: np.tanh(w) + 0.1, start, 20)
        for rule in (
            vn.Adam(0.1, decoupled_weight_decay=True, **settings),
            vn.AdamW(0.1, **settings),
        )
    )
    assert (adam == adamw).all()
    assert vn.AdamW(0.1).decoupled_weight_decay is True
    with pytest.raises(TypeError, match="decoupled_weight_decay"):
        vn.AdamW(0.1, decoupled_weight_decay=False)


def test_coupled_weight_decay_moves_the_minimum_to_that_of_the_penalized_loss():
    # of (w - 1)^2 / 2 + weight_decay w^2 / 2
    assert path(vn.SGD(0.5, weight_decay=0.25), lambda w: w - 1, 5.0, 200)[-1] == pytest.approx(
        1 / 1.25
    )


@EACH
def test_each_array_is_moved_by_itself_and_a_network_without_parameters_not_at_all(optimizer):
    w = {"a": np.ones(2), "b": np.full(3, 5.0)}
    g = {"a": np.array([0.1, 0.2]), "b": np.array([0.3, 0.0, -0.5])}
    together, _ = optimizer.step(w, g, None)
    for name in w:
        alone, _ = optimizer.step({name: w[name]}, g, None)
        assert (alone[name] == together[name]).all()
    assert optimizer.step({}, {}, optimizer.start({}))[0] == {}


def test_a_gradient_of_another_shape_is_refused_where_as_many_numbers_would_fit():
    w, g = {"a": np.ones((2, 3)), "b": np.ones(1)}, {"a": np.ones((3, 2)), "b": np.ones(1)}
    with pytest.raises(ValueError, match=r"^gradient 'a' has shape \(3, 2\); \(2, 3\), that of"):
        vn.Adam().step(w, g, None)


def test_a_missing_gradient_is_named():
    with pytest.raises(ValueError, match="^gradient 'weight' is unknown; did you mean 'weights'"):
        vn.Adam().step({"weight": np.ones(1)}, {"weights": np.ones(1)}, None)


def test_every_rule_is_seen_by_type():
    assert all(isinstance(optimizer, vn.Optimizer) for optimizer in ALL.values())
    assert not isinstance(vn.relu, vn.Optimizer)
    with pytest.raises(TypeError, match="abstract"):
        Rule(0.1)


def test_warmup_goes_up_in_a_line_and_stays():
    rate = vn.warmup(0.1, 4)
    assert [rate(t) for t in range(1, 8)] == pytest.approx(
        [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1], rel=1e-15
    )
    assert vn.warmup(0.3, 1)(1) == 0.3 and pickle.loads(pickle.dumps(rate))(2) == rate(2)
    steps = -np.diff(path(vn.SGD(rate), lambda w: 1.0, 0.0, 6))
    assert steps == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


@pytest.mark.parametrize(
    ("rate", "error", "message"),
    [
        (
            lambda t: -0.1,
            ValueError,
            r"learning_rate\(1\) is -0.1; a finite number of at least 0 is expected",
        ),
        (lambda t: 0.0 if t == 1 else math.nan, ValueError, r"learning_rate\(2\) is nan"),
        (lambda t: "fast", TypeError, r"learning_rate\(1\) is 'fast'; a number is expected"),
    ],
)
def test_a_schedule_that_gives_no_rate_is_named_with_the_step(rate, error, message):
    with pytest.raises(error, match="^" + message):
        path(vn.Adam(rate), lambda w: 1.0, 0.0, 2)


def flat(gradients):
    return np.concatenate([array.ravel() for array in gradients.values()])


GRADIENTS = st.integers(0, 2**32 - 1).map(
    lambda seed: {
        name: np.random.default_rng([seed, i]).standard_normal(shape)
        * 10.0 ** np.random.default_rng(seed).integers(-3, 3)
        for i, (name, shape) in enumerate({"weight": (3, 2), "bias": (3,)}.items())
    }
)


@given(gradients=GRADIENTS, threshold=st.floats(1e-3, 1e3))
def test_clipping_by_global_norm_keeps_direction_and_what_is_short(gradients, threshold):
    before, after = flat(gradients), flat(vn.clip_by_global_norm(gradients, threshold))
    norm = np.linalg.norm(before)
    assert np.linalg.norm(after) == pytest.approx(min(norm, threshold), rel=1e-12)
    assert after == pytest.approx(before * min(1, threshold / norm), rel=1e-12)
    if norm <= threshold:
        assert (after == before).all()


@given(gradients=GRADIENTS, threshold=st.floats(1e-3, 1e3))
def test_clipping_by_norm_is_the_same_for_each_array_alone(gradients, threshold):
    clipped = vn.clip_by_norm(gradients, threshold)
    for name, array in gradients.items():
        assert (clipped[name] == vn.clip_by_global_norm({name: array}, threshold)[name]).all()


@given(gradients=GRADIENTS, threshold=st.floats(1e-3, 1e3))
def test_clipping_by_value_bounds_every_entry_and_no_more(gradients, threshold):
    before, after = flat(gradients), flat(vn.clip_by_value(gradients, threshold))
    inside = np.abs(before) <= threshold
    assert (after[inside] == before[inside]).all() and (
        after[~inside] == np.sign(before[~inside]) * threshold
    ).all()


def test_only_clipping_by_global_norm_keeps_the_direction_of_the_whole():
    gradients = {"w": np.array([3.0, 0.4]), "b": np.array([0.5])}
    cosines = []
    for clip in CLIPS:
        before, after = flat(gradients), flat(clip(gradients, 1.0))
        cosines.append(before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    assert cosines[0] == pytest.approx(1, rel=1e-15)
    assert cosines[1] < 0.96 and cosines[2] < 0.96


@pytest.mark.parametrize("clip", CLIPS)
def test_vanishing_gradients_stay_as_small_as_they_are(clip):
    gradients = {"w": np.array([1e-30, -1e-200]), "b": np.zeros(2)}
    clipped = clip(gradients, 1.0)
    assert all((clipped[name] == array).all() for name, array in gradients.items())
    # at the threshold itself, or just below, nothing happens either
    for size in (2.0, 1.9999):
        assert clip({"w": np.array([0.0, -size])}, 2.0)["w"].tolist() == [0, -size]


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_clipping_keeps_dtype_names_and_what_came(clip, dtype):
    gradients = {"w": np.full((2, 3), 300, dtype), "b": np.array(0.5, dtype)}
    before = copy.deepcopy(gradients)
    clipped = clip(gradients, np.float64(2.0))
    assert list(clipped) == ["w", "b"]
    for name, array in clipped.items():
        assert (
            array.dtype == dtype
            and array.shape == gradients[name].shape
            and (gradients[name] == before[name]).all()
        )


@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float16, 6e4), (np.float32, 3e38), (np.float64, 1e300)]
)
@pytest.mark.parametrize("clip", [vn.clip_by_global_norm, vn.clip_by_norm])
def test_squares_that_overflow_are_clipped_all_the_same(clip, dtype, size):
    with np.errstate(all="raise", under="ignore"):
        clipped = clip({"w": np.array([3, -4], dtype) * dtype(size / 4)}, 1e-2)["w"]
    assert clipped == pytest.approx(
        np.array([0.6e-2, -0.8e-2]), rel=2e-3 if dtype is np.float16 else 1e-6
    )


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("clip", "w", "clipped_w", "clipped_b"),
    [
        # as in PyTorch: the factor is threshold / norm, so NaN with a NaN and 0 with an infinity
        (vn.clip_by_global_norm, [1, NAN], [NAN, NAN], [NAN]),
        (vn.clip_by_global_norm, [1, -INF], [0, NAN], [0]),
        (vn.clip_by_global_norm, [NAN, INF], [NAN, NAN], [NAN]),
        (vn.clip_by_norm, [1, NAN], [NAN, NAN], [2]),
        (vn.clip_by_norm, [1, -INF], [0, NAN], [2]),
        (vn.clip_by_norm, [1, NAN, INF], [NAN, NAN, NAN], [2]),
        (vn.clip_by_value, [1, NAN], [1, NAN], [2]),
        (vn.clip_by_value, [1, -INF], [1, -2], [2]),
    ],
)
def test_what_clipping_makes_of_nan_and_infinity(clip, w, clipped_w, clipped_b):
    clipped = clip({"w": np.array(w, float), "b": np.array([2.0])}, 2.0)
    np.testing.assert_array_equal(clipped["w"], clipped_w)
    np.testing.assert_array_equal(clipped["b"], clipped_b)


@pytest.mark.parametrize("w", [[1, NAN], [1, -INF], [NAN, INF]])
def test_pytorch_makes_the_same_of_nan_and_infinity(w):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    gradients = {"w": np.array(w, float), "b": np.array([3.0])}
    tensors = [torch.zeros(array.shape, dtype=torch.float64) for array in gradients.values()]
    for tensor, array in zip(tensors, gradients.values(), strict=True):
        tensor.grad = torch.tensor(array)
    torch.nn.utils.clip_grad_norm_(tensors, 2.0)
    for tensor, ours in zip(tensors, vn.clip_by_global_norm(gradients, 2.0).values(), strict=True):
        np.testing.assert_array_equal(tensor.grad.numpy(), ours)


@pytest.mark.parametrize("clip", CLIPS)
def test_no_gradients_are_clipped_to_no_gradients(clip):
    assert clip({}, 1.0) == {}


def test_clipping_does_not_cure_vanishing_and_tames_a_cliff():
    # w^40 has the slope 40 * 2^39 at w = 2: one plain step leaves for good, clipped steps walk
    # down.
    def slope(w):
        return 40 * w**39

    plain = vn.descend(slope, 2.0, learning_rate=0.1, steps=5)
    clipped = path(vn.Clipped(vn.SGD(0.1), vn.clip_by_global_norm, 1.0), slope, 2.0, 20)
    assert np.abs(plain[1]) > 1e12 and not np.isfinite(plain[-1])
    assert np.diff(clipped[:9]) == pytest.approx(-0.1) and 0 < clipped[-1] < 1


REFUSED = [
    (
        lambda: vn.SGD(0),
        ValueError,
        "learning_rate is 0; a finite number above 0 is expected",
    ),
    (
        lambda: vn.SGD(0.1, 1),
        ValueError,
        "momentum is 1; a finite number of at least 0 and below 1 is exp",
    ),
    (
        lambda: vn.SGD(0.1, -0.1),
        ValueError,
        "momentum is -0.1; a finite number of at least 0 and below 1",
    ),
    (
        lambda: vn.SGD(0.1, nesterov="no"),
        TypeError,
        "nesterov is 'no'; True or False is expected",
    ),
    (
        lambda: vn.SGD(0.1, weight_decay=-1),
        ValueError,
        "weight_decay is -1; a finite number of at least 0 is expected",
    ),
    (
        lambda: vn.AdamW(weight_decay=-1),
        ValueError,
        "weight_decay is -1; a finite number of at least 0 is expected",
    ),
    (
        lambda: vn.Adam(weight_decay=0.1, decoupled_weight_decay="yes"),
        TypeError,
        "decoupled_weight_decay is 'yes'; True or False is expected",
    ),
    (
        lambda: vn.AdaGrad(epsilon=-1),
        ValueError,
        "epsilon is -1; a finite number of at least 0 is expected",
    ),
    (
        lambda: vn.RMSprop(alpha=1.0),
        ValueError,
        "alpha is 1.0; a finite number of at least 0 and below 1 is expected",
    ),
    (
        lambda: vn.Adam(beta1=1),
        ValueError,
        "beta1 is 1; a finite number of at least 0 and below 1 is expected",
    ),
    (
        lambda: vn.Adam(beta2=-0.5),
        ValueError,
        "beta2 is -0.5; a finite number of at least 0 and below 1 is expected",
    ),
    (
        lambda: vn.warmup(0, 5),
        ValueError,
        "learning_rate is 0; a finite number above 0 is expected",
    ),
    (lambda: vn.warmup(0.1, 0), ValueError, "steps is 0; a whole number of at least 1 is expected"),
    (
        lambda: vn.clip_by_norm({"w": np.ones(1)}, 0),
        ValueError,
        "threshold is 0; a finite number above 0 is expected",
    ),
    (
        lambda: vn.clip_by_norm([np.ones(1)], 1),
        TypeError,
        r"gradients is \[.*\]; a mapping from names to arrays is exp",
    ),
    (
        lambda: vn.clip_by_value({"w": np.ones(1, int)}, 1),
        TypeError,
        r"gradients\['w'\] has dtype int64; floating",
    ),
    (
        lambda: vn.Clipped(vn.Adam, vn.clip_by_value, 1),
        TypeError,
        r"optimizer is <class .*Adam'>; an optimizer such as SGD\(0.1\) is expected",
    ),
    (
        lambda: vn.Clipped(vn.Adam(), "value", 1),
        TypeError,
        "clip is 'value'; a function such as clip_by_global_norm is expected",
    ),
    (
        lambda: vn.Clipped(vn.Adam(), vn.clip_by_value, 0),
        ValueError,
        "threshold is 0; a finite number above 0 is expected",
    ),
]


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED)
def test_wrong_settings_are_refused(wrong, error, message):
    with pytest.raises(error, match="^" + message):
        wrong()


def test_the_smallest_settings_are_taken():
    vn.SGD(1e-300, 0.0, weight_decay=0.0)
    vn.RMSprop(alpha=0, epsilon=0)
    vn.AdaGrad(epsilon=0)
    assert path(vn.Adam(0.1, 0, 0, 0), lambda w: 5.0, 1.0, 1)[1] == 0.9


@EACH
def test_any_optimizer_trains_a_network(optimizer):
    rng = np.random.default_rng(0)
    x, labels = vn.blobs(rng=rng, samples=90)
    network = vn.dense_network([2, 8, 3], activation="tanh", rng=rng)
    _, history = vn.train(
        network, x, labels, optimizer=optimizer, epochs=15, batch_size=30, rng=rng
    )
    assert history.accuracy[-1] > 0.85 and history.loss[-1] < history.loss[0] / 1.5
