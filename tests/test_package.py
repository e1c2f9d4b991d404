"""The package keeps its promises: numpy alone, size, reading order, names, examples that run."""

import ast
import doctest
import importlib
import inspect
import io
import statistics
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import vanishing as vn

SOURCE = Path(vn.__file__).parent
# The reading order; figures.py, at the edge, comes last.
ORDER = [
    "validation",
    "activations",
    "initializers",
    "layers",
    "normalization",
    "branches",
    "recurrence",
    "networks",
    "losses",
    "measurements",
    "optimizers",
    "training",
    "duals",
    "checking",
    "jacobians",
    "theory",
    "diagnosis",
    "datasets",
    "figures",
    "explorables",
]
MODULES = pytest.mark.parametrize(
    "module", [name for name in ORDER if (SOURCE / f"{name}.py").exists()]
)


def code_lines(text):
    """The numbers of the lines that hold code: no blank lines, comments or docstrings."""
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            docstrings |= set(range(node.lineno, node.end_lineno + 1))
    ignored = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    held = {
        line for t in tokens if t.type not in ignored for line in range(t.start[0], t.end[0] + 1)
    }
    return held - docstrings


def functions(text):
    lines = code_lines(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, len([line for line in lines if node.lineno <= line <= node.end_lineno])


def texts():
    return {path.stem: path.read_text() for path in SOURCE.glob("*.py")}


def test_code_lines_are_counted_right():
    text = '"""Doc."""\n# comment\n\nx = 1\ndef f():\n    """Doc\n    of f."""\n    return """a\nb"""\n'
    assert code_lines(text) == {4, 5, 8, 9}


def test_the_package_keeps_its_size():
    sizes = {name: len(code_lines(text)) for name, text in texts().items()}
    assert sum(sizes.values()) < 2300
    assert max(sizes.values()) <= 200, sizes
    lengths = {
        f"{module}.{name}": n for module, text in texts().items() for name, n in functions(text)
    }
    assert statistics.median(lengths.values()) <= 8
    assert max(lengths.values()) <= 30, {name: n for name, n in lengths.items() if n > 30}


def test_imports_point_backwards_in_reading_order():
    assert set(texts()) - {"__init__", "__main__"} <= set(ORDER)
    for name in set(texts()) & set(ORDER):
        for node in ast.walk(ast.parse(texts()[name])):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vanishing"):
                _, _, imported = node.module.partition(".")
                assert ORDER.index(imported) < ORDER.index(name), f"{name} imports {imported}"


def test_the_package_needs_numpy_and_no_other_library():
    script = (
        "import sys, numpy.random; before = set(sys.modules); from vanishing import *; import vanishing.theory; "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before} - {'numpy'} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["vanishing"]


def test_importing_the_package_imports_none_of_its_modules_before_their_use():
    script = (
        "import sys, vanishing; print(*[name for name in sys.modules if name.startswith(('vanishing', 'numpy'))]); "
        "vanishing.relu; print(*[name for name in sys.modules if name.startswith('vanishing')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "vanishing",
        "vanishing vanishing.validation vanishing.activations",
    ]


@MODULES
def test_the_examples_in_docstrings_print_what_they_say(module):
    result = doctest.testmod(importlib.import_module(f"vanishing.{module}"))
    assert result.failed == 0


def test_every_public_name_is_there_once_and_documented():
    assert sorted(vn.__all__) == vn.__all__ and len(set(vn.__all__)) == len(vn.__all__)
    assert set(vn.__all__) | {"theory", "figures"} <= set(dir(vn))
    for name in vn.__all__:
        value = getattr(vn, name)
        assert getattr(value, "__module__", "vanishing").startswith("vanishing"), name
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__ and value.__doc__.splitlines()[0].endswith("."), name


def test_modules_are_attributes_and_what_is_not_there_is_an_attribute_error():
    assert vn.__getattr__("theory") is vn.theory is importlib.import_module("vanishing.theory")
    assert (
        vn.__getattr__("relu") is vn.relu is importlib.import_module("vanishing.activations").relu
    )
    del vn.relu
    assert vn.relu is vn.activation("relu") and "relu" in vars(vn)
    with pytest.raises(AttributeError, match="^module 'vanishing' has no attribute 'mesure'$"):
        vn.mesure


def test_editors_and_type_checkers_are_told_every_module_that_holds_a_public_name():
    block = next(node for node in ast.parse(texts()["__init__"]).body if isinstance(node, ast.If))
    told = {
        node.module.removeprefix("vanishing.") for node in block.body if node.names[0].name == "*"
    }
    assert told == {module for module, names in vn._NAMES.items() if names}
    assert set(vn._NAMES) == set(ORDER) - {"validation"}


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
