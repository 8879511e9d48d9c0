import re

import numpy as np
import pytest

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner

TRIAL = TrialPlan(0, 0, ns(1.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(0.2))
SHIPPED = sorted(p.stem for p in (share.root() / "config" / "perturbations").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_can_be_planned(name):
    preset = presets.load(name)
    assert preset.name and preset.about
    for k in range(3):
        assert Planner(preset).plan(TrialPlan(k, ns(k), ns(k + 1), TRIAL.start, TRIAL.target, None)).trial == k


def test_the_two_curl_fields_are_mirror_images_and_clockwise_pushes_right():
    plans = (Planner(presets.load(name)).plan(TRIAL) for name in ("curl_cw", "curl_ccw"))
    cw, ccw = (ForceField.from_dict(dict(plan.entries[0].values)) for plan in plans)
    assert cw == -1.0 * ccw
    assert cw.force(TRIAL.start, [0.0, 1.0, 0.0]).tolist() == [10.0, 0.0, 0.0]


def test_a_kind_is_a_preset_with_its_defaults():
    assert set(registry.names("perturbations")) <= set(presets.names())
    assert Planner(presets.load("viscous")).plan(TRIAL).entries[0].values["B"][0][0] == -10.0


def test_the_presets_own_options_can_be_changed():
    assert presets.load("curl_cw", seed=5, catch_rate=0.5).catch_rate == 0.5
    with pytest.raises(ConfigError, match="catch_rate: 2.0 is outside"):
        presets.load("curl_cw", catch_rate=2.0)


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("kinds: [{kind: curl, gain: 3}, {kind: viscous}]")
    preset = presets.load(str(path))
    assert re.fullmatch("mine.yaml [0-9a-f]{6}", preset.name) and len(Planner(preset).plan(TRIAL).entries) == 2
    path.write_text("about: the same\nkinds: [{kind: curl, gain: 3}, {kind: viscous}]")
    assert presets.load(str(path)).name == preset.name
    path.write_text("kinds: [{kind: curl, gain: -3}, {kind: viscous}]")  # edited: trials under it are others
    (tmp_path / "curl_cw.yaml").write_text("kinds: [{kind: curl, gain: -3}]")  # and this is no preset that ships
    names = {presets.load(n).name for n in ("curl_cw", str(path), str(tmp_path / "curl_cw.yaml"))}
    assert len(names) == 3 and preset.name not in names
    path.write_text("name: own\nkinds: [{kind: curl, gain: 3}]")
    assert re.fullmatch("own [0-9a-f]{6}", Planner(presets.load(str(path))).name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kinds: [", "mine.yaml is not YAML"),
        ("- kind: curl", "must hold a YAML mapping with: name, about, kinds"),
        ("", "must hold a YAML mapping"),
        ("kind: [{kind: curl}]", "unknown option 'kind'.*did you mean 'kinds'"),
        ("kinds: {kind: curl}", "kinds: .* is not a list"),
        ("kinds: [curl]", "'curl' is not a mapping"),
        ("name: mine", "mine.yaml perturbs nothing: it needs kinds or blocks"),
        ("catch_rate: often", "'often' is not a number"),
        ("\x00", "mine.yaml is not YAML"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, text, sentence):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        presets.load(str(path))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="unknown perturbation 'curl_clockwise': known are .*channel, .*curl"):
        presets.load("curl_clockwise")
    with pytest.raises(ConfigError, match="unknown perturbation '/nowhere/x.yaml'"):
        presets.load("/nowhere/x.yaml")


def test_options_on_one_line():
    assert presets.inline("{ramp_s: 0.2, gain: 5}") == {"ramp_s": 0.2, "gain": 5}
    assert presets.inline("  ") == {}
    for bad in ("[1, 2]", "{a", "ramp"):
        with pytest.raises(ConfigError):
            presets.inline(bad)


def field(name, gain=None):
    """b of the curl field that a preset imposes in its trial 40."""
    made = presets.planner(name, {} if gain is None else {"gain": gain})
    trial = TrialPlan(40, 0, 10, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), 1)
    return sum(e.values["B"][0][1] for e in made.plan(trial).entries if e.kind == "law")


@pytest.mark.parametrize("name", ["curl_cw", "curl_ccw", "curl_blocks", "curl", "curl_cw_catch"])
def test_a_gain_is_a_size_in_the_presets_own_direction(name):
    assert field(name, 8.0) == pytest.approx(np.sign(field(name)) * 8.0)
    assert field(name, 0.0) == 0.0


MIRRORS = {
    "curl_ccw": "the opposite direction, that of 'curl_cw'", "curl_cw": "that of 'curl_ccw'", "curl": "'curl_ccw'",
    "viscous": "a preset of its own", "curl_blocks": "a preset of its own", "electrode_shift": "a preset of its own",
}  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), MIRRORS.items())
@pytest.mark.parametrize("gain", [-8.0, -1])
def test_a_sign_is_refused_with_the_mirror_image_where_there_is_one(name, sentence, gain):
    with pytest.raises(ConfigError, match=f"magnitude in the direction of '{name}'.* give {-gain:g}, or, .*{sentence}"):
        presets.planner(name, {"gain": gain})


def test_the_mirror_image_of_a_file_is_found_by_what_it_does(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("kinds: [{kind: curl, gain: -3}]")
    with pytest.raises(ConfigError, match="that of 'curl_cw'"):
        presets.planner(str(path), {"gain": -3.0})
    path.write_text("kinds: [{kind: curl, gain: -3}, {kind: viscous}]")
    with pytest.raises(ConfigError, match="a preset of its own"):
        presets.planner(str(path), {"gain": -3.0})


def test_files_that_a_preset_names_are_seen_from_its_own_folder(tmp_path, monkeypatch):
    """And those of options on the command line from where one stands; a name is that of a shipped file."""
    shipped = (share.root() / "config" / "axes" / "reach_null.csv").read_text()
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.csv").write_text(shipped)
    monkeypatch.chdir(tmp_path / "here")
    preset = tmp_path / "there" / "mine.yaml"
    preset.write_text("blocks: [{kinds: [{kind: hidden_add, components: [0], axes: mine.csv}]}]")
    loaded = presets.load("../there/mine.yaml")
    assert loaded.blocks[0]["kinds"][0]["axes"] == str(tmp_path / "there" / "mine.csv")
    changes = presets.anchored_overrides(str(preset), {"axes": "mine.csv", "start_s": 0.1}, tmp_path / "here")
    assert changes == {"axes": str(tmp_path / "here" / "mine.csv"), "start_s": 0.1}
    preset.write_text("kinds: [{kind: hidden_add, components: [0], axes: reach_null.csv}]")
    assert presets.load(str(preset)).kinds[0]["axes"] == "reach_null.csv"
    (tmp_path / "there" / "mine.csv").unlink()
    preset.write_text("kinds: [{kind: hidden_add, components: [0], axes: mine.csv}]")
    (tmp_path / "here" / "mine.csv").unlink()
    with pytest.raises(ConfigError, match="mine.csv"):
        presets.planner(str(preset), {})
