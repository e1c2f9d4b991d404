"""Planted faults: each stops the tests and the build alike, with page, line and repair, and loses nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

ROOT = Path(__file__).parent.parent
PAGE = """\
---
description: A page to plant faults in.
---
# Halving

See [Notation](../reference/notation.md) and [the claim](#the-claim), found by
[Glorot & Bengio (2010)](../reference/sources.md#glorot2010).

```python alt="A falling line." caption="What is left."
import numpy as np
from vanishing import figures

rest = 0.5 ** np.arange(10, 0, -1.0)
ax = figures.per_layer(rest, label="halved")
```

## The claim

Left is `{python} f"{rest[0]:.1e}"`.

```python
print(f"{1 / rest[0]:.0f}")
```

```output
1024
```

<!-- invisible-code-block: python
assert rest[0] < 1e-3
-->
"""
# What to plant: the text that goes, what comes for it, the line that is blamed, the message, the
# repair.
FAULTS = {
    "wrong printed output": (
        "```output\n1024",
        "```output\n1023",
        25,
        "output differs",
        "--update-outputs",
    ),
    "false hidden assertion": ("< 1e-3", "< 1e-4", 30, "claim does not hold", "the run wins"),
    "exception in a block": ("print(f", "rest[10]\nprint(f", 22, "IndexError", "mend the code"),
    "bare float inline": ('f"{rest[0]:.1e}"', "1 / rest[0]", 19, "bare float", "format it"),
    "figure without alt": ('alt="A falling line." ', "", 9, "no alt", "what it shows"),
    "unknown fence option": (
        "python alt",
        "python widht=3 alt",
        9,
        "'widht' is unknown",
        "use one of",
    ),
    "py fence": ("```python\nprint", "```py\nprint", 21, "would not run", "```python"),
    "link to a missing page": (
        "notation.md",
        "notations.md",
        6,
        "leads to no file",
        "mend the path",
    ),
    "missing anchor": (
        "(#the-claim)",
        "(#the-claims)",
        6,
        "no anchor #the-claims",
        "mend the anchor",
    ),
    "overflow": (
        "print(f",
        "np.exp(1000 * rest[9:] * 2)\nprint(f",
        22,
        "unexpected RuntimeWarning: overflow",
        "errstate",
    ),
    "unlisted source": ("#glorot2010", "#glorot2011", 7, "cited but not listed", "sources.md"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with a page more and short labs, and the runs of the pages as they are kept."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("docs", "vanishing", "tests", ".cache/pages"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "mkdocs.yml"):
        shutil.copy(ROOT / name, copy)
    for lab in copy.glob("docs/labs/*.ipynb"):
        nbformat.write(new_notebook(cells=[new_markdown_cell("# A lab")]), lab)
    settings = copy / "mkdocs.yml"
    settings.write_text(settings.read_text("utf-8") + "  - foundations/halving.md\n", "utf-8")
    (copy / "docs/foundations/halving.md").write_text(PAGE, "utf-8")
    build = call(copy, "mkdocs", "build", "--strict")
    assert build.returncode == 0, build.stdout + build.stderr
    return copy


def call(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in the copy, on the copy's own package and engine."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": f"{project}{os.pathsep}{project / 'docs'}",
            "NO_COLOR": "1",
        },
    )


def site(project: Path) -> dict[str, bytes]:
    folder = project / "site"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_a_page_stops_tests_and_build(project, name):
    old, new, line, message, repair = FAULTS[name]
    assert PAGE.count(old) == 1
    page = project / "docs/foundations/halving.md"
    before = site(project)
    page.write_text(PAGE.replace(old, new), "utf-8")
    try:
        tests = call(project, "pytest", "-p", "no:cacheprovider", "docs/foundations/halving.md")
        build = call(project, "mkdocs", "build", "--strict")
    finally:
        page.write_text(PAGE, "utf-8")
    for result in (tests, build):
        said = result.stdout + result.stderr
        assert result.returncode != 0
        assert f"docs/foundations/halving.md:{line}: " in said
        assert message in said
        assert repair in said.split(f"halving.md:{line}: ")[1]
        assert "Traceback" not in said
    assert site(project) == before, "a build that fails leaves the site as it was"
    assert not (project / "site.partial").exists()


def test_a_derivative_off_by_a_thousandth_stops_tests_and_build(project):
    """One in a thousand is more than three decades above what the pages and the tests claim."""
    module = project / "vanishing/activations.py"
    right = module.read_text("utf-8")
    assert right.count("slope *= h\n") == 1
    module.write_text(right.replace("slope *= h\n", "slope *= 1.001 * h\n"), "utf-8")
    # Of the pages that are not asked, the headings alone: each would run again, and take its time.
    others = set(project.glob("docs/**/*.md")) - {project / "docs/foundations/backpropagation.md"}
    texts = {page: page.read_text("utf-8") for page in others}
    for page, text in texts.items():
        page.write_text("\n\n".join(re.findall(r"^#+ .*", text, re.MULTILINE)) + "\n", "utf-8")
    try:
        tests = call(
            project,
            "pytest",
            "-p",
            "no:cacheprovider",
            "tests/test_activations.py",
            "docs/foundations/backpropagation.md",
        )
        build = call(project, "mkdocs", "build", "--strict")
    finally:
        module.write_text(right, "utf-8")
        for page, text in texts.items():
            page.write_text(text, "utf-8")
    assert tests.returncode != 0
    assert re.search(r"test_activations\.py", tests.stdout)
    for result in (tests, build):
        assert result.returncode != 0
        assert re.search(
            r"docs/foundations/backpropagation\.md:\d+: .*\n(?:.*\n)*?    repair: ",
            result.stdout + result.stderr,
        )


def test_strict_warnings_leave_the_site_as_it_was(project):
    """What only MkDocs finds stops the build too, before the old site is touched."""
    before = site(project)
    extra = project / "docs/foundations/unlisted.md"
    extra.write_text("# In no navigation\n", "utf-8")
    try:
        build = call(project, "mkdocs", "build", "--strict")
    finally:
        extra.unlink()
    assert build.returncode != 0
    assert "unlisted.md" in build.stderr
    assert site(project) == before
    assert not (project / "site.partial").exists()
