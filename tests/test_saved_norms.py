"""Norms in files: JSON and CSV in their shapes, and what is said of a file that is neither."""

import io
import json
import math

import pytest

import vanishing as vn
from vanishing import __main__ as command
from vanishing.measurement.saved_norms import saved_norms

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
    assert saved_norms("[0.25, 0.5]")[0].gradients == {"1": 0.25, "2": 0.5}


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


def test_blanks_around_cells_and_lines_do_not_count():
    (look,) = saved_norms('\n\n "fc1" ;  1e-7\n"fc2, the second"; 0.5\n\n')
    assert look.gradients == {"fc1": 1e-7, "fc2, the second": 0.5}
    (quoted,) = saved_norms('fc1, 1\n"a", "2"')
    assert quoted.gradients == {"fc1": 1, "a": 2}


WRONG = {
    "": "no line with a norm",
    "layer,norm\n": "no line with a norm",
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
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        saved_norms(text)


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
    monkeypatch.setattr("sys.stdin", io.StringIO(SEVERAL["csv"]))
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
        (lambda: file.write_bytes(b"\xff\xfe\x00"), "codec can't decode"),
    ):
        prepare()
        with pytest.raises(SystemExit) as left:
            command.main(["--norms", str(file)])
        assert left.value.code == 2 and said in capsys.readouterr().err
