"""What is wrong in a notebook stops its page with notebook, cell and repair."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from mkdocs.utils import yaml_load
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from engine.notebooks import notebook_run

ROOT = Path(__file__).parent.parent
CONFIG = yaml_load((ROOT / "mkdocs.yml").read_text("utf-8"))
LABS = sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/labs/*.ipynb"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CLEAN = (
    "jupyter nbconvert --clear-output --ClearMetadataPreprocessor.enabled=True "
    "--ClearMetadataPreprocessor.preserve_nb_metadata_mask=kernelspec --inplace"
)
DRAW = "from vanishing import plot\nplot.curves([0, 1], {'a': [0, 1]}, xlabel='x');"
HEAD = "#| alt: A line that rises\n#|   from 0 to 1.\n#| caption: It *rises*, by $x$.\n"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt">'
    '<path style="stroke: #0072b2"/></svg>'
)


@pytest.mark.parametrize("path", LABS, ids=str)
def test_lab_is_committed_clean(path):
    text = (ROOT / path).read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    repair = f"repair: {CLEAN} {path}"
    for number, cell in enumerate(notebook.cells, 1):
        assert not cell.get("outputs"), f"{path}, cell {number}: it holds outputs\n{repair}"
        assert cell.get("execution_count") is None, (
            f"{path}, cell {number}: it holds an execution count\n{repair}"
        )
        assert not cell.metadata, (
            f"{path}, cell {number}: it holds metadata {cell.metadata}\n{repair}"
        )
    assert notebook.metadata.keys() == {"kernelspec"}, (
        f"{path}: its metadata differs between machines\n{repair}"
    )
    assert notebook.metadata.kernelspec.name == "python3", (
        f"{path}: not every machine has this kernel; name python3"
    )
    # Read from the text: nbformat invents an id where there is none, each time another.
    ids = re.findall(r'^   "id": "([\w-]+)"', text, re.MULTILINE)
    assert len(set(ids)) == len(notebook.cells), f"{path}: a cell has no id of its own; give it one"


def problems(*cells):
    return [
        str(problem)
        for problem in notebook_run(new_notebook(cells=list(cells)), "docs/labs/a.ipynb").problems
    ]


def code(source, *outputs):
    return new_code_cell(source, outputs=list(outputs))


def drawing(svg=SVG):
    return new_output(
        "display_data", data={"image/svg+xml": svg, "text/plain": "<Figure size 520x320>"}
    )


def printing(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def raising(line):
    return new_output("error", ename="E", evalue="e", traceback=[line])


def value(text):
    return new_output("execute_result", data={"text/plain": text})


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (code("x", drawing()), "the figure has no alt and caption"),
        (code("#| alt: a line\nx", drawing()), "the figure has no caption"),
        (code("#| caption: a line\nx", drawing()), "the figure has no alt"),
        (code("#| alt:\n#| caption: a line\nx", drawing()), "the figure has no alt"),
        (code(HEAD + "x"), "alt and caption without a figure"),
        (code(HEAD + "x", drawing(), drawing()), "2 figures are left open"),
        (
            code(HEAD + "x", drawing(SVG.replace("0072b2", "123456"))),
            "the figure's colours #123456",
        ),
        (code("#| label: a\nx"), "'#| label: a' is no option of a cell"),
        (
            code("x", printing("a.py:1: RuntimeWarning: overflow", "stderr")),
            "RuntimeWarning: overflow",
        ),
        (code("x", value("<Axes: xlabel='x'>")), "the cell's value shows as <Axes: xlabel='x'>"),
        (
            code("x", value("[<Line2D at 0x7f>,\n <Line2D at 0x8f>]")),
            "the cell's value shows as [<Line2D at",
        ),
        (code("x", raising("\x1b[31m----> 1 x\x1b[0m")), "E: e\n    in: x"),
        (new_markdown_cell("```python\n1\n```"), "a Markdown cell runs nothing"),
        (new_markdown_cell("```py\n1\n```"), "a Markdown cell runs nothing"),
        (new_markdown_cell("of `{python} 1 + 1`"), "a Markdown cell runs nothing"),
        (new_markdown_cell("[a](nowhere.md)"), "the link 'nowhere.md' leads to no file"),
        (code("#| fold: a"), "the cell is empty"),
        (new_raw_cell("x"), "a raw cell would not be shown"),
    ],
)
def test_fault_is_named_with_notebook_cell_and_repair(cell, says):
    (problem,) = problems(new_markdown_cell("# Title"), cell)
    assert problem.startswith("docs/labs/a.ipynb, cell 2: ")
    assert says in problem
    assert "\n    repair: " in problem


def test_cells_become_the_run_of_a_page():
    draws = code(
        HEAD + "#| fold: How\ndraw()\n", printing("a"), printing("b\n"), value("3"), drawing()
    )
    table = new_output(
        "display_data", data={"text/markdown": "| a |\n| - |", "text/plain": "<Markdown>"}
    )
    cells = [new_markdown_cell("# Title"), code("import draw"), draws, code("show()", table)]
    run = notebook_run(new_notebook(cells=cells), "docs/labs/a.ipynb")
    assert not run.problems
    block = run.blocks[1]
    assert (block.source, block.expected, block.figure) == ("draw()", "ab\n3", SVG)
    assert block.options == {
        "alt": "A line that rises from 0 to 1.",
        "caption": "It *rises*, by $x$.",
        "fold": "How",
    }
    needs = "# Beside numpy and vanishing, this needs: pip install draw\n"
    assert block.runnable == f"{needs}import draw\n\ndraw()\n"
    assert [run.text[b.start : b.end] for b in run.blocks] == [b.source for b in run.blocks]
    assert run.text.endswith("show()\n\n| a |\n| - |\n\n")


def write(folder, *sources):
    """A site of one lab, whose cells are Markdown if they begin with a heading."""
    cells = [(new_markdown_cell if re.match("#+ ", s) else new_code_cell)(s) for s in sources]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    (folder / "docs/labs").mkdir(parents=True, exist_ok=True)
    path = folder / "docs/labs/trial.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    site = {
        "site_name": "Trial",
        "site_url": "",
        "theme": "material",
        "hooks": [str(ROOT / "docs/engine/labs.py")],
        "plugins": [plugin for plugin in CONFIG["plugins"] if "mkdocs-jupyter" in plugin],
        "nav": ["labs/trial.ipynb"],
    }
    same = {name: CONFIG[name] for name in ("use_directory_urls", "markdown_extensions")}
    (folder / "mkdocs.yml").write_text(json.dumps(site | same))
    return path


def build(folder):
    """Exit code, what was said, and the files of the built site."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg", "SOURCE_DATE_EPOCH": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    files = (path for path in (folder / "site").rglob("*") if path.is_file())
    return result.returncode, result.stderr, {path.name: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A site of one lab with a copy of the package, and its files."""
    folder = tmp_path_factory.mktemp("labs")
    write(
        folder, "# A lab\n\nWith $x$.", "import time\nprint(time.time_ns())", HEAD + DRAW, "## Last"
    )
    shutil.copytree(
        ROOT / "vanishing", folder / "vanishing", ignore=shutil.ignore_patterns("__pycache__")
    )
    code, said, site = build(folder)
    assert code == 0, said
    return folder, site


def test_build_shows_a_lab_as_a_page(built):
    folder, site = built
    page = site["trial.html"].decode()
    article = page[page.index("<article") : page.index("</article")]
    assert len(article) < 10_000
    for unwanted in ("<script", "<style", "jp-", "In [", "https:"):
        assert unwanted not in article
    assert "<title>A lab - Trial</title>" in page
    assert '<h2 id="last">' in article and 'href="#last"' in page[: page.index("<article")]
    assert article.count("<math>") == 2
    assert re.search(r"vg-output.*>\d{19}\n</code>", article)
    assert (
        'aria-label="A line that rises from 0 to 1."' in article
        and "var(--vg-forward, #0072b2)" in article
    )
    assert "#|" not in article
    assert '<a href="trial.ipynb" download>' in article
    assert site["trial.ipynb"] == (folder / "docs/labs/trial.ipynb").read_bytes()


def undated(site):
    """The files of a site without the nanoseconds that its lab prints."""
    return {name: re.sub(rb"\b\d{19}\b", b"", content) for name, content in site.items()}


def test_lab_runs_again_when_the_package_changes_and_only_then(built):
    folder, first = built
    assert build(folder)[2] == first
    with (folder / "vanishing/plot/figures.py").open("a") as source:
        source.write("# changed\n")
    code, said, after = build(folder)
    assert code == 0, said
    assert after["trial.html"] != first["trial.html"]
    assert undated(after) == undated(first)
    assert len(list((folder / ".cache/labs").iterdir())) == 1


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("y = 2\nassert x > y", "AssertionError\n    in: assert x > y\n    repair: "),
        (DRAW, "the figure has no alt and caption\n    repair: "),
    ],
)
def test_fault_stops_the_build(tmp_path, source, says):
    write(tmp_path, "# A lab", "x = 1", source)
    code, said, site = build(tmp_path)
    assert code != 0
    assert f"docs/labs/trial.ipynb, cell 3: {says}" in said
    assert "Traceback" not in said
    assert "trial.html" not in site
