"""Calibrations: what is saved is what is loaded, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.calibration import SHAPING, Calibration, folder
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.source import SourceSpec

SETTINGS = Conditioning(1000.0, "V")
SPEC = SourceSpec("forearm", ("a", "b"), 1000.0, "V")
LEVELS = {"a": 2e-4, "b": 5e-4, "spare": 1.0}
MINE = Calibration("mine", "forearm", {"a": 1e-6, "b": 2e-6}, LEVELS, SETTINGS.to_dict(), "2025-03-01T12:00")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_what_is_saved_is_found_by_name_and_by_path(home):
    file = MINE.save()
    assert file == home / "data" / "myoprosthesis" / "calibrations" / "mine.json"
    assert Calibration.load("mine") == MINE == Calibration.load(str(file))
    assert MINE.save(home / "deep" / "er" / "x.json") == home / "deep" / "er" / "x.json"
    assert Calibration.load(str(home / "deep" / "er" / "x.json")) == MINE
    again = replace(MINE, taken="later")
    assert again.save() == file and Calibration.load("mine") == again
    assert [f.name for f in folder().iterdir()] == ["mine.json"]  # nothing half written is left


def test_without_xdg_it_is_in_the_home(home, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME")
    assert folder() == home / "home" / ".local" / "share" / "myoprosthesis" / "calibrations"


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ConfigError, match="unknown calibration 'mine'"):
        Calibration.load("mine")
    MINE.save()
    with pytest.raises(ConfigError, match="unknown calibration 'mein': known are mine"):
        Calibration.load("mein")


DAMAGED = {
    "nested": "[" * 100_000,
    "no JSON": "{",
    "binary": b"\xff\xfe\x00",
    "a list": "[1, 2]",
    "empty": "",
    "a field less": json.dumps({"name": "x", "source": "y", "rest": {}}),
    "not numbers": json.dumps({**MINE.__dict__, "maximum": {"a": "much", "b": 1.0}}),
    "no mapping": json.dumps({**MINE.__dict__, "maximum": [1, 2]}),
    "NaN": json.dumps({**MINE.__dict__, "maximum": {"a": float("nan"), "b": 1.0}}),
    "nothing": json.dumps({**MINE.__dict__, "maximum": {"a": 0.0, "b": 1.0}}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused(home, content):
    file = home / "x.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"x\.json is no calibration"):
        Calibration.load(str(file))


def test_an_envelope_becomes_a_share_of_the_maximum():
    """1 where a muscle is as active as it was at its maximum."""
    mvc = MINE.mvc(SPEC, SETTINGS)
    x = np.random.default_rng(0).normal(0, 1e-4, (4000, 2))
    plain = Conditioner(SETTINGS, SPEC.channels).filter(x).envelope
    share = Conditioner(SETTINGS, SPEC.channels, mvc).filter(x).envelope
    np.testing.assert_allclose(share, plain / [2e-4, 5e-4])


@pytest.mark.parametrize("key", SHAPING)
def test_other_conditioning_is_refused(key):
    other = {"unit": "counts", "rate": 2000.0, "low_pass_hz": 400.0, "order": 2, "mains_hz": 50.0}
    changed = replace(SETTINGS, **{key: other.get(key, 7.0)})
    sentence = f"calibration 'mine' was taken with {key} = .*, here it is .*: calibrate again"
    with pytest.raises(ConfigError, match=sentence):
        MINE.mvc(SPEC, changed)


def test_what_shapes_no_envelope_may_differ():
    assert MINE.mvc(SPEC, replace(SETTINGS, artefact=1.0, full_scale=2.0, flat_s=0.3)) == MINE.maximum


def test_a_channel_that_was_not_calibrated_is_refused():
    with pytest.raises(ConfigError, match="calibration 'mine' has no channel 'c': calibrate again"):
        MINE.mvc(replace(SPEC, channels=("a", "c")), SETTINGS)
