"""The package keeps its promises: numpy alone, rooms, names, layers, examples that run."""

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import vanishing as vn

SOURCE = Path(vn.__file__).parent
# Every module in reading order: each imports only from those above it.
ORDER = [
    "_validation",
    *(
        f"nn.{module}"
        for module in (
            "activations initializers layer linear elementwise normalization sequential skips "
            "recurrence dense lsuv losses"
        ).split()
    ),
    "theory",
    *(
        f"measurement.{module}"
        for module in (
            "norms verdicts text_bars readings advice situations diagnosis watching saved_norms "
            "reports allocator measurements correlations time_steps"
        ).split()
    ),
    *(f"checking.{module}" for module in "duals gradients projection jacobians".split()),
    *(
        f"training.{module}"
        for module in "optimizers schedules clipping datasets descent loop side_by_side".split()
    ),
    *(
        f"plot.{module}"
        for module in (
            "style ticks series_labels axes figures canvas schematics pictures explorables "
            "predictions"
        ).split()
    ),
]
# Room -> the rooms that it imports from. `plot` draws what it is given.
MAY_IMPORT = {
    "_validation": set(),
    "nn": {"_validation"},
    "theory": {"_validation", "nn"},
    "measurement": {"_validation", "nn"},
    "checking": {"_validation", "nn", "measurement"},
    "training": {"_validation", "nn", "measurement"},
    "plot": set(),
}
MODULES = pytest.mark.parametrize("module", ORDER)


def path_of(module: str) -> Path:
    return SOURCE.joinpath(*module.split(".")).with_suffix(".py")


def imported(module: str) -> list[str]:
    """The modules of the package that a module imports, without `vanishing.` before them."""
    found = []
    for node in ast.walk(ast.parse(path_of(module).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by a relative name"
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name.partition(".")[2] for name in found if name.split(".")[0] == "vanishing"]


def test_every_module_has_its_place_in_the_reading_order():
    files = {
        path for path in SOURCE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")
    }
    assert files == {path_of(module) for module in ORDER}


@MODULES
def test_imports_point_one_way_through_the_rooms(module):
    room = module.partition(".")[0]
    for name in imported(module):
        assert name in ORDER, f"{module} imports {name or 'vanishing'} itself, not a module of it"
        assert ORDER.index(name) < ORDER.index(module), f"{module} imports {name}"
        other = name.partition(".")[0]
        assert other in MAY_IMPORT[room] | {room}, f"{room} imports from {other}"


def test_theory_knows_activations_and_nothing_that_runs():
    assert set(imported("theory")) == {"_validation", "nn.activations"}


def test_a_room_says_its_reading_order_and_holds_no_code():
    for room in MAY_IMPORT.keys() - {"_validation", "theory"}:
        module = importlib.import_module(f"vanishing.{room}")
        own = [name.partition(".")[2] for name in ORDER if name.startswith(f"{room}.")]
        places = [module.__doc__.find(f"`{name}`") for name in own]
        assert -1 not in places and places == sorted(places), f"{room}: {own}"
        body = ast.parse(Path(module.__file__).read_text("utf-8")).body[1:]
        kinds = (ast.ImportFrom, ast.Assign) if room == "plot" else ()
        assert all(isinstance(node, kinds) for node in body), room


@MODULES
def test_nobody_guesses_what_a_layer_is(module):
    """No type of a layer and no ending of a parameter's name is asked for; a layer answers."""
    layers = {"Layer", *(name for name in vn.__all__ if is_layer(getattr(vn, name)))}
    for node in ast.walk(ast.parse(path_of(module).read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        called = ast.unparse(node.func)
        asked = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if called == "isinstance" and asked & (layers - {"Layer"}):
            pytest.fail(f"{module}:{node.lineno}: {ast.unparse(node)}")
        if called.endswith((".endswith", ".startswith")) and "name" in asked:
            pytest.fail(f"{module}:{node.lineno}: {ast.unparse(node)}")


def is_layer(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, vn.Layer)


def test_the_package_needs_numpy_and_no_other_library():
    script = (
        "import sys, numpy.random; before = set(sys.modules); from vanishing import *; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "print(*new - {'numpy'} - set(sys.stdlib_module_names))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["vanishing"]


@MODULES
def test_the_examples_in_docstrings_print_what_they_say(module):
    result = doctest.testmod(importlib.import_module(f"vanishing.{module}"))
    assert result.failed == 0


def test_every_public_name_is_there_once_and_documented():
    assert sorted(vn.__all__) == vn.__all__ and len(set(vn.__all__)) == len(vn.__all__)
    there = {
        name
        for name, value in vars(vn).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(vn.__all__) == there | {"theory"}
    for name in vn.__all__:
        value = getattr(vn, name)
        assert getattr(value, "__module__", "vanishing").startswith("vanishing"), name
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__ and value.__doc__.splitlines()[0].endswith("."), name


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="^module 'vanishing' has no attribute 'mesure'$"):
        getattr(vn, "mesure")  # noqa: B009, as a user's `vn.mesure`


def test_every_public_signature_is_typed_and_every_rng_is_keyword_only():
    assert (SOURCE / "py.typed").exists()
    for name in vn.__all__:
        value = getattr(vn, name)
        if not inspect.isfunction(value):
            continue
        signature = inspect.signature(value)
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, (name, parameter.name)
            if parameter.name == "rng":
                assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, name
