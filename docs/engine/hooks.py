"""MkDocs hooks: pages run in parallel, downloads, the font, a site that is whole or untouched."""

import base64
import hashlib
import html
import importlib.util
import io
import logging
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from fontTools import subset
from fontTools.ttLib import TTFont
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, BuildError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler

from engine import live, states
from engine.cache import page_runs
from engine.downloads import built_wheel, notebook, script
from engine.parse import PageError
from engine.run import PageRun
from engine.settings import settings

FONT = Path(importlib.util.find_spec("ziamath").origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
WHEELS = Path(".cache/wheels")
NAMES = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # copyright and licence among them, as the licence asks
log = logging.getLogger("mkdocs.hooks.engine")
runs: dict[str, PageRun] = {}
destination: dict[str, str] = {}


def on_startup(command: str, **_: Any) -> None:
    """Remember the command, because `serve` has no site to replace."""
    destination.clear()
    destination["command"] = command


def on_config(config: MkDocsConfig) -> None:
    """Date everything by the commit, so that two builds give the same files; build aside."""
    commit = subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True)
    if commit.stdout.strip():
        os.environ.setdefault("SOURCE_DATE_EPOCH", commit.stdout.strip())
    if destination["command"] != "serve":
        destination["site"] = config.site_dir
        config.site_dir = destination["partial"] = f"{config.site_dir}.partial"


def on_pre_build(config: MkDocsConfig) -> None:
    """Run every page, on all cores; a problem on any page stops the build here."""
    docs = Path(config.docs_dir).relative_to(Path.cwd())
    runs.clear()
    for run in page_runs(sorted(docs.rglob("*.md"))):
        runs[Path(run.path).relative_to(docs).as_posix()] = run
    problems = [problem for run in runs.values() for problem in run.problems]
    if problems:
        raise BuildError(f"the pages do not hold\n\n{PageError(problems)}\n")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Put beside each page that runs its notebook, its script, and what its figures need."""
    project = f"git+{settings().repository}" if settings().repository else ""
    if settings().address and (wheel := built_wheel(WHEELS)):
        name = f"assets/{wheel.name}"
        files.append(File.generated(config, name, abs_src_path=str(wheel.resolve())))
        project = urljoin(settings().address, name)
    for name, run in runs.items():
        if run.shows_code:
            stem = name.removesuffix(".md")
            whole = notebook(run, project)
            files.append(File.generated(config, f"{stem}.ipynb", content=whole))
            files.append(File.generated(config, f"{stem}.py", content=script(whole)))
            if live.ships(config):
                files.append(live.blocks(run, name, config))
        if run.preview:
            picture = base64.b64decode(run.preview)
            files.append(File.generated(config, preview_name(name), content=picture))
        for drawn in filter(None, (block.states for block in run.blocks)):
            beside = Path(name).with_name(states.script_name(name, drawn)).as_posix()
            files.append(File.generated(config, beside, content=states.script(drawn)))


def on_page_context(context: dict[str, Any], page: Page, config: MkDocsConfig, **_: Any) -> None:
    """Fill in the inline values of the page's front matter, and where its preview stands."""
    run = runs.get(page.file.src_uri)
    for source, text in run.meta.items() if run else ():
        for key, value in page.meta.items():
            if isinstance(value, str):
                page.meta[key] = value.replace(source, text)
    if run and run.preview and settings().address:  # which other sites need whole
        page.meta["preview"] = urljoin(settings().address, preview_name(page.file.src_uri))


def on_post_page(output: str, **_: Any) -> str:
    """Leave out of a page the scripts that it does not need."""
    for name, mark in settings().script_marks.items():
        if mark not in output:
            output = re.sub(rf'<script src="[^"]*\b{re.escape(name)}"></script>', "", output)
    return output


def preview_name(page: str) -> str:
    """Name the picture that a link to the page shows elsewhere."""
    return page.removesuffix(".md") + ".png"


def on_env(env: Any, config: MkDocsConfig, files: Files) -> None:
    """Ship the glyphs that the site's mathematics uses, for machines without such a font."""
    contents = (file.page.content or "" for file in files.documentation_pages() if file.page)
    formulas = "".join(
        formula for text in contents for formula in re.findall(r"<math.*?</math>", text, re.DOTALL)
    )
    # Add the sign of a root, which stands in MathML as an element and not as a letter.
    used = set(
        html.unescape(
            re.sub(r"<[^>]*>", "", formulas.replace("<msqrt>", "√").replace("<mroot>", "√"))
        )
    )
    letters = "".join(sorted(used | {italic(letter) for letter in used}))
    files.append(File.generated(config, "assets/math.woff2", content=math_font(letters)))


def italic(letter: str) -> str:
    """Return the mathematical italic that a browser shows for a variable of one letter."""
    for first, last, start in (
        ("A", "Z", 0x1D434),
        ("a", "z", 0x1D44E),
        ("Α", "Ω", 0x1D6E2),
        ("α", "ω", 0x1D6FC),
    ):
        if first <= letter <= last:
            return "ℎ" if letter == "h" else chr(start + ord(letter) - ord(first))
    return dict(zip("∂ϵϑϕϱϖ", "𝜕𝜖𝜗𝜙𝜚𝜛", strict=True)).get(letter, letter)


def math_font(letters: str) -> bytes:
    """Cut a subset of STIX Two Math, or take it from the cache."""
    name = hashlib.sha256(letters.encode() + FONT.read_bytes()).hexdigest()[:24]
    stored = Path(".cache/fonts") / f"{name}.woff2"
    if not stored.exists():
        options = subset.Options(flavor="woff2", name_IDs=NAMES, layout_features=[], hinting=False)
        font = TTFont(FONT, recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=letters)
        subsetter.subset(font)
        buffer = io.BytesIO()
        subset.save_font(font, buffer, options)
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(buffer.getvalue())
    return stored.read_bytes()


def on_post_build(config: MkDocsConfig) -> None:
    """Put the new site in the old site's place, unless a strict build gave warnings."""
    handlers = logging.getLogger("mkdocs").handlers
    warned = any(h.get_counts() for h in handlers if isinstance(h, CountHandler))
    if "partial" in destination and not warned:
        site, partial = Path(destination["site"]), Path(destination["partial"])
        replaced = site.with_name(f"{site.name}.replaced")
        if site.exists():
            site.rename(replaced)
        partial.rename(site)
        shutil.rmtree(replaced, ignore_errors=True)


def on_build_error(error: Exception, **_: Any) -> None:
    """Leave the old site as it was, and say what is wrong without MkDocs' traceback."""
    if "partial" in destination:
        shutil.rmtree(destination["partial"], ignore_errors=True)
    if isinstance(error, PageError):
        log.error("the pages do not hold\n\n%s\n", error)
        raise Abort("Aborted: the site is as it was before.")
