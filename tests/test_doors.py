"""Wrong arguments are stopped at the door: named, with what came and what is expected."""

import inspect
import re
import traceback
from pathlib import Path

import pytest

import vanishing as vn
from doors import rows
from vanishing import theory

ROWS = rows()
ARGUMENTS = [
    (name, argument) for name, row in ROWS.items() for argument in {**row.kinds, **row.wrong}
]


def doors():
    """The public names that are called.

    Functions, classes that are no results or protocols, `vn.relu` and the like. The last bring a
    method with them that is called as they are.
    """
    methods = {vn.Activation: "derivative", vn.Initializer: "bias", vn.Loss: "gradient"}
    for name in vn.__all__:
        value = getattr(vn, name)
        if callable(value) and not (inspect.isclass(value) and made_by_the_package(value)):
            yield name
        if type(value) in methods:
            yield f"{name}.{methods[type(value)]}"
    yield from (f"theory.{name}" for name in theory.__all__)


def made_by_the_package(cls):
    """True for records that functions return, and for what can only be subclassed."""
    records = {"Diagnosis", "Gradients", "History", "Measurements", "Record", "Split", "Watch"}
    return cls.__name__ in records or inspect.isabstract(cls) or getattr(cls, "_is_protocol", False)


def test_every_public_function_has_a_row():
    assert set(ROWS) == set(doors())


@pytest.mark.parametrize("name", ROWS)
def test_every_argument_of_a_row_is_tried_or_exempt_and_the_call_works(name):
    row = ROWS[name]
    parameters = inspect.signature(row.call).parameters
    assert set(parameters) == {*row.kinds, *row.wrong, *row.exempt}
    row.call(**row.arguments())
    for parameter in parameters:
        assert parameter in row.exempt or parameter in row.arguments(), (
            f"{parameter} is not part of the call"
        )


def answer(call, arguments):
    """What the package says to a wrong argument."""
    try:
        call(**arguments)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        inside = Path(last.filename).is_relative_to(Path(vn.__file__).parent)
        ours = isinstance(error, (TypeError, ValueError)) and inside
        return str(error) if ours else f"not ours: {error!r}"
    return "taken"


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_wrong_argument_is_named_with_what_came_and_what_is_expected(name, argument):
    row = ROWS[name]
    for value in row.attempts(argument):
        said = answer(row.call, {**row.arguments(), argument: value})
        assert re.search(rf"(?s)^{argument}\b.*(expected|Known)", said), (
            f"{argument}={value!r}: {said}"
        )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x, "taken"),
        (lambda x: x.shape, "not ours: AttributeError"),
        (lambda x: float(x), "not ours: TypeError"),
        (lambda x: vn.activation("tanh").derivative(*x), "not ours: TypeError"),
        (lambda x: vn.rms(x), "array is ragged"),
    ],
)
def test_a_door_that_is_open_or_another_that_answers_is_seen(call, said):
    assert answer(call, {"x": [[1.0], [1.0, 2.0]]}).startswith(said)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "rng" in row.arguments()])
def test_a_missing_rng_is_named(name):
    arguments = {key: value for key, value in ROWS[name].arguments().items() if key != "rng"}
    with pytest.raises(TypeError, match=r"missing .*'rng'"):
        ROWS[name].call(**arguments)
