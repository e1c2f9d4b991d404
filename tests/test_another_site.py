"""The engine serves a site of another subject, unchanged, and knows nothing of this one."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from engine.settings import settings

ROOT = Path(__file__).parent.parent
PAGE = """\
---
description: How long a year is.
---
# Orbits

The law is $T^2 = a^3$, found by [Kepler (1619)](library.md#kepler1619):

$$
T = a^{3/2}
$$

```python
from orbits.kepler.laws import period

FAR = 4
print(f"{period(FAR):.1f} years")
```

```output
8.0 years
```

| distance | years |
| --- | --- |
| 4 | `{python} f"{period(FAR):.1f}"` |

~~~python fold="The code" alt="A curve." caption="A year at 4 is `{python} f'{period(FAR):.0f}'`."
from orbits.look import COLOURS, turn
from matplotlib import pyplot

ax = pyplot.figure().add_subplot(xlim=(0, 5), ylim=(0, 12))

def draw(distance):
    ax.plot([0, distance], [0, period(distance)], color=COLOURS["sun"])
    return f"A year at {distance} is {period(distance):.0f}."

turn(ax, draw, (1, 4))
~~~

<!-- skip: next "there is no telescope" -->

```python
import telescope
```

<!-- invisible-code-block: python
assert period(1) == 1
-->
"""
SITE = {
    "docs/index.md": PAGE,
    "docs/library.md": "# Library\n\n## Kepler 1619 { #kepler1619 }\n",
    "orbits/__init__.py": "",
    "orbits/kepler/__init__.py": "",
    "orbits/kepler/laws.py": "def period(distance):\n    return distance**1.5\n",
    "orbits/look.py": '''\
from matplotlib import pyplot

COLOURS = {"sun": "#c08000", "ink": "#000000"}


def use():
    pyplot.rcParams["font.size"] = 17


class Turned:
    """A figure with one knob, the distance."""

    def __init__(self, ax, draw, distances):
        self.axes, self.draw = [ax], draw
        self.knobs, self.start = {"distance": distances}, {"distance": distances[0]}

    def settings(self):
        return [{"distance": distance} for distance in self.knobs["distance"]]

    def drawn(self):
        return list(self.axes[0].lines)

    def show(self, setting):
        for line in self.drawn():
            line.remove()
        return self.draw(**setting)


def turn(ax, draw, distances):
    ax.figure.explorable = Turned(ax, draw, distances)
''',
    "site_settings.py": """\
from engine.settings import Settings

SETTINGS = Settings(
    watch=("orbits",),
    prefix="xy-",
    palette="orbits.look:COLOURS",
    style="orbits.look:use",
    address="https://orbits.example/years/",
    sources="library.md",
)
""",
    "mkdocs.yml": """\
site_name: Orbits
site_url: https://orbits.example/years/
theme: mkdocs
use_directory_urls: false
validation:
  links:
    anchors: warn
hooks: [engine/hooks.py]
markdown_extensions:
  - engine.render
  - attr_list
  - tables
  - pymdownx.details
  - pymdownx.superfences
  - pymdownx.arithmatex:
      generic: true
      tex_inline_wrap: ["", ""]
      tex_block_wrap: ["", ""]
""",
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "orbits"
version = "1.5"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["orbits"]

[tool.pytest.ini_options]
addopts = ["-p", "engine.plugin", "-p", "no:cacheprovider"]
testpaths = ["docs"]
""",
}
CLASSES = (
    "download figure fold formula math output reading runnable skipped source state table value"
)
BUILD, TESTS = ("mkdocs", "build", "--strict"), ("pytest",)


