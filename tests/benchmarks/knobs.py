"""How long a figure takes under the finger: script and layout for each turn of a knob.

Every figure with knobs on the built pages that are named, or on all of `site`, goes through all its
settings in Chromium, as under the arrow keys: the knob moves, the drawing, its ghost and the line
of text are replaced, the address is written, and the layout is forced. Painting is not counted. Of
several rounds the fastest counts for each turn, because other processes only slow a turn down.
`--slower 4` slows the processor down to that of a phone. Ends with 1 if one turn in twenty takes
longer than a frame. Run from the project's folder, after a build:

    .venv/bin/python tests/benchmarks/knobs.py site/index.html
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

FRAME = 16  # milliseconds
ROUNDS, TURNS = 5, 200  # at least, of each figure
TIMEOUT = 600_000  # milliseconds, for all settings of a figure on a slow machine
DRIVE = """async figure => {
  const inputs = [...figure.querySelectorAll("[class$=knobs] :is(input, select)")];
  const sizes = inputs.map(input => Number(input.max) + 1 || input.length);
  const front = figure.querySelector("[class$=state]"), times = [];
  const turn = async (input, value) => {
    input.value = value;
    for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, {bubbles: true}));
    await figure.states;
    for (let turn = 0; turn < 5; turn++) await null;
    figure.getBoundingClientRect();
  };
  for (const input of inputs) await turn(input, 0);
  for (let position = 0; position < sizes.reduce((a, b) => a * b); position++) {
    for (let left = position, knob = sizes.length - 1; knob >= 0; knob--) {
      const value = left % sizes[knob], before = front.firstChild;
      left = Math.floor(left / sizes[knob]);
      if (Number(inputs[knob].value) === value) continue;
      const began = performance.now();
      await turn(inputs[knob], value);
      times.push(performance.now() - began);
      if (front.firstChild === before) throw new Error("the drawing was not replaced in time");
    }
  }
  return times;
}"""


def measure(page: Page, path: Path) -> bool:
    """Whether all figures of a page keep to a frame; prints what each takes."""
    page.goto(path.resolve().as_uri())
    kept = True
    for figure in page.locator("figure[data-knobs]").all():
        once = figure.evaluate(DRIVE)
        more = max(ROUNDS, TURNS // len(once)) - 1
        times = np.min([once, *(figure.evaluate(DRIVE) for _ in range(more))], axis=0)
        half, most, longest = np.percentile(times, [50, 95, 100])
        kept &= most <= FRAME
        print(
            f"{path} {figure.get_attribute('id')}: {len(times)} turns, "
            f"50 % within {half:.1f} ms, 95 % within {most:.1f} ms, the longest {longest:.1f} ms",
            flush=True,
        )
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description="How long figures take for a turn of a knob.")
    parser.add_argument("pages", nargs="*", type=Path, help="built pages; all of site by default")
    parser.add_argument("--slower", type=float, default=1, help="than this processor, times")
    asked = parser.parse_args()
    pages = asked.pages or [
        path
        for path in sorted(Path("site").rglob("*.html"))
        if "data-knobs" in path.read_text("utf-8")
    ]
    if not pages:
        sys.exit("site holds no figure with knobs; build it first: mkdocs build")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = running.new_page()
        page.set_default_timeout(TIMEOUT)
        slower = {"rate": asked.slower}
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", slower)
        kept = [measure(page, path) for path in pages]
        running.close()
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
