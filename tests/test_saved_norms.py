"""Norms in files: JSON, CSV, .npz and printed tables, and what is said of anything else."""

import io
import json
import math
import pickle
import re
import zipfile
from dataclasses import replace

import fake_torch
import numpy as np
import pytest

import vanishing as vn
from vanishing import __main__ as command
from vanishing.measurement.diagnosis import judge
from vanishing.measurement.readings import Reading
from vanishing.measurement.reports import report
from vanishing.measurement.saved_norms import KINDS, saved_norms

NORMS = {"fc1": 1e-7, "fc2": 1e-4, "head": 0.5}
ONE_LOOK = {
    "an object": '{"fc1": 1e-7, "fc2": 1e-4, "head": 0.5}',
    "pairs": '[["fc1", 1e-7], ["fc2", 1e-4], ["head", 0.5]]',
    "an object inside": '{"gradients": {"fc1": 1e-7, "fc2": 1e-4, "head": 0.5}}',
    "csv with a heading": "layer,norm\nfc1,1e-7\nfc2,1e-4\nhead,0.5\n",
    "csv without": "fc1,1e-7\n\nfc2, 1e-4\nhead,0.5",
    "semicolons": "fc1;1e-7\nfc2;1e-4\nhead;0.5",
    "tabs": "name\tvalue\nfc1\t1e-7\nfc2\t1e-4\nhead\t0.5",
    "a line per look": "fc1,fc2,head\n1e-7,1e-4,0.5",
    "blanks": "fc1 1e-7\n fc2  1e-4\n\nhead 0.5\n",
    "colons": "fc1: 1e-7\nfc2 : 1e-4\nhead = 0.5",
    "a mark of UTF-8": "\ufefffc1,1e-7\nfc2,1e-4\nhead,0.5".encode(),
    "a shell of Windows": "fc1,1e-7\r\nfc2,1e-4\r\nhead,0.5".encode("utf-16"),
}


@pytest.mark.parametrize("text", ONE_LOOK.values(), ids=ONE_LOOK)
def test_one_look_in_any_shape(text):
    (look,) = saved_norms(text)
    assert look.gradients == NORMS and list(look.gradients) == list(NORMS)
    assert look.label == "" and look.signals is None


SEVERAL = {
    "lines of json": '{"step": 1, "a": 1, "b": 2}\n\n{"step": 2, "a": 3, "b": 4}\n',
    "a list": '[{"step": 1, "a": 1, "b": 2}, {"step": 2, "a": 3, "b": 4}]',
    "csv": "step,a,b\n1,1,2\n2,3,4\n",
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL)
def test_several_looks(text):
    looks = saved_norms(text)
    assert [look.label for look in looks] == ["step 1", "step 2"]
    assert [look.gradients for look in looks] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_signals_beside_the_gradients():
    as_json = '{"epoch": 3, "gradients": {"a": 1, "b": 2}, "signals": {"a": 5, "b": null}}'
    for text, label in ((as_json, "epoch 3"), ("a,1,5\nb,2,nan", "")):
        (look,) = saved_norms(text)
        assert look.label == label and look.gradients == {"a": 1, "b": 2}
        assert look.signals["a"] == 5 and math.isnan(look.signals["b"])


def test_layers_whose_names_are_numbers_stand_below_their_heading():
    (look,) = saved_norms("Layer,norm\n1,1e-7\n2,0.5\n")
    assert look.gradients == {"1": 1e-7, "2": 0.5}
    assert saved_norms("layer 1: 0.25\nlayer 2: 0.5")[0].gradients == {
        "layer 1": 0.25,
        "layer 2": 0.5,
    }


@pytest.mark.parametrize("text", ["[0.25, 0.5, 2]", "0.25\n0.5\n\n2", "0.25, 0.5, 2", "0.25;0.5;2"])
def test_norms_without_names_are_numbered(text):
    assert saved_norms(text)[0].gradients == {"1": 0.25, "2": 0.5, "3": 2}


def test_what_is_missing_and_what_is_not_finite():
    (look,) = saved_norms('{"a": null, "b": NaN, "c": Infinity}')
    assert look.gradients["a"] is None
    assert math.isnan(look.gradients["b"]) and look.gradients["c"] == math.inf
    assert saved_norms("a,\nb,None\nc,null\nd,0")[0].gradients == {
        "a": None,
        "b": None,
        "c": None,
        "d": 0,
    }
    (wide,) = saved_norms("step,a,b,c\n1,None,null,2")
    assert wide.gradients == {"a": None, "b": None, "c": 2}


