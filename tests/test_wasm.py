"""Pages in the Python that runs in the reader's browser, here outside any browser.

Each page runs once, in page order: a visible block must print there what the page says that it
prints, and draw if it draws here; a hidden block asserts there what it asserts here. That a block
gives alone, with the lines it needs, what it gives on its page is for test_pages.py to find.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from engine import live
from engine.cache import page_run
from engine.parse import Block, plain
from engine.run import indented, matches, run
from engine.imports import draws, runs_in_browser
from engine.settings import settings
from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
)
# Blocks, by page and a line of theirs, that give something else in the browser, and why they may.
DIFFERENT: dict[tuple[str, str], str] = {}
# Pages that train for long, and about how many seconds of a core they take there, seven times what
# they take here. They run where the variable WASM is set; the others take five minutes together.
LONG = {
    "docs/foundations/backpropagation.md": 40,
    "docs/foundations/depth-and-width.md": 140,
    "docs/foundations/going-forward.md": 150,
    "docs/foundations/stuck-cost.md": 110,
    "docs/foundations/two-gradients.md": 40,
    "docs/practice/choose.md": 50,
    "docs/remedies/activations.md": 90,
    "docs/remedies/clipping.md": 50,
    "docs/remedies/initialization.md": 80,
    "docs/remedies/matrix.md": 60,
    "docs/remedies/normalization.md": 50,
    "docs/remedies/optimizers.md": 120,
    "docs/remedies/recurrence.md": 110,
    "docs/remedies/regularization.md": 100,
    "docs/remedies/residual-connections.md": 130,
}
# Pages that would take many minutes there: what stands on the page, what is run instead, and why
# that still runs every line. Their hidden blocks, which judge the whole run, are left out.
SHORTENED = {
    "docs/remedies/matrix.md": (
        "look, goal, warm = 64, 120, 10, 0.7, 40",
        "look, goal, warm = 64, 120, 2, 0.0, 40",
        "each cell trains until its goal is reached; this one is reached at the first look",
    ),
}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


class Outcome(NamedTuple):
    """What came of a block in the browser's Python."""

    printed: str
    error: dict | None
    """The message, and the lines of the block that led there."""
    seconds: float
    figures: int


class Wasm:
    """The browser's Python in a process that waits for blocks."""

    def __init__(self, folder: Path) -> None:
        sources, self.said = folder / "sources.zip", folder / "said.txt"
        sources.write_bytes(live.sources())
        node, _ = compute_driver_executable()
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [node, ROOT / "tests" / "wasm.mjs", ROOT / settings().runtime, sources],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                encoding="utf-8",
            )

    def run(self, page: str, block: Block) -> Outcome:
        """Run a block below the blocks of its page that ran last."""
        job = {"id": block.line, "page": page, "source": block.source, "first": 1}
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(job), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            # Node shows the line of code that failed, and Pyodide's lines are as long as books.
            said = "\n".join(line[:300] for line in self.said.read_text("utf-8").splitlines()[-20:])
            pytest.fail(f"{page}:{block.line}: the browser's Python ended\n{said}", pytrace=False)
        found = json.loads(answer)
        assert found.pop("id") == block.line
        return Outcome(**found)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def wasm(tmp_path_factory):
    with contextlib.chdir(ROOT):
        reason = live.problem()
    if reason:
        reason += "; repair: python .ci/runtime.py"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    running = Wasm(tmp_path_factory.mktemp("wasm"))
    yield running
    running.close()


def differences(wasm: Wasm, page: str, blocks: Sequence[Block]) -> Iterator[tuple[Block, str]]:
    """The blocks that give something else in the browser, and what they give."""
    for block in blocks:
        outcome = wasm.run(page, block)
        expected = block.expected or ""
        if outcome.error:
            lines = [f"{line['line']}: {line['source']}\n" for line in outcome.error["lines"]]
            gives = "raises\n" + indented("".join([*lines, outcome.error["message"]]))
        elif not matches(expected, plain(outcome.printed)):
            gives = f"prints\n{indented(outcome.printed)}\n  and not\n{indented(expected)}"
        elif outcome.figures != (block.figure is not None):
            gives = f"draws {outcome.figures} figures"
        else:
            continue
        yield block, f"{page}:{block.line}: in the browser's Python this block {gives}"


