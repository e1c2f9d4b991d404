"""The site is built the same twice; in a file of its own, since it takes as long as many tests that can run beside it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from test_site import ROOT, build


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_cold_build_elsewhere_gives_the_same_bytes(tmp_path):
    """Of the same commit, at another place, with nothing kept from an earlier build."""
    warm = build(ROOT, tmp_path / "warm")
    assert warm.returncode == 0, warm.stdout + warm.stderr
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("docs", "vanishing", "mkdocs.yml", "README.md"):
        whole = ROOT / name
        if whole.is_dir():
            shutil.copytree(whole, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(whole, copy)
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", commit.stdout.strip())
        result = build(copy, tmp_path / "site")
    assert result.returncode == 0, result.stdout + result.stderr
    first, second = files(tmp_path / "warm"), files(tmp_path / "site")
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
