"""Planted faults: each stops tests and build, with page, line and repair, and loses nothing.

All are planted in one copy of the project, each on a page of its own, so that one run of the tests
and one build find them all.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
from vanishing import plot

rest = 0.5 ** np.arange(10, 0, -1.0)
ax = plot.per_layer(rest, label="halved")
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


WRONG = {name: f"docs/foundations/{name.replace(' ', '-')}.md" for name in FAULTS}
ASSERTED = "docs/foundations/backpropagation.md"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, built: of its pages the headings, and one more page, which holds."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("docs", "vanishing"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for page in copy.glob("docs/**/*.md"):
        headings = re.findall(r"^#+ .*", page.read_text("utf-8"), re.MULTILINE)
        page.write_text("\n\n".join(headings) + "\n", "utf-8")
    for lab in copy.glob("docs/labs/*.ipynb"):
        lab.with_suffix(".md").write_text("# A lab, whose kernel would take its time\n", "utf-8")
        lab.unlink()
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    settings = re.sub(r"(- labs/.*)\.ipynb$", r"\1.md", settings, flags=re.MULTILINE)
    (copy / "mkdocs.yml").write_text(settings + "  - foundations/halving.md\n", "utf-8")
    (copy / "docs/foundations/halving.md").write_text(PAGE, "utf-8")
    shutil.copy(ROOT / "pyproject.toml", copy)
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


@pytest.fixture(scope="module")
def found(project):
    """What the tests and the build say of all faults at once; the site is as it was before."""
    before = site(project)
    right = {project / ASSERTED: (project / ASSERTED).read_text("utf-8")}
    shutil.copy(ROOT / ASSERTED, project / ASSERTED)
    # One in a thousand is more than three decades above what the pages and the tests claim.
    module = project / "vanishing/nn/activations.py"
    right[module] = module.read_text("utf-8")
    assert right[module].count("derivative *= h\n") == 1
    module.write_text(
        right[module].replace("derivative *= h\n", "derivative *= 1.001 * h\n"), "utf-8"
    )
    for name, path in WRONG.items():
        old, new, *_ = FAULTS[name]
        assert PAGE.count(old) == 1
        (project / path).write_text(PAGE.replace(old, new), "utf-8")
    shutil.copytree(ROOT / "tests", project / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    pages = ["docs/foundations/halving.md", ASSERTED, *WRONG.values()]
    try:
        tests = call(
            project, "pytest", "-p", "no:cacheprovider", "tests/test_activations.py", *pages
        )
        build = call(project, "mkdocs", "build", "--strict")
    finally:
        for path, text in right.items():
            path.write_text(text, "utf-8")
        for path in WRONG.values():
            (project / path).unlink()
    for result in (tests, build):
        assert result.returncode != 0
        assert "Traceback" not in result.stdout + result.stderr
        assert not problems(result, "docs/foundations/halving.md"), (
            "a page that holds is not blamed"
        )
    assert site(project) == before, "a build that fails leaves the site as it was"
    assert not (project / "site.partial").exists()
    return tests, build


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_a_page_stops_tests_and_build(found, name):
    *_, line, message, repair = FAULTS[name]
    assert f"FAILED {WRONG[name]}::page" in found[0].stdout
    for result in found:
        (said,) = (
            s for s in problems(result, WRONG[name]) if s.startswith(f"{WRONG[name]}:{line}:")
        )
        assert message in said
        assert repair in said.partition("\n    repair: ")[2]


def problems(result: subprocess.CompletedProcess[str], page: str) -> list[str]:
    """What a command says of a page, problem by problem, each from its place to its repair."""
    text = "\n" + result.stdout + result.stderr
    return re.findall(rf"\n({re.escape(page)}:\d+: .*\n(?: .*\n)*?    repair: .*)", text)


def test_a_derivative_off_by_a_thousandth_stops_tests_and_build(found):
    assert re.search(r"^FAILED tests/test_activations\.py", found[0].stdout, re.MULTILINE)
    assert f"FAILED {ASSERTED}::page" in found[0].stdout
    for result in found:
        assert any("the claim does not hold" in said for said in problems(result, ASSERTED))


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