def there(page: str) -> list[Block]:
    """The blocks of a page that run in the browser, which has none of the optional frameworks."""
    blocks = [
        block
        for block in page_run(page).blocks
        if block.skipped is None and runs_in_browser(block.source)
    ]
    if page not in SHORTENED:
        return blocks
    whole, short, _ = SHORTENED[page]
    visible = [block for block in blocks if not block.hidden]
    assert sum(whole in block.source for block in visible) == 1, f"{page} does not hold {whole!r}"
    return [replace(block, source=block.source.replace(whole, short)) for block in visible]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_in_the_browser(wasm, page):
    if page in LONG and not os.environ.get("WASM"):
        pytest.skip(f"takes {LONG[page]} seconds of a core; runs where WASM is set")
    unneeded = {text for listed, text in DIFFERENT if listed == page}
    unlisted = []
    for block, message in differences(wasm, page, there(page)):
        if known := unneeded & {*block.source.splitlines()}:
            unneeded -= known
        else:
            unlisted.append(message)
    assert not unlisted, "\n\n".join(unlisted)
    assert not unneeded, f"{page}: DIFFERENT lists what is not there or does not differ: {unneeded}"


def test_what_is_listed_is_there():
    assert {*LONG, *SHORTENED, *(page for page, _ in DIFFERENT)} <= {*PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_what_draws_is_known_before_it_runs(page):
    """The browser loads Matplotlib by the imports alone."""
    unseen = [b.line for b in page_run(page).blocks if b.figure and not draws(b.runnable)]
    assert not unseen, f"{page}: the figures of the blocks at {unseen} come from no import"


PAGE = """
```python
import numpy as np

print(np.arange(4).sum())
```

```output
6
```

```python alt="A line." caption="A line."
from vanishing import plot

ax = plot.curves([0, 1], {"": [0, 1]})
```

<!-- invisible-code-block: python
assert plot
-->
"""
IN_THE_BROWSER = "__import__('sys').platform == 'emscripten'"
# What to plant: the text that goes, what comes for it, the block that is blamed, the message.
PLANTED = {
    "another output": ("\n6\n", "\n7\n", 2, "prints\n      6\n  and not\n      7"),
    "an output that is not published": (
        "```output\n6\n```",
        "",
        2,
        "prints\n      6\n  and not\n      (nothing)",
    ),
    "an error": (
        "4).sum()",
        f"4).sum() + [0][{IN_THE_BROWSER}]",
        2,
        "IndexError: list index out of range",
    ),
    "a warning": (
        "print(",
        f"if {IN_THE_BROWSER}: __import__('warnings').warn('old')\nprint(",
        2,
        "UserWarning: old",
    ),
    "no figure": ("ax = ", f"ax = {IN_THE_BROWSER} or ", 12, "draws 0 figures"),
    "a claim": ("assert plot", f"assert not {IN_THE_BROWSER}", 18, "raises\n      1: assert not"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_difference_is_found(wasm, name):
    before, after, line, message = PLANTED[name]
    assert PAGE.count(before) == 1
    blocks = run(PAGE.replace(before, after), "docs/x.md").blocks
    assert len(blocks) == 3
    ((_, said),) = differences(wasm, name, blocks)
    assert said.startswith(f"{name}:{line}: ") and message in said


def test_nothing_is_found_where_nothing_is_planted(wasm):
    assert not [*differences(wasm, "docs/x.md", run(PAGE, "docs/x.md").blocks)]


def test_pages_share_no_names_and_blocks_no_output(wasm):
    def ran(page: str, source: str) -> Outcome:
        return wasm.run(page, Block(0, 0, 1, source))

    assert ran("one", "x = 'half a line'\nprint(x, end='')").printed == "half a line"
    assert ran("one", "print(x)").printed == "half a line\n"
    assert "'x' is not defined" in ran("other", "print(x)").error["message"]
