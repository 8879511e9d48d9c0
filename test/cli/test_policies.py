"""One bad file in a folder of policies costs its own row, and names of others are text."""

import json
import os

import onnx
import pytest

from myoprosthesis.cli import main as command_line
from myoprosthesis.cli.table import FigureTable


def altered(data, change):
    model = onnx.load_model_from_string(data)
    text = next(p for p in model.metadata_props if p.key == "myoprosthesis.contract")
    contract = json.loads(text.value)
    change(contract)
    text.value = json.dumps(contract)
    return model.SerializeToString()


@pytest.fixture
def policies(tmp_path, monkeypatch, sound):
    """A folder with policies of others, one fault each, beside a sound one."""

    def put(name, data):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "policy.onnx").write_bytes(data)

    data = sound()
    put("fine", data)
    put("[red]x[bold]", data)
    put("\x1b[2Jgone", data)
    for name, score in (("text", {"endpoint_error_mm": "x"}), ("none", {"endpoint_error_mm": None}), ("bold", "[/b]")):
        put(f"score_{name}", altered(data, lambda c, score=score: c.update(result={"null": score})))
    put("markup", altered(data, lambda c: c.update(effector="[/red]")))
    put("escape", altered(data, lambda c: c.update(effector="\x1b]0;mine\x07")))
    put("empty", b"")
    for name in ("pipe", "device"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "pipe" / "policy.onnx")
    (tmp_path / "device" / "policy.onnx").symlink_to("/dev/zero")
    monkeypatch.setenv("MYOPROSTHESIS_POLICIES", str(tmp_path))
    return tmp_path


def test_a_bad_file_costs_its_own_row(policies, capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        command_line.main(["policies", "--json", str(tmp_path / "figures.json")])
    shown = capsys.readouterr().out
    assert end.value.code == 0 and "\x1b" not in shown
    figures = json.loads((tmp_path / "figures.json").read_text())
    bad = {name for name, f in figures.items() if "unusable" in f}
    assert bad == {"pipe", "device", "empty", "escape"}
    assert "a regular file is needed" in figures["pipe"]["unusable"] and "device" in figures["device"]["unusable"]
    assert r"control characters: '\x1b]0;mine\x07'" in figures["escape"]["unusable"]
    for name in ("fine", "[red]x[bold]", r"\x1b[2Jgone", "[/red]", "score_text", "reach_null"):
        assert name in shown, name
    for name in bad:
        assert f"unusable: {name}: " in shown


def test_verify_refuses_a_card_without_numbers(policies, command):
    done = command("policy", "verify", str(policies / "score_text" / "policy.onnx"))
    assert done.returncode == 2 and "has 'x' for null, endpoint_error_mm; a number is needed" in done.stderr


def test_cells_are_text(capsys):
    from rich.console import Console

    table = FigureTable("[red]h", title="[/b]t")
    table.add_column("c\x1b[2J")
    table.add_row("[/a]", "\x1b[31mx" + "y" * 1000)
    Console(width=200).print(table)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and all(t in shown for t in ("[red]h", "[/b]t", "[/a]", r"\x1b[31mx", "more characters"))


def test_decoders_have_a_table_of_their_own_and_are_verified_on_recordings(command):
    text = command("policies").stdout
    assert "decoders of EMG" in text and "8 at 200 Hz" in text and "close, extension, flexion, open, rest" in text
    done = command("policy", "verify", "gestures_myo")
    assert done.returncode == 2 and "myoprosthesis decode evaluate RECORDINGS --decoder" in done.stderr
    assert "unknown effector" not in done.stderr


def test_in_a_pipe_no_name_is_cut(capsys):
    with pytest.raises(SystemExit):
        command_line.main(["policies"])
    out = capsys.readouterr().out
    assert "baoding_phase2" in out and "hand_posture" in out and "…" not in out
