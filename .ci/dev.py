"""Set the project up, then serve its site, run its tests, or build the site.

    python3 .ci/dev.py serve [--port 8000] [options of mkdocs serve]
    python3 .ci/dev.py test [options of pytest]
    python3 .ci/dev.py build [options of mkdocs build]

The first run makes `.venv` and fills it with the versions in .ci/constraints.txt, and with nothing outside the
repository touched. Later runs start at once, until pyproject.toml, the constraints or the Python have changed.
"""

import sys

# Before any other import: an old Python must get as far as this sentence.
if sys.version_info < (3, 11):
    sys.exit(f"vanishing needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}")

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


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def set_up() -> None:
    """Leave `.venv` holding the project and what it needs; do nothing when it does already."""
    python, files = digest(sys.version, sys.base_prefix, str(ROOT)), digest(*(file.read_text("utf-8") for file in FILES))
    made = STAMP.read_text().split() if STAMP.exists() else None
    if made == [python, files]:
        return
    if made is None and VENV.exists():
        sys.exit(f"{VENV} exists, and this script did not make it: move it away and run this again")
    if not made or made[0] != python:
        create()
    STAMP.write_text("")  # found after an interrupted installation: the next run starts from nothing
    install()
    STAMP.write_text(f"{python}\n{files}\n")


def create() -> None:
    """An empty `.venv`, with a pip of its own where this Python can give it one."""
    if not has("venv") or not (has("ensurepip") or has("pip")):
        sys.exit(f"{sys.executable} has neither ensurepip nor pip to set up with: install one of them, "
                 "on Debian and Ubuntu by `sudo apt install python3-venv`")
    import venv

    print(f"Making {VENV}", flush=True)
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    STAMP.write_text("")
    venv.create(VENV, with_pip=has("ensurepip"), symlinks=os.name != "nt")


def install() -> None:
    """The project, editable, and its `dev` extra, in the constraints' versions."""
    own_pip = subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL).returncode == 0
    pip = [PYTHON, "-m", "pip"] if own_pip else [sys.executable, "-m", "pip", "--python", PYTHON]
    print("Installing into it (a minute or two, once)", flush=True)
    # The build backend comes first and builds without isolation: pip's isolated builds ignore --constraint.
    for what in ["hatchling"], ["--no-build-isolation", "--editable", ".[dev]"]:
        run = subprocess.run([*pip, "install", "--constraint", FILES[1], *what], cwd=ROOT,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode:
            sys.exit(f"{run.stdout.decode(errors='replace')}\nThe installation failed for the reason above; "
                     "the next run starts it afresh")


def free_port(port: int = 8000) -> int:
    """The first port from `port` on that nothing listens on."""
    with socket.socket() as probe:
        return free_port(port + 1) if probe.connect_ex(("127.0.0.1", port)) == 0 else port


def serve(arguments: list[str]) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int)
    options, others = parser.parse_known_args(arguments)
    return ["mkdocs", "serve", "--dev-addr", f"127.0.0.1:{options.port or free_port()}", *others]


def test(arguments: list[str]) -> list[str]:
    return ["pytest", "-n", "auto", *arguments]


def build(arguments: list[str]) -> list[str]:
    return ["mkdocs", "build", "--strict", *arguments]


def main() -> None:
    commands = {"serve": serve, "test": test, "build": build}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    set_up()
    command = [str(PYTHON), "-m", *commands[sys.argv[1]](sys.argv[2:])]
    os.chdir(ROOT)
    # Labs draw with the notebook's own backend, which a setting in the environment would override.
    os.environ.pop("MPLBACKEND", None)
    # Material's notice of its last year would come with every build.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # so that signals and the exit status are the command's own


if __name__ == "__main__":
    main()
