"""MkDocs hook: what a site ships so that its blocks run in the reader's browser.

That is Pyodide, from the folder that the settings name as `runtime`, and the Python sources that
the blocks import. Where the folder is not complete, the site is whole without.
"""

import base64
import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from engine.cache import files as watched
from engine.parse import Block
from engine.run import PageRun
from engine.settings import MODULE, settings

SCRIPTS = "assets/live.js", "assets/beyond.js"
FOLDER = "assets/runtime"
# What of the engine runs in the browser.
MODULES = (
    "__init__",
    "effects",
    "imports",
    "knobs",
    "runnable",
    "session",
    "settings",
    "svg",
    "typeset",
)
log = logging.getLogger("mkdocs.hooks.live")


def on_config(config: MkDocsConfig) -> None:
    """Add the scripts that give blocks and knobs their buttons, if there is something to run."""
    if not settings().runtime:
        return
    if said := problem():
        log.info(f"blocks get no button to run: {said}")
    else:
        config.extra_javascript.extend([*SCRIPTS, *settings().runtime_scripts])


def problem() -> str:
    """What keeps the runtime from being shipped; nothing if it is complete and as it should be."""
    folder = Path(settings().runtime)
    if not (folder / "hashes.json").is_file():
        return f"there is no runtime in {folder}"
    for name, wanted in hashes(folder).items():
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
            return f"{folder / name} is not the file that was expected: its SHA-256 differs"
    return ""


def hashes(folder: Path) -> dict[str, str]:
    return json.loads((folder / "hashes.json").read_text("utf-8"))


def ships(config: MkDocsConfig) -> bool:
    """Tell whether this build's site runs blocks."""
    return SCRIPTS[0] in config.extra_javascript


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Put the runtime, the sources, and a list of both into the site."""
    if not ships(config):
        return
    folder, archive = Path(settings().runtime), sources()
    listed = {"sources.zip": entry(len(archive), hashlib.sha256(archive).hexdigest())}
    files.append(File.generated(config, f"{FOLDER}/sources.zip", content=archive))
    for name, digest in hashes(folder).items():
        path = (folder / name).resolve()
        listed[name] = entry(path.stat().st_size, digest)
        files.append(File.generated(config, f"{FOLDER}/{name}", abs_src_path=str(path)))
    files.append(File.generated(config, f"{FOLDER}/files.json", content=json.dumps(listed)))


def entry(size: int, digest: str) -> dict[str, int | str]:
    """What the browser checks a file by: its size, and its SHA-256 as browsers write it."""
    integrity = base64.b64encode(bytes.fromhex(digest)).decode()
    return {"size": size, "integrity": f"sha256-{integrity}"}


def sources() -> bytes:
    """One archive of the Python files that blocks import and of those that run them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in source_files():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def source_files() -> Iterator[tuple[str, bytes]]:
    for module in (*settings().watch, MODULE):
        for name, content in watched(module):
            yield name if name == f"{module}.py" else f"{module}/{name}", content
    for module in MODULES:
        yield f"engine/{module}.py", (Path(__file__).parent / f"{module}.py").read_bytes()


def blocks(run: PageRun, page: str, config: MkDocsConfig) -> File:
    """The file with a page's blocks, for readers who edit one that a later block needs."""
    listed = [{"source": block.source, "shown": shown(block)} for block in run.blocks]
    name = str(PurePath(page).with_suffix(".blocks.json"))
    return File.generated(config, name, content=json.dumps(listed))


def shown(block: Block) -> bool:
    return not block.hidden and block.skipped is None
