"""How long the site's build takes: cold, warm, after one edit, and against plain MkDocs.

Plain MkDocs builds the Markdown that the pages render to (results as text and HTML), with the same
theme and extensions but without the engine and without the labs. Run from the project's folder:

    .venv/bin/python tests/benchmarks/build.py
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.cache import page_run
from engine.render import render

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 3


def copy_of(project: Path) -> Path:
    for name in ("docs", "vanishing"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "README.md"):
        shutil.copy(ROOT / name, project)
    return project


def closed(html: str) -> str:
    """Raw HTML that Markdown's own parser leaves alone: block elements that are closed."""
    html = html.replace("<figcaption>", "</figure>").replace("</figcaption></figure>", "")
    return re.sub(r"(</?)template\b", r"\1div", html)


def without_engine(project: Path) -> Path:
    """The project as plain MkDocs builds it: pages rendered, labs and engine taken out."""
    for path in project.glob("docs/**/*.md"):
        run = page_run(path.relative_to(project))
        text = render(run, closed) if run.blocks or run.values else run.text
        path.write_text(text.replace("{ .vg-download }", ""), "utf-8")
    settings = (project / "mkdocs.yml").read_text("utf-8")
    settings = re.sub(r"^  - engine\.render\n", "", settings, flags=re.MULTILINE)
    settings = re.sub(r"^  - mkdocs-jupyter:?\n(?:    .*\n|\n)*", "", settings, flags=re.MULTILINE)
    settings = re.sub(r"^hooks:\n(?:  .*\n)+", "", settings, flags=re.MULTILINE)
    settings = re.sub(r"^  - Labs:\n(?:      .*\n)+", "", settings, flags=re.MULTILINE)
    (project / "mkdocs.yml").write_text(settings, "utf-8")
    return project


def seconds(project: Path) -> float:
    began = time.perf_counter()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{project}{os.pathsep}{project / 'docs'}",
        "NO_MKDOCS_2_WARNING": "1",
    }
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet"],
        cwd=project,
        env=environment,
        check=True,
    )
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours"), Path(folder, "plain")
        ours.mkdir()
        plain.mkdir()
        copy_of(ours)
        cold = seconds(ours)
        os.chdir(copy_of(plain))
        shutil.copytree(ours / ".cache", plain / ".cache")
        without_engine(plain)
        seconds(plain)
        rounds = []
        page = ours / "docs/foundations/weights-times-slope.md"
        for n in range(ROUNDS):
            plainly, warm = seconds(plain), seconds(ours)
            page.write_text(page.read_text("utf-8") + f"\n<!-- edit {n} -->\n", "utf-8")
            rounds.append((plainly, warm, seconds(ours)))
        plainly, warm, edited = map(statistics.median, zip(*rounds, strict=True))
        ratio = statistics.median(w / p for p, w, _ in rounds)
        print(f"cold                     {cold:6.1f} s")
        print(f"after one edit           {edited:6.1f} s   (median of {ROUNDS})")
        print(f"warm                     {warm:6.1f} s   (median of {ROUNDS})")
        print(f"plain MkDocs, rendered   {plainly:6.1f} s   (median of {ROUNDS})")
        print(
            f"warm against plain       {ratio:6.2f}     "
            "(median of the rounds' ratios; target: at most 1.5)"
        )


if __name__ == "__main__":
    main()