def test_lines_of_a_log_with_several_norms_are_looks():
    log = (
        "started, lr=0.1\n"
        "epoch 1 step 10 | grad norm fc1=0.0001 fc2=0.003 out=0.5, loss=2.3\n"
        "epoch 1 step 20 | grad norm fc1 = 1e-5 fc2=.002 out=nan\n"
    )
    first, second = saved_norms(log)
    assert first.label == "epoch 1, step 10" and second.label == "epoch 1, step 20"
    assert first.gradients == {"fc1": 0.0001, "fc2": 0.003, "out": 0.5}
    assert second.gradients["fc1"] == 1e-5 and math.isnan(second.gradients["out"])


def test_a_bracket_at_the_beginning_is_not_yet_json():
    (look,) = saved_norms("[INFO] layer1.weight: 1.2e-08\n[INFO] layer2.weight: 0.5")
    assert [*look.gradients.values()] == [1.2e-8, 0.5]


def test_blanks_around_cells_and_lines_do_not_count():
    (look,) = saved_norms('\n\n "fc1" ;  1e-7\n"fc2, the second"; 0.5\n\n')
    assert look.gradients == {"fc1": 1e-7, "fc2, the second": 0.5}
    (quoted,) = saved_norms('fc1, 1\n"a", "2"')
    assert quoted.gradients == {"fc1": 1, "a": 2}


