"""The code's form: one formatter, lines of 100 characters, one statement a line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for folder in (".ci", "docs", "tests", "vanishing")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


@pytest.mark.parametrize(
    ("arguments", "repair"),
    [(["format", "--check"], "ruff format ."), (["check"], "ruff check --fix .")],
    ids=["format", "lint"],
)
def test_ruff_finds_nothing(arguments, repair):
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrepair: python -m {repair}"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("x = 1; y = 2", "E702"),
        ("if x: y = 2", "E701"),
        ("x = " + 50 * "1 + " + "1", "E501"),
    ],
)
def test_a_crammed_line_is_seen(line, rule):
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, input=f"{line}\n")
    assert rule in done.stdout


EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@EACH
def test_no_line_calls_two_functions_as_a_tuple(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        crammed = isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple)
        assert not crammed, f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


@EACH
def test_the_first_line_of_a_docstring_is_a_sentence(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = ast.get_docstring(node)
            assert not text or text.splitlines()[0].endswith((".", ":", "?")), (
                f"{path.relative_to(ROOT)}:{node.lineno}: {text.splitlines()[0]}"
            )
