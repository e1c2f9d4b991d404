"""`python -m vanishing`: the table, JSON, help, errors, and quiet ends."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import vanishing as vn
from vanishing import __main__ as command

COMMAND = [sys.executable, "-m", "vanishing"]


def printed(capsys, *arguments):
    assert command.main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def expected(
    depth=20,
    width=64,
    batch=32,
    activation="sigmoid",
    initializer="xavier_normal",
    dtype="float64",
    seed=0,
    **more,
):
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((2, batch, width)).astype(dtype)
    network = vn.dense_network(
        [width] * (depth + 1),
        activation=activation,
        initializer=initializer,
        rng=rng,
        dtype=dtype,
        **more,
    )
    return vn.measure(
        network, x, target, loss=vn.mean_squared_error, mode=vn.Mode(training=True, rng=rng)
    )


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ("", {}),
        (
            "--depth 5 --width 7 --batch 3 --seed 4 --dtype float32",
            {"depth": 5, "width": 7, "batch": 3, "seed": 4, "dtype": "float32"},
        ),
        (
            "--activation relu --initializer he_normal",
            {"activation": "relu", "initializer": "he_normal"},
        ),
        (
            "--normalization batch --residual pre --branch-scale 0.5",
            {"normalization": "batch", "residual": "pre", "branch_scale": 0.5},
        ),
    ],
)
def test_json_holds_what_measure_and_diagnose_find(capsys, arguments, settings):
    said, measured = json.loads(printed(capsys, "--json", *arguments.split())), expected(**settings)
    assert (
        set(said) == {"version", "settings", "layers", "diagnosis"}
        and said["version"] == vn.__version__
    )
    assert said["layers"] == {name: array.tolist() for name, array in vars(measured).items()}
    assert said["settings"].items() >= settings.items()
    assert set(said["settings"]) == {name.replace("-", "_") for name in command.OPTIONS}
    found = vn.diagnose(measured.delta_norm, signals=measured.signal_rms)
    for name in ("verdict", "factor", "ratio"):
        assert said["diagnosis"][name] == getattr(found, name) == getattr(measured, name)
    assert tuple(said["diagnosis"]["remedies"]) == found.remedies


def test_what_is_not_finite_is_null(capsys):
    said = json.loads(printed(capsys, "--json", "--depth", "1"), parse_constant=pytest.fail)
    assert said["diagnosis"]["factor"] is None and said["diagnosis"]["verdict"] == "undefined"


def test_an_overflow_is_an_explosion(capsys):
    arguments = "--depth 60 --dtype float16 --residual post --activation relu --json"
    said = json.loads(printed(capsys, "--initializer", "he_normal", *arguments.split()))
    assert (
        None in said["layers"]["preactivation_rms"] and said["diagnosis"]["verdict"] == "exploding"
    )


@pytest.mark.parametrize("columns", ["80", "120", "20"])
def test_the_table_has_a_bar_per_layer_and_fits(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    lines = printed(capsys, "--depth", "12").splitlines()
    measured = expected(depth=12)
    table = str(measured).splitlines()
    assert lines[0] == table[0]
    bars = [line.removeprefix(start) for line, start in zip(lines[1:13], table[1:13], strict=True)]
    assert all(bar.strip(" ") == "█" * bar.count("█") and "█" in bar for bar in bars)
    assert max(map(len, lines[:13])) == max(int(columns), len(table[0]) + 3)
    assert (
        lines[13].startswith("vanishing by ")
        and f"changes by {measured.factor:.3g} per layer" in lines[14]
    )


def test_a_stream_that_cannot_print_blocks_gets_number_signs():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*COMMAND, "--depth", "3"], capture_output=True, text=True, env=environment, check=True
    )
    assert "#" in done.stdout and done.stdout.isascii() and done.stderr == ""


def test_help_lists_every_known_name_and_every_default(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert stopped.value.code == 0
    for name, (default, meaning, known) in command.OPTIONS.items():
        assert (
            f"--{name} {'NAME' if known else 'N'} {meaning}" in text
            and f"(default: {default})" in text
            and ", ".join(known) in text
        )
    assert "--json print JSON, with null for what is not finite --" in text and "XX" not in text
    assert (
        "on a\nlog scale" in command.__doc__
        and "--depth N layers (default" in text
        and "draws the weights: zeros" in text
    )
    assert (
        "orthogonal" in text
        and "leaky_relu" in text
        and "standard" not in text
        and "mean squared error" in text
    )
    assert command.EXAMPLE in text
    example = command.EXAMPLE.removeprefix("example: python -m vanishing ")
    assert command.main(example.split()) == 0


def test_every_known_name_runs(capsys):
    for option in ("activation", "initializer", "normalization", "residual", "dtype"):
        for name in command.OPTIONS[option][2]:
            printed(capsys, "--depth", "3", "--width", "4", f"--{option}", name)


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        command.main(["--version"])
    assert capsys.readouterr().out == vn.__version__ + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--activation sigmod",
            "activation 'sigmod' is unknown; did you mean 'sigmoid'? Known: identity, ",
        ),
        (
            "--initializer he_norml",
            "initializer 'he_norml' is unknown; did you mean 'he_normal'? Known: ",
        ),
        (
            "--normalization bach",
            "normalization 'bach' is unknown; did you mean 'batch'? Known: batch",
        ),
        ("--residual pree", "residual 'pree' is unknown; did you mean 'pre'? Known: pre, post"),
        (
            "--dtype float6",
            "dtype 'float6' is unknown; did you mean 'float64'? Known: float64, float32, float16",
        ),
        ("--depth 0", "depth is 0; a whole number of at least 1 is expected"),
        ("--width -3", "width is -3; a whole number of at least 1 is expected"),
        ("--batch 0", "batch is 0; a whole number of at least 1 is expected"),
        ("--seed -1", "seed is -1; a whole number of at least 0 is expected"),
        ("--branch-scale nan", "branch_scale is nan; a finite number is expected"),
        ("--depth two", "argument --depth: invalid int value: 'two'"),
        ("--normalization batch --batch 1", "two rows or more are expected"),
        ("--dept_h 3", "unrecognized arguments: --dept_h 3"),
    ],
)
def test_wrong_arguments_end_with_status_2_and_a_message(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments.split())
    out, err = capsys.readouterr()
    assert (
        stopped.value.code == 2
        and out == ""
        and message in err
        and err.startswith("usage: python -m vanishing")
    )


def test_an_error_is_no_traceback():
    done = subprocess.run([*COMMAND, "--activation", "sigmod"], capture_output=True, text=True)
    assert (
        done.returncode == 2
        and "did you mean 'sigmoid'" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_ctrl_c_and_a_closed_pipe_have_their_status(monkeypatch, tmp_path):
    def interrupted(**settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "run", interrupted)
        assert command.main([]) == 130

    class Closed(io.StringIO):
        flushed = False

        def flush(self):
            self.flushed = True
            raise BrokenPipeError

        def fileno(self):
            return file.fileno()

    with (tmp_path / "out").open("wb") as file, monkeypatch.context() as patch:
        closed = Closed()
        patch.setattr("sys.stdout", closed)
        assert command.main(["--depth", "2"]) == 141 and closed.flushed
        os.write(file.fileno(), b"to nowhere")
    assert (tmp_path / "out").read_bytes() == b""


def test_a_real_ctrl_c_is_no_traceback():
    script = (
        "import runpy, signal, vanishing; "
        # A shell has its background jobs ignore the signal.
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        "vanishing.measure = lambda *_, **__: signal.raise_signal(signal.SIGINT); "
        "runpy.run_module('vanishing', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_long_table_is_piped_whole():
    done = subprocess.run([*COMMAND, "--depth", "1500"], capture_output=True, text=True, check=True)
    assert done.stderr == "" and len(done.stdout.splitlines()) > 1500


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close differently there")
def test_a_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "--depth", "50"], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert done.stderr == "" and done.returncode == 141