WRONG = {
    "": "no line with a norm",
    "layer,norm\n": "line 1: 'layer,norm' and what follows hold no norm",
    "\nTraceback: see\nbelow": f"line 2: 'Traceback: see' and what follows hold no norm; {KINDS}",
    "a 1\nb 2 3": "line 2 has 1 column; a name, a norm",
    "a,1\n" + 200000 * "b": "line 2: field larger than field limit",
    200000 * "[": "nested too deeply",
    '{"step": 3}': "{'step': 3} holds no norm",
    '{"a": 1' + 400 * "0" + "}": "is no norm; a number of at least 0",
    "pass 1: vanishing, 0.41 per layer, 2e-05 in all\npass 11: ...": (
        "line 1: 'pass 1: vanishing, 0.41 per layer, 2e-05 in all' holds no norms by layer; print("
    ),
    f"fine so far\n{vn.diagnose([1e-9, 1e-3]).findings}": "line 3: 'the gradient changes by 1e-06",
    "a,b,c\n1,2\n": "line 2 has 2 columns; 3",
    "a,1\nb,x\n": "line 2: 'x' is no norm",
    "a,1\nb,-2\n": "line 2: '-2' is no norm",
    "a,1\nb,2,3,4\n": "line 2 has 4 columns; a name",
    "a,1,2\nb,2,x\n": "line 2: 'x' is no norm",
    "step,a,b\n1,2,3\n2,3,-1\n": "line 3: '-1' is no norm",
    "a,1\na,2\n": "^two lines have the same name; one line for each layer is expected$",
    '{"a": 1,\n"b" 2}': "line 2: Expecting ':' delimiter",
    '{"a": true}': "of 'a': True is no norm",
    '[["a"], ["b"]]': "holds no pairs",
    '{"gradients": [1, "x"]}': "of '2': 'x' is no norm",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_a_file_that_is_wrong_is_told_where(text, said):
    with pytest.raises(ValueError, match=said if said.startswith("^") else re.escape(said)):
        saved_norms(text)


@pytest.mark.parametrize("value", [9999 * "x", {i: i for i in range(9999)}, list(range(9999))])
def test_a_message_does_not_repeat_a_long_file(value):
    with pytest.raises(ValueError, match=r"\.\.\.") as wrong:
        saved_norms(json.dumps({"a": value}))
    assert len(str(wrong.value)) < 300


def test_the_command_judges_a_file(tmp_path, capsys):
    file = tmp_path / "norms.csv"
    file.write_text("fc1,1e-7,1\nfc2,1e-4,1\nhead,0.5,1\n", "utf-8")
    assert command.main(["--norms", str(file)]) == 0
    wanted = vn.diagnose(NORMS, signals=[1.0, 1.0, 1.0])
    assert capsys.readouterr().out == f"{wanted}\n"
    assert command.main(["--norms", str(file), "--kind", "weight", "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert said["verdict"] == "vanishing" and said["names"] == list(NORMS)
    assert said["evidence"][-1].startswith("weight gradients")


def test_the_command_says_a_line_for_each_look(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SEVERAL["csv"].encode())))
    assert command.main(["--norms", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "step 1: steady, 0.5 per layer, 5.0e-01 in all",
        "step 2: steady, 0.75 per layer, 7.5e-01 in all",
    ]
    assert lines[2:] == str(vn.diagnose({"a": 3, "b": 4})).splitlines()


def test_the_command_names_the_file_that_it_cannot_read(tmp_path, capsys):
    file = tmp_path / "norms.csv"
    for prepare, said in (
        (lambda: None, "No such file or directory"),
        (lambda: file.write_text("a,1\nb,x", "utf-8"), "line 2: 'x' is no norm"),
        (
            lambda: file.write_bytes(b"\xff\xfe\x00"),
            "bytes that are no text, the first of them b'\\xff",
        ),
    ):
        prepare()
        with pytest.raises(SystemExit) as left:
            command.main(["--norms", str(file)])
        assert left.value.code == 2 and said in capsys.readouterr().err


# Arrays


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_an_array_per_layer_is_judged_as_diagnose_judges_arrays():
    rng = np.random.default_rng(0)
    shapes = {"stem": (8, 3, 5), "body": (8, 16), "head": (8, 1)}
    gradients = {
        name: 10.0**-l * rng.standard_normal(shape).astype("f4")
        for l, (name, shape) in enumerate(shapes.items())
    }
    said = report(npz(**gradients)).last
    assert said.names == tuple(shapes) and str(said) == str(vn.diagnose(gradients))
    weights = report(npz(**gradients), kind="weight").last
    assert str(weights) == str(vn.diagnose(gradients, kind="weight"))


def test_single_numbers_are_norms_and_one_row_alone_holds_all_of_them():
    (look,) = saved_norms(npz(fc1=np.float32(0.25), fc2=np.array([2]), head=3.0))
    assert look.gradients == {"fc1": 0.25, "fc2": 2, "head": 3}
    assert all(type(norm) is float for norm in look.gradients.values())
    (row,) = saved_norms(npz(arr_0=np.array([0.25, 2, 3])))
    assert row.gradients == {"1": 0.25, "2": 2, "3": 3}


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return buffer.getvalue()


class Planted:
    """What runs if a pickle of it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("the pickle was loaded",)


WRONG_BYTES = {
    "objects": (npz(a=np.array([Planted()])), "array 'a': Object arrays cannot be loaded"),
    "text": (npz(a=np.array(["x"])), "array 'a' has dtype <U1; real numbers"),
    "complex": (npz(a=np.ones(2, complex)), "array 'a' has dtype complex128; real numbers"),
    "no array": (npz(), "the file holds no array; an .npz file, as np.savez"),
    "a negative norm": (npz(a=-1.0, b=2.0), "array 'a': -1.0 is no norm"),
    "another archive": (zipped(**{"data.pkl": b"x"}), "a zip archive with 'data.pkl'; an .npz"),
    "no array inside": (zipped(**{"a.npy": b"x"}), "array 'a'"),
    "half a file": (npz(a=np.ones((8, 4)))[:99], "the file is damaged"),
    "one byte changed": (npz(a=np.ones(64)).replace(bytes(np.ones(1)), bytes(8), 1), "is damaged"),
    "one array": (b"\x93NUMPY\x01\x00", r"one array, as np.save writes it \(np.savez writes .npz"),
    "a pickle": (pickle.dumps(Planted()), "a pickle, which is code and is not run"),
    "an image": (b"\x89PNG\r\n\x1a\n\0", "bytes that are no text, the first of them b'"),
}


@pytest.mark.parametrize(("data", "said"), WRONG_BYTES.values(), ids=WRONG_BYTES)
def test_bytes_that_are_no_norms_are_told_apart(data, said):
    with pytest.raises(ValueError, match=said):
        saved_norms(data)


def test_arrays_and_norms_mixed_are_refused():
    with pytest.raises(TypeError, match="gradients mixes arrays and numbers"):
        report(npz(a=np.ones((8, 4)), b=2.0))


# What `watch` and `diagnose` print


def watched(scale, **options):
    x = fake_torch.Tensor(np.random.default_rng(1).standard_normal((8, 16)))
    with vn.watch(fake_torch.mlp(scale=scale), **options) as seen:
        seen._model(x).square().sum().backward()
    return seen


def nowhere(frozen):
    """A look at layers without a gradient, some of them frozen."""
    readings = [
        Reading(name, size) for name, size in zip("abcd", (None, 1e-6, 1e-3, 1.0), strict=True)
    ]
    return judge([replace(readings[0], frozen=frozen), *readings[1:]])


fall, same = 0.3 ** np.arange(10, 0, -1), np.ones(10)
PRINTED = {
    "vanishing": watched(0.2).diagnosis,
    "steady": watched(2**0.5).diagnosis,
    "exploding, with steps": watched(9.0, learning_rate=0.1).diagnosis,
    "tiny steps": watched(2**0.5, learning_rate=1e-8).diagnosis,
    "flat slopes": vn.diagnose(fall, signals=same),
    "without signals": vn.diagnose(fall),
    "no gradient": nowhere(False),
    "frozen": nowhere(True),
    "NaN": vn.diagnose([1.0, math.nan, 1.0]),
    "overflow": vn.diagnose([math.inf, 1.0, 1.0]),
    "zeros": vn.diagnose([0.0, 0.0, 1.0]),
    "a single layer": vn.diagnose([2.0]),
    "uneven": vn.diagnose([1, 1e-4, 1e-4, 1e-4, 1]),
    "names with blanks": vn.diagnose({"block 1 (2)": 1e-5, "": 1e-3, "a very long name": 1.0}),
    "over time": judge([Reading(f"t = {t}", size) for t, size in enumerate(fall, 1)], over="time"),
    "several losses": judge([Reading(f"t = {t}", 1.0) for t in range(5)], over="time", losses=2),
}


@pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED)
def test_what_was_printed_is_judged_as_it_was(printed):
    said = report(str(printed)).last
    assert (said.verdict, said.situation) == (printed.verdict, printed.situation)
    assert said.names == printed.names and said.remedies == printed.remedies
    assert said.norms == pytest.approx(printed.norms, rel=5e-3, nan_ok=True)
    assert said.steps == pytest.approx(printed.steps, rel=5e-2, nan_ok=True)
    kept = [line.replace("is frozen", "gets no gradient") for line in printed.evidence]
    assert [line[:24] for line in said.evidence] == [line[:24] for line in kept]


def test_a_nan_beside_a_layer_without_a_gradient_is_not_lost():
    sizes = None, math.nan, 1e-3, 1.0
    found = judge([Reading(name, size) for name, size in zip("abcd", sizes, strict=True)])
    assert report(str(found)).last.verdict == found.verdict == "undefined"


def test_a_table_is_found_in_a_log_and_named_after_the_line_before():
    seen = watched(0.2, every=1, log=len)
    log = f"Epoch 2/9: loss 3.1, 4 s\n{seen}\nsaved\nepoch 3, step=40\n{PRINTED['steady']}\ndone\n"
    first, second = saved_norms(log)
    assert (first.label, second.label) == ("epoch 2", "step 40")
    said = report(log)
    assert [d.verdict for d in said.diagnoses] == ["vanishing", "steady"]
    assert str(said).splitlines()[:2] == [
        f"epoch 2: {said.diagnoses[0].summary}",
        f"step 40: {said.last.summary}",
    ]


@pytest.mark.parametrize("each", [False, True])
def test_a_logger_may_write_before_the_first_line_or_before_each(each):
    before = "2026-01-01 12:00:00 INFO "
    table = str(PRINTED["exploding, with steps"])
    logged = before + (table.replace("\n", f"\n{before}") if each else table)
    said = report(f"begin\n{logged}\nend")
    assert said.last.findings == PRINTED["exploding, with steps"].findings
    assert said.last.names == PRINTED["exploding, with steps"].names


def test_bars_of_number_signs_and_findings_over_time_below_do_not_matter():
    table = str(PRINTED["vanishing"])
    over_time = f"'lstm' over 50 time steps: {PRINTED['several losses'].findings}"
    said = report(f"{table.replace('█', '#')}\n{over_time}").last
    assert said.findings == PRINTED["vanishing"].findings


def test_a_table_that_breaks_off_is_not_judged():
    lines = str(PRINTED["vanishing"]).splitlines()
    for kept, said in (
        (lines[:1], "line 1: the table breaks off behind its heading; all rows"),
        (lines[:4], "line 4: the table breaks off behind '4'; all rows"),
        ([*lines[:3], "epoch 2", *lines[3:]], "line 3: the table breaks off behind '2'"),
        ([*lines[:3], *lines[2:]], "line 4: '2' stands there again"),
    ):
        with pytest.raises(ValueError, match=said):
            saved_norms("\n".join(kept))


def test_a_factor_of_the_signal_that_no_numbers_can_follow_is_left_out():
    table = str(PRINTED["flat slopes"])
    for factor in ("1e+99", "1e-99", "0", "nan"):
        changed = table.replace("signal changes by 1 per", f"signal changes by {factor} per")
        assert changed != table
        (look,) = saved_norms(changed)
        assert look.signals is None and report(changed).last.situation == "vanishing"


def test_the_command_reads_arrays_and_logs_from_a_file_and_from_stdin(
    tmp_path, capsys, monkeypatch
):
    for data in (npz(a=1e-7, b=0.5), str(PRINTED["steady"]).encode()):
        file = tmp_path / "saved"
        file.write_bytes(data)
        assert command.main(["--norms", str(file)]) == 0
        assert capsys.readouterr().out == f"{report(data)}\n"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert command.main(["--norms", "-"]) == 0
        assert capsys.readouterr().out == f"{report(data)}\n"
