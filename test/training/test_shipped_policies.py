"""The policies that are shipped, as physics: on the MuJoCo body, eight targets at 10 cm, b = ± 10 N·s/m."""

from pathlib import Path

import numpy as np
import pytest
import yaml

import myoprosthesis
from myoprosthesis.core.fingerprint import fingerprint
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.training.gradient import evaluation
from myoprosthesis.training.gradient.curriculum import Curriculum

POLICIES = Path(myoprosthesis.__file__).parents[1] / "policies"
BODIES = {"reach": "arm26", "point_mass": "point_mass"}
FIELDS = {"null": 0.0, "cw": 10.0, "ccw": -10.0}
NAMES = [f"{family}_{kind}" for family in BODIES for kind in FIELDS]


@pytest.fixture(scope="module", params=list(BODIES))
def reaches(request):
    """Reaches of the family's three policies in the three fields: `[policy][field]`."""
    body = getattr(bodies, BODIES[request.param])(BodyOptions())
    return {
        kind: {
            field: evaluation.centre_out(OnnxPolicy(POLICIES / f"{request.param}_{kind}" / "policy.onnx"), body, gain)
            for field, gain in FIELDS.items()
        }
        for kind in FIELDS
    }


def mean_lateral_mm(reach: evaluation.Reaches) -> float:
    return 1e3 * float(reach.lateral_deviations().mean())


@pytest.mark.parametrize("kind", FIELDS)
def test_in_its_own_field_it_arrives_and_goes_straight(reaches, kind):
    own = reaches[kind][kind]
    assert 1e3 * np.median(own.endpoint_errors()) < 5
    assert abs(mean_lateral_mm(own)) < 2
    assert np.abs(1e3 * own.lateral_deviations()).max() < 10, "no direction hides behind the mean"


@pytest.mark.parametrize("kind", FIELDS)
def test_it_waits_for_the_go_signal_and_moves_with_one_peak_of_speed(reaches, kind):
    own = reaches[kind][kind]
    speed = np.linalg.norm(own.velocity, axis=2)
    waiting = np.linalg.norm(own.path[:, :20] - own.start, axis=2)
    assert 1e3 * waiting.max() < 5, "it stays at the start until 0.2 s"
    peak = speed.argmax(axis=1) * own.dt
    assert (peak > 0.25).all() and (peak < 0.75).all()
    for profile, top in zip(speed, speed.max(axis=1), strict=True):
        above = profile > 0.5 * top
        assert np.count_nonzero(np.diff(above.astype(int)) == 1) == 1, "one movement, not two"


def test_first_exposure_bends_to_the_side_of_the_field(reaches):
    cw, ccw = mean_lateral_mm(reaches["null"]["cw"]), mean_lateral_mm(reaches["null"]["ccw"])
    assert 20 < cw < 100 and -100 < ccw < -20
    assert (reaches["null"]["cw"].lateral_deviations() > 0).all(), "in every direction"
    assert (reaches["null"]["ccw"].lateral_deviations() < 0).all()
    assert abs(cw + ccw) < 0.2 * max(cw, -ccw), "mirror images within a fifth"


def test_after_effects_go_to_the_other_side(reaches):
    cw, ccw = mean_lateral_mm(reaches["cw"]["null"]), mean_lateral_mm(reaches["ccw"]["null"])
    assert -100 < cw < -20 and 20 < ccw < 100
    assert abs(cw + ccw) < 0.2 * max(-cw, ccw), "mirror images within a fifth"


def test_it_stays_on_the_target_long_after_the_trials_it_was_trained_on(reaches, request):
    family = request.node.callspec.params["reaches"]
    body = getattr(bodies, BODIES[family])(BodyOptions())
    late = evaluation.centre_out(OnnxPolicy(POLICIES / f"{family}_null" / "policy.onnx"), body, trial_s=5.0)
    assert 1e3 * late.endpoint_errors().max() < 10


@pytest.mark.parametrize("name", NAMES)
def test_contract_card_and_configuration_agree_with_the_file(name):
    policy = OnnxPolicy(POLICIES / name / "policy.onnx")
    contract, settings = policy.contract, yaml.safe_load((POLICIES / name / "training.yaml").read_text())
    card = (POLICIES / name / "card.md").read_text()
    assert contract.name == name
    body = getattr(bodies, contract.effector)(BodyOptions())
    assert [(t.name, t.delay_s) for t in contract.observation] == [
        ("target", 0),
        ("go", 0),
        ("vision", 0.07),
        ("muscle_length", 0.02),
        ("muscle_velocity", 0.02),
    ]
    assert settings["effector"] == contract.effector and settings["seed"] == contract.seed
    curriculum = Curriculum.from_dict(settings["curriculum"])
    assert tuple(s.name for s in curriculum.stages) == contract.stages
    assert np.sign(curriculum.field) == np.sign(FIELDS[name.rsplit("_", 1)[1]])
    scores = evaluation.score(policy, body, curriculum.field)
    for field, row in contract.result.items():
        assert scores[field]["endpoint_error_mm"] == pytest.approx(row["endpoint_error_mm"], abs=0.5)
        assert scores[field]["lateral_deviation_mm"] == pytest.approx(row["lateral_deviation_mm"], abs=0.5)
        assert f"| {row['endpoint_error_mm']:.1f} |" in card
    np.testing.assert_allclose(fingerprint(body), contract.fingerprint, rtol=1e-6, atol=1e-8)
    assert f"--out policies/{name}" in card
