"""Set the project up, then serve its site, run its tests, or build the site.

    python3 .ci/dev.py serve [--port 8000] [options of mkdocs serve]
    python3 .ci/dev.py test [options of pytest]
    python3 .ci/dev.py build [options of mkdocs build]

The first run makes `.venv`, fills it with the versions in .ci/constraints.txt, and touches nothing
outside the repository. Later runs start at once, until pyproject.toml, the constraints or the
Python have changed.
"""

import sys

# Before any other import: an old Python must get as far as this sentence.
if sys.version_info < (3, 11):
    sys.exit(
        f"vanishing needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}"
    )

import argparse
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# What .venv holds: a line for the Python it was made from, a line for the files it was filled from.
STAMP = VENV / "made-by-dev.txt"
FILES = ROOT / "pyproject.toml", ROOT / ".ci" / "constraints.txt"
COMMANDS = {
    "serve": ["mkdocs", "serve"],
    "test": ["pytest", "-n", "auto"],
    "build": ["mkdocs", "build", "--strict"],
}


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def set_up() -> None:
    """Leave `.venv` holding the project and what it needs; do nothing when it does already."""
    python = digest(sys.version, sys.base_prefix, str(ROOT))
    files = digest(*(file.read_text("utf-8") for file in FILES))
    made = STAMP.read_text().split() if STAMP.exists() else None
    if made == [python, files]:
        return
    if made is None and VENV.exists():
        sys.exit(f"{VENV} exists, and this script did not make it: move it away and run this again")
    if not made or made[0] != python:
        create()
    STAMP.write_text(
        ""
    )  # empty until the end: after an interruption the next run starts from nothing
    install()
    STAMP.write_text(f"{python}\n{files}\n")


def create() -> None:
    """An empty `.venv`, with a pip of its own where this Python can give it one."""
    if not has("venv") or not (has("ensurepip") or has("pip")):
        repair = "on Debian, `sudo apt install python3-venv`"
        sys.exit(f"{sys.executable} has neither ensurepip nor pip: {repair}")
    import venv

    VENV.mkdir(exist_ok=True)
    STAMP.write_text(
        ""
    )  # first to come and never gone: what an interruption leaves is still known as made here
    for path in set(VENV.iterdir()) - {STAMP}:
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    venv.create(VENV, with_pip=has("ensurepip"), symlinks=os.name != "nt")


def install() -> None:
    """The project, editable, and its `dev` extra, in the constraints' versions."""
    python = with_pip()
    pip = [python, "-m", "pip", *([] if python == PYTHON else ["--python", PYTHON])]
    print(f"Installing into {VENV} (a minute or two, once)", flush=True)
    # The build backend comes first and builds without isolation: pip's isolated builds ignore
    # --constraint. Python compiles what it imports, which is a part of what pip would compile.
    for what in ["hatchling"], ["--no-build-isolation", "--editable", ".[dev]"]:
        arguments = [*pip, "install", "--no-compile", "--constraint", FILES[1], *what]
        run = subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode:
            sys.exit(
                run.stdout.decode(errors="replace")
                + "\nThat failed; the next run starts the installation afresh"
            )


def with_pip() -> str | Path:
    """The environment's Python, or the one that runs this, whichever has pip."""
    own = subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL).returncode == 0
    return PYTHON if own else sys.executable


def fetch_runtime() -> None:
    """What runs the pages' blocks in a browser; for want of it the site only has no *Run*."""
    incomplete = subprocess.call([with_pip(), ROOT / ".ci" / "runtime.py"]) != 0
    if incomplete and os.environ.get("CI"):
        sys.exit("Where CI is set, that is an error")


def free_port(port: int = 8000) -> int:
    """The first port from `port` on that nothing listens on."""
    with socket.socket() as probe:
        return free_port(port + 1) if probe.connect_ex(("127.0.0.1", port)) == 0 else port


def command(name: str, arguments: list[str]) -> list[str]:
    if name == "serve":
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--port", type=int)
        options, arguments = parser.parse_known_args(arguments)
        arguments = ["--dev-addr", f"127.0.0.1:{options.port or free_port()}", *arguments]
    return [str(PYTHON), "-m", *COMMANDS[name], *arguments]


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    set_up()
    fetch_runtime()
    line = command(sys.argv[1], sys.argv[2:])
    os.chdir(ROOT)
    # Labs draw with the notebook's own backend, which a setting in the environment would override.
    os.environ.pop("MPLBACKEND", None)
    # Material's notice of its last year would come with every build.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    if os.name == "nt":
        sys.exit(subprocess.call(line))
    os.execv(line[0], line)  # so that signals and the exit status are the command's own


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted")
