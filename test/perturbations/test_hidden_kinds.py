"""What a message says of a perturbation of the hidden state, and what is refused before the first trial."""

import json

import numpy as np
import pytest

from myoprosthesis.core import axes_file, registry, share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner
from myoprosthesis.testing import check_perturbation

TRIAL = TrialPlan(2, ns(2.0), ns(3.0), (0.1, 0.3, 0.0), (0.16, 0.38, 0.0), ns(2.2))
KINDS = [k for k in registry.names("perturbations") if k.startswith("hidden_")]
MEAN, VECTORS = np.arange(5.0), np.linalg.qr(np.random.default_rng(0).normal(size=(5, 3)))[0].T


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a file of axes."""
    axes_file.write(tmp_path / "mine.npz", MEAN, VECTORS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(kind, **options):
    built = build(registry.options("perturbations", kind), options)
    (entry,) = registry.factory("perturbations", kind)(built, TRIAL)
    assert entry.site == "hidden"
    return entry


def test_all_four_are_registered():
    assert KINDS == ["hidden_add", "hidden_clamp", "hidden_rotate", "hidden_silence"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"units": [4, 2]}, {"components": [2, 0], "axes": "mine.npz"}])
def test_every_kind_passes_the_shared_check(place, kind, options):
    cls = registry.options("perturbations", kind)
    if "components" in options and kind == "hidden_silence":
        with pytest.raises(ConfigError, match="unknown option"):
            build(cls, options)
        return
    check_perturbation(registry.factory("perturbations", kind), build(cls, options))


def test_the_message_carries_the_axes_themselves(place):
    entry = planned("hidden_clamp", components=[2, 0], axes="mine.npz", values=[0.25], start_s=0.3, duration_s=0.2)
    assert (entry.kind, entry.from_ns, entry.until_ns) == ("clamp", ns(2.3), ns(2.5))
    (place / "mine.npz").unlink()
    sent = PerturbationPlan.from_json(PerturbationPlan("p", ns(3), 2, (entry,)).to_json()).entries[0].values
    np.testing.assert_array_equal(sent["mean"], MEAN)
    np.testing.assert_array_equal(sent["axes"], VECTORS[[2, 0]])
    assert sent["values"] == [0.25]


def test_values_by_kind():
    assert planned("hidden_silence", share=0.5, seed=3).values == {"units": [], "share": 0.5, "seed": 3}
    assert planned("hidden_add", units=[3], amounts=[2.0]).values == {"units": [3], "amounts": [2.0], "per": "second"}
    turned = planned("hidden_rotate", units=[1, 0], degrees=450.0).values
    assert turned == {"units": [1, 0], "angle_rad": pytest.approx(np.pi / 2), "per": "once", "centre": [0.0, 0.0]}
    assert planned("hidden_rotate", degrees=-720.0).values["angle_rad"] == 0.0  # to the bit, so that it changes nothing
    assert planned("hidden_rotate", degrees=720.0, per="second").values["angle_rad"] == pytest.approx(4 * np.pi)
    json.dumps(turned)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("hidden_clamp", {"units": [1], "components": [0], "axes": "mine.npz"}, "exclude each other"),
        ("hidden_clamp", {"components": [0]}, "components need a file of axes"),
        ("hidden_clamp", {"axes": "mine.npz"}, "axes need components"),
        ("hidden_clamp", {"units": [1, 2, 1]}, "units names one twice: 1, 2, 1"),
        ("hidden_clamp", {"units": [-1]}, "outside 0 to"),
        ("hidden_clamp", {"units": [1, 2], "values": [1, 2, 3]}, "one for each of the 2 that are named, got 3"),
        ("hidden_clamp", {"values": [1, 2, 3]}, "one for all units; to give 3, name as many"),
        ("hidden_clamp", {"components": [3], "axes": "mine.npz"}, "has 3 components, 0 to 2; 3 is none"),
        ("hidden_clamp", {"components": [0], "axes": "no.npz"}, "axes no.npz cannot be read: No such file"),
        ("hidden_clamp", {"components": [0], "axes": "\0.npz"}, "cannot be"),
        ("hidden_clamp", {"components": [0], "axes": "x" * 5000 + ".csv"}, "cannot be"),
        ("hidden_add", {"amounts": []}, "what is added is missing"),
        ("hidden_add", {"per": "step"}, "'step' is none of second, once"),
        ("hidden_rotate", {"units": [1, 2, 3]}, "two units or of two components"),
        ("hidden_rotate", {"components": [1], "axes": "mine.npz"}, "two units or of two components"),
        ("hidden_rotate", {"centre": [1.0]}, "two coordinates, got 1"),
        ("hidden_silence", {"share": 1.5}, "outside 0 to 1"),
    ],
)
def test_bad_options_are_refused_before_the_first_trial(place, kind, options, sentence):
    with pytest.raises(ConfigError, match=sentence) as caught:
        Planner(presets.Preset(name="p", kinds=({"kind": kind, **options},)))
    assert "\n" not in str(caught.value)


def test_a_file_that_changes_is_read_anew(place):
    first = planned("hidden_clamp", components=[0], axes="mine.npz").values["mean"]
    axes_file.write(place / "mine.npz", MEAN + 1, VECTORS)
    assert planned("hidden_clamp", components=[0], axes="mine.npz").values["mean"] == [x + 1 for x in first]


@pytest.mark.parametrize("name", ["hidden_frozen", "hidden_pushed", "hidden_turned", "hidden_lesion"])
def test_presets_are_found_from_anywhere(place, name):
    plan = Planner(presets.load(name)).plan(TRIAL)
    assert [e.site for e in plan.entries] == ["hidden"]
    assert (share.root() / "config" / "axes" / "reach_null.csv").is_file()
