"""The project's own files agree with one another and with what the README promises."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
SERVE, TEST = "python3 .ci/dev.py serve", "python3 .ci/dev.py test"


def lines(path):
    return [line.strip() for line in (ROOT / path).read_text("utf-8").splitlines()]


def statements(path):
    return [line for line in lines(path) if line and not line.startswith("#")]


def declared(*extras):
    """The requirements of the project with these extras, by name; its own extras followed."""
    found = {}
    for requirement in map(
        Requirement, PROJECT["dependencies"] + sum((EXTRAS[extra] for extra in extras), [])
    ):
        if requirement.name == PROJECT["name"]:
            found |= declared(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def closure(requirements):
    """Names of everything that these requirements pull in here, themselves included."""
    found, left = set(), list(requirements)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in found:
            continue
        found.add((name, *requirement.extras))
        needs = map(Requirement, importlib.metadata.requires(name) or [])
        left += [
            need
            for need in needs
            if not need.marker
            or any(need.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras))
        ]
    return {name for name, *_ in found}


def pinned():
    return {
        canonicalize_name(pin.name): pin
        for pin in map(Requirement, statements(".ci/constraints.txt"))
    }


# The constraints


def test_a_constraint_is_a_name_and_one_version():
    for line in statements(".ci/constraints.txt"):
        assert re.fullmatch(r"[\w.-]+==[\w.]+(; sys_platform == \"\w+\")?", line), line
    assert len(pinned()) == len(statements(".ci/constraints.txt")), "a name is pinned twice"


def test_the_constraints_satisfy_what_pyproject_asks_for():
    asked = declared(*EXTRAS) | {"hatchling": Requirement(*PYPROJECT["build-system"]["requires"])}
    for name, requirement in asked.items():
        version = next(iter(pinned()[name].specifier)).version
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_the_constraints_pin_what_the_requirements_pull_in_and_nothing_else():
    here = {name for name, pin in pinned().items() if pin.marker is None or pin.marker.evaluate()}
    needed = closure(declared(*EXTRAS).values())
    assert needed - here == set(), "needed and not pinned"
    # Some are needed by one system or one Python only.
    assert here - needed <= {"typing-extensions", "colorama", "pexpect", "ptyprocess", "psutil"}, (
        "pinned and not needed"
    )


def test_the_constraints_suit_the_first_release_of_the_oldest_python():
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    for name in closure(declared(*EXTRAS).values()):
        asks = importlib.metadata.metadata(name).get("Requires-Python", "")
        assert SpecifierSet(asks).contains(oldest), (
            f"{name} in its pinned version needs Python {asks}"
        )


def imports(folder):
    """Top-level names of the modules that the files of a folder import."""
    for path in (ROOT / folder).rglob("*.py"):
        if path.match(
            "engine/plugin.py"
        ):  # imported by pytest alone, which the site's build does without
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"), path)):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module.split(".")[0]


@pytest.mark.parametrize(
    "folder, extra", [("vanishing", "docs"), ("docs/engine", "docs"), ("tests", "dev")]
)
def test_what_is_imported_is_declared(folder, extra):
    own = {path.stem for path in (ROOT / "tests").iterdir()} | {"vanishing", "engine"}
    named, providers = set(declared(extra)), importlib.metadata.packages_distributions()
    foreign = set(imports(folder)) - set(sys.stdlib_module_names) - own
    unnamed = {
        module
        for module in foreign
        if named.isdisjoint(map(canonicalize_name, providers.get(module, [])))
    }
    # PyTorch, which the README names, is asked where it is installed and stored answers serve
    # elsewhere.
    assert unnamed <= ({"torch"} if folder == "tests" else set()), (
        f"the extra '{extra}' of pyproject.toml does not name what {folder} imports"
    )


# What is published


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Names of the files in the wheel and in the source distribution, and the wheel's metadata."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        files = set(wheel.namelist())
        metadata = next(wheel.read(name).decode() for name in files if name.endswith("/METADATA"))
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        return files, {name.partition("/")[2] for name in archive.getnames()}, metadata


def test_the_wheel_holds_the_package_and_nothing_else(distributions):
    wheel, _, metadata = distributions
    package = {
        str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "vanishing").rglob("*.py")
    }
    digits = {"vanishing/training/digits.npz", "vanishing/training/digits.LICENSE.txt"}
    others = digits | {"vanishing/py.typed"}
    assert {name for name in wheel if ".dist-info/" not in name} == package | others
    licences = {name.partition("/licenses/")[2] for name in wheel if "/licenses/" in name}
    assert licences == set(PROJECT["license-files"])
    needs = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    assert [need for need in needs if "extra ==" not in need] == ["numpy<3,>=2"]


def test_the_source_distribution_is_what_the_wheel_is_built_from(distributions):
    wheel, source, _ = distributions
    assert {name for name in source if not name.startswith("vanishing/")} == {
        ".gitignore",
        "CITATION.cff",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
    }
    assert {name for name in source if name.startswith("vanishing/")} <= wheel


def test_versions_agree():
    import vanishing

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == PROJECT["version"] == vanishing.__version__


def test_the_citation_file_has_what_its_format_demands():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["title"]
    assert citation["authors"] == PROJECT["authors"]
    # The digits alone are under the other licence.
    assert PROJECT["license"] == f"{citation['license']} AND CC-BY-4.0"
    assert citation["authors"][0]["name"] in (ROOT / "LICENSE").read_text("utf-8")


def test_the_top_level_holds_what_the_readme_maps():
    ignored = {line.strip("/") for line in lines(".gitignore")}
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - ignored
    assert visible == {
        "docs",
        "vanishing",
        "tests",
        "mkdocs.yml",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CITATION.cff",
    }


# Continuous integration


def workflow():
    return yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text("utf-8"))["jobs"]


def test_continuous_integration_runs_the_readme_s_command():
    assert {SERVE, TEST} <= {line.partition("#")[0].strip() for line in lines("README.md")}
    assert statements(".ci/run")[-1] == TEST
    assert {"run": "bash .ci/run"} in workflow()["test"]["steps"]
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)


def test_continuous_integration_runs_the_pythons_that_the_package_names():
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert workflow()["test"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == named[0]


def test_the_workflow_uses_actions_by_commit_and_writes_in_one_job_alone():
    for job in workflow().values():
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(
                r"actions/[\w-]+@[0-9a-f]{40}", step["uses"]
            ), step
    assert [
        name for name, job in workflow().items() if "write" in job.get("permissions", {}).values()
    ] == ["publish"]
    assert all("run" not in step for step in workflow()["publish"]["steps"])


# The two commands


@pytest.fixture
def dev(tmp_path, monkeypatch):
    """The script in an empty project; what it would make and install stands in `dev.done`."""
    (tmp_path / ".ci").mkdir()
    for name in "pyproject.toml", ".ci/constraints.txt", ".ci/dev.py":
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    spec = importlib.util.spec_from_file_location("dev", tmp_path / ".ci/dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.done = []

    def create():
        module.VENV.mkdir(exist_ok=True)
        module.done.append("create")

    monkeypatch.setattr(module, "create", create)
    monkeypatch.setattr(module, "install", lambda: module.done.append("install"))
    return module


def test_setting_up_twice_works_once(dev):
    dev.set_up()
    dev.set_up()
    assert dev.done == ["create", "install"]


@pytest.mark.parametrize("name", ["pyproject.toml", ".ci/constraints.txt"])
def test_changed_requirements_are_installed_into_what_is_there(dev, name):
    dev.set_up()
    (dev.ROOT / name).write_text("# changed\n")
    dev.set_up()
    assert dev.done == ["create", "install", "install"]


def test_another_python_gets_another_environment(dev, monkeypatch):
    dev.set_up()
    monkeypatch.setattr(dev.sys, "version", "3.99.0")
    dev.set_up()
    assert dev.done == ["create", "install"] * 2


def test_an_interrupted_installation_starts_afresh(dev, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(dev, "install", interrupted)
        dev.set_up()
    dev.set_up()
    assert dev.done == ["create", "create", "install"]


def test_an_environment_of_the_reader_s_own_is_left_alone(dev):
    (dev.VENV / "precious").mkdir(parents=True)
    with pytest.raises(
        SystemExit, match=r"\.venv exists, and this script did not make it: move it away"
    ):
        dev.set_up()
    assert dev.done == [] and (dev.VENV / "precious").exists()


def test_an_interruption_while_an_old_environment_is_removed_is_survived(dev, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    dev.set_up()
    (dev.VENV / "lib").mkdir()
    monkeypatch.undo()
    monkeypatch.setattr(dev.sys, "version", "3.99.0")
    monkeypatch.setattr(dev, "has", lambda module: True)
    monkeypatch.setattr(dev.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dev.set_up()
    assert dev.STAMP.read_text() == ""


def script(code):
    """Run dev.py with `serve` in a fresh Python, after some code."""
    code = (
        f"import runpy, sys; sys.argv = ['dev.py', 'serve']; {code}; "
        "runpy.run_path('.ci/dev.py', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_an_old_python_is_told_so():
    old = script("sys.version_info, sys.version = (3, 8, 18), '3.8.18 (default)'")
    assert old.returncode == 1
    assert re.fullmatch(r"vanishing needs Python 3\.11 or later, and .+ is 3\.8\.18\n", old.stderr)
    ast.parse((ROOT / ".ci/dev.py").read_text("utf-8"), feature_version=(3, 7))


def test_a_python_without_pip_is_told_what_to_install(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("dev", ROOT / ".ci/dev.py")
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "has", lambda module: module == "venv")
    with pytest.raises(SystemExit, match="sudo apt install python3-venv"):
        dev.create()
    assert not dev.VENV.exists()


def test_the_site_is_served_where_it_is_asked_to_be_or_on_a_free_port(dev):
    assert dev.command("serve", ["--port", "8123", "--dirty"])[2:] == [
        "mkdocs",
        "serve",
        "--dev-addr",
        "127.0.0.1:8123",
        "--dirty",
    ]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < dev.free_port(port) < port + 100


def test_options_go_to_the_tools(dev):
    assert dev.command("test", ["-k", "relu"])[2:] == ["pytest", "-n", "auto", "-k", "relu"]
    assert dev.command("build", ["--dirty"])[2:] == ["mkdocs", "build", "--strict", "--dirty"]


# The types


def test_the_package_s_types_hold():
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", os.devnull],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