def call(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Call a module on the other site's own package, settings and copy of the engine."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "NO_COLOR": "1",
            "NO_MKDOCS_2_WARNING": "1",
        },
    )


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The folder of the other site, built."""
    folder = tmp_path_factory.mktemp("other")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "docs/engine", folder / "engine", ignore=ignored)
    for name, text in SITE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    built = call(folder, *BUILD)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_another_site_shows_its_own_results_in_its_own_look(other):
    html = (other / "site/index.html").read_text("utf-8")
    assert "8.0 years\n</code>" in html
    assert re.search(r'<td><span class="xy-value"[^>]*>8\.0<', html)
    assert "A year at 4 is 8.</p>" in html
    assert set(re.findall(r'class="[^"]*\bxy-([\w-]+)', html)) == set(CLASSES.split())
    assert set(re.findall(r"var\(--([\w-]+, #\w+)\)", html)) == {
        "xy-sun, #c08000",
        "xy-ink, #000000",
    }
    assert "font-size: 17px" in html


def test_another_site_gets_its_figures_with_knobs_and_downloads(other):
    html = (other / "site/index.html").read_text("utf-8")
    states = re.search(r'data-states="(index\.\w+\.js)"', html)[1]
    assert "A year at 4 is 8." in (other / "site" / states).read_text("utf-8")
    assert "A year at 1 is 1.</p>" in html
    assert "return distance**1.5" not in (other / "site/index.py").read_text("utf-8")
    assert '"8.0 years\\n"' in (other / "site/index.ipynb").read_text("utf-8")


def test_a_notebook_of_a_site_with_an_address_installs_what_the_site_ships(other):
    first = json.loads((other / "site/index.ipynb").read_text("utf-8"))["cells"][0]
    address = "https://orbits.example/years/"
    wheel = "assets/orbits-1.5-py3-none-any.whl"
    assert first["source"] == [f'%pip install --quiet "{address}{wheel}" matplotlib']
    with zipfile.ZipFile(other / "site" / wheel) as archive:
        assert "orbits/__init__.py" in archive.namelist()
    html = (other / "site/index.html").read_text("utf-8")
    hosted = f"https://jupyter.org/try-jupyter/lab/index.html?fromURL={address}index.ipynb"
    assert f'href="{hosted}"' in html


def test_a_site_with_an_address_has_a_picture_for_links_to_a_page(other):
    picture = (other / "site/index.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and int.from_bytes(picture[16:20], "big") == 1200
    assert not (other / "site/library.png").exists()


def test_another_site_holds_no_name_of_this_one(other):
    made = [other / "site" / name for name in ("index.html", "index.ipynb", "index.py")]
    for path in [*made, *(other / "site").glob("index.*.js"), *other.glob(".cache/pages/*")]:
        assert not names_of_this_site().findall(path.read_text("utf-8")), path


def test_the_markdown_extension_needs_no_hook(other):
    (other / "page.txt").write_text(PAGE[PAGE.index("# Orbits") :], "utf-8")
    shown = call(other, "markdown", "-x", "engine.render", "page.txt")
    assert shown.returncode == 0, shown.stderr
    assert '<figure class="xy-figure" id="figure-1"' in shown.stdout


def test_faults_on_another_site_stop_its_build(other):
    page = other / "docs/index.md"
    faulty = PAGE.replace("8.0 years", "9.0 years")
    faulty = faulty.replace("#kepler1619", "#kepler1620").replace('COLOURS["sun"]', '"#123456"')
    page.write_text(faulty, "utf-8")
    try:
        result = call(other, *BUILD)
    finally:
        page.write_text(PAGE, "utf-8")
    said = result.stdout + result.stderr
    assert result.returncode != 0
    for beginning, message in {
        "[Kepler": "'kepler1620' is cited but not listed",
        "```output": "the output differs",
        "~~~python": "the colours #123456 are not those of orbits.look.COLOURS",
    }.items():
        line = 1 + PAGE.partition(beginning)[0].count("\n")
        assert re.search(rf"docs/index\.md:{line}: .*{message}", said), said
    assert "Traceback" not in said


def test_another_site_runs_again_when_a_file_of_its_sub_package_changes(other):
    laws = other / "orbits/kepler/laws.py"
    laws.write_text(laws.read_text("utf-8").replace("1.5", "2.5"), "utf-8")
    try:
        result = call(other, *TESTS)
    finally:
        laws.write_text(SITE["orbits/kepler/laws.py"], "utf-8")
    assert result.returncode != 0
    assert (
        "the page says\n      8.0 years\n  and the block prints\n      32.0 years" in result.stdout
    )


def names_of_this_site() -> re.Pattern[str]:
    """What docs/site_settings.py tells the engine, and the engine must not know by itself."""
    told = settings()
    names = {told.prefix, told.hashsalt, told.sources, told.palette.partition(":")[2]}
    names |= {*told.watch, *told.distributions, *told.optional, *told.stateful_names}
    return re.compile("|".join(rf"\b{re.escape(name)}" for name in sorted(names)))


def test_the_engine_names_nothing_of_this_site():
    """Every name is found where it should stand, and in no file of the engine."""
    names = names_of_this_site()
    told = (ROOT / "docs/site_settings.py").read_text("utf-8")
    assert len(set(names.findall(told))) == names.pattern.count("|") + 1
    for path in (ROOT / "docs/engine").rglob("*.*"):
        if "__pycache__" not in path.parts:
            assert not names.findall(path.read_text("utf-8")), path
