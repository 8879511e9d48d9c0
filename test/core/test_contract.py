import json
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ContractError, PhysicsChanged
from myoprosthesis.core.observation_term import RegisteredTerm, Term

MUSCLES = ("biceps", "triceps", "brachialis")


def excitation(names):
    return Channels("effort", names, "1", (0.0,) * len(names), (1.0,) * len(names))


SPEC = EffectorSpec(
    "arm", 0.01, excitation(MUSCLES), ("elbow",), MUSCLES, "tip", home=(0.0, 0.0, 0.0), simulator="mujoco 9",
    fingerprint=(0.5, -2.0, 30.0),
)  # fmt: skip
CONTRACT = Contract(
    name="reach", effector="arm", dt=0.02, action=excitation(MUSCLES),
    observation=(
        Term("muscle", ("biceps", "triceps"), "velocity", "m/s", 0.02),
        Term("vision", ("endpoint/x", "endpoint/y"), unit="m", delay_s=0.14),
        Term("goal", ("target/x", "go")),
    ),
    hidden=(("h", (1, 64)), ("c", (1, 8))), stages=("hold", "reach"), seed=5, result={"error_mm": 3.2},
    config_sha256="ab", simulator="mujoco 9", fingerprint=(0.5, -2.0, 30.0),
)  # fmt: skip
EXTRA = {"target/x": "m", "go": "1"}


def test_json_brings_it_back():
    assert Contract.from_json(CONTRACT.to_json()) == CONTRACT


def test_terms_of_other_kinds_make_it_format_2():
    assert json.loads(CONTRACT.to_json())["format"] == 1
    near = RegisteredTerm("near", "difference", {"a": ("target/x",), "b": ("endpoint/x",), "unit": "m"})
    last = RegisteredTerm("last", "previous_action", {"channels": ["triceps"]})
    contract = replace(CONTRACT, observation=(*CONTRACT.observation, near, last))
    data = json.loads(contract.to_json())
    assert data["format"] == 2 and data["observation"][0] == {
        "name": "muscle", "kind": "channels",
        "options": {"channels": ["biceps", "triceps"], "field": "velocity", "unit": "m/s", "delay_s": 0.02},
    }  # fmt: skip
    assert Contract.from_json(contract.to_json()) == contract and contract.observation_size == 8
    assert list(contract.match(SPEC, EXTRA)) == [0, 1, 2]
    for options, sentence in (
        ({**near.options, "a": ["target/q"]}, "'target/q' .near., which effector 'arm' does not have"),
        ({**near.options, "unit": "rad"}, "'target/x' .near. in 'rad', here it is in 'm'"),
    ):
        other = replace(CONTRACT, observation=(RegisteredTerm("near", "difference", options),))
        with pytest.raises(ContractError, match=sentence):
            other.match(SPEC, EXTRA)
    with pytest.raises(ContractError, match="'endpoint/x' .ahead., which the task here does not have"):
        ahead = RegisteredTerm("ahead", "goal_ahead", {"channels": ["endpoint/x"]})
        replace(CONTRACT, observation=(ahead,)).match(SPEC, EXTRA)


def test_it_knows_its_sizes():
    assert CONTRACT.observation_size == 6
    assert CONTRACT.state_channels() == ("biceps", "triceps", "endpoint/x", "endpoint/y", "target/x", "go")
    assert CONTRACT.deadline_s == pytest.approx(0.05)


def test_the_action_is_brought_into_the_effectors_order():
    names = ("brachialis", "biceps", "triceps")
    order = replace(CONTRACT, action=excitation(names)).match(SPEC, EXTRA)
    action = np.array([0.3, 0.1, 0.2])  # in the policy's order
    assert dict(zip(MUSCLES, action[order], strict=True)) == dict(zip(names, action, strict=True))


MISFITS = [
    ({"action": Channels("position", MUSCLES, "1", (0.0,) * 3, (1.0,) * 3)}, "commands position, .*'arm' takes effort"),
    ({"action": replace(CONTRACT.action, unit="N")}, "commands in 'N', .* takes '1'"),
    ({"action": excitation(MUSCLES[:2])}, "commands 2 channels, .* takes 3"),
    ({"action": excitation(("biceps", "triceps", "deltoid"))}, "its action has no 'brachialis'; it has biceps"),
    ({"observation": (Term("muscle", ("deltoid",)),)}, r"observes 'deltoid' \(muscle\), which .*'arm' does not have"),
    ({"observation": (Term("goal", ("target/z",)),)}, "observes 'target/z'"),
    ({"observation": (Term("q", ("elbow",), unit="deg"),)}, "position of 'elbow' .* 'deg', here it is in 'rad': conv"),
    ({"observation": (Term("q", ("elbow",), unit="m"),)}, "in 'm', here it is in 'rad'"),
    ({"observation": (Term("q", ("elbow",), "velocity", "rad"),)}, "the velocity of 'elbow' .*here it is in 'rad/s'"),
    ({"observation": (Term("q", ("elbow",), "effort", "N"),)}, "the effort of 'elbow' .*here it is in 'N·m'"),
    ({"observation": (Term("hand", ("endpoint/x",), unit="mm"),)}, "'endpoint/x' .*here it is in 'm'"),
    ({"observation": (Term("l", ("biceps",), unit="1"),)}, "'biceps' .*here it is in 'm'"),
    ({"observation": (Term("f", ("biceps",), "effort", "Nm"),)}, "'biceps' .*here it is in 'N'"),
    ({"observation": (Term("a", ("biceps/activation",), unit="%"),)}, "'biceps/activation' .*here it is in '1'"),
    ({"observation": (Term("goal", ("target/x",), unit="cm"),)}, "'target/x' .*here it is in 'm'"),
    ({"observation": (Term("goal", ("go",), unit="s"),)}, "'go' .*here it is in '1'"),
    ({"observation": (Term("q", ("elbow",), unit="furlong"),)}, "in 'furlong', here it is in 'rad'"),
    ({"dt": 0.005, "observation": CONTRACT.observation[2:]}, "every 5 ms, .* no whole multiple of the 10 ms"),
    ({"dt": 0.025, "observation": CONTRACT.observation[2:]}, "every 25 ms, .* no whole multiple"),
]


@pytest.mark.parametrize(("change", "sentence"), MISFITS)
def test_each_misfit_is_refused_with_the_first_difference(change, sentence):
    with pytest.raises(ContractError, match=f"policy 'reach'.*{sentence}"):
        replace(CONTRACT, **change).match(SPEC, EXTRA)


def test_what_fits_is_not_refused():
    assert list(CONTRACT.match(SPEC, EXTRA)) == [0, 1, 2]
    assert list(replace(CONTRACT, dt=0.01).match(SPEC, EXTRA)) == [0, 1, 2]


FITS = [("elbow", "effort", "Nm"), ("elbow", "effort", "N*m"), ("elbow", "effort", "N m"), ("elbow", "position", "rad"),
        ("elbow", "velocity", "rad / s"), ("elbow", "position", ""), ("biceps/activation", "position", "1"),
        ("target/x", "position", "m"), ("go", "position", "1")]  # fmt: skip


@pytest.mark.parametrize(("channel", "row", "unit"), FITS)
def test_the_same_unit_may_be_written_otherwise_or_not_at_all(channel, row, unit):
    replace(CONTRACT, observation=(Term("x", (channel,), row, unit),)).match(SPEC, EXTRA)


def test_a_joint_that_slides_is_in_metres():
    slider = replace(SPEC, joints=("rail", "elbow"), joint_units=("m", "rad"))
    assert slider.units["rail"] == ("m", "m/s", "N") and slider.units["elbow"] == ("rad", "rad/s", "N·m")
    with pytest.raises(ContractError, match="position of 'rail' .* in 'rad', here it is in 'm'"):
        replace(CONTRACT, observation=(Term("q", ("elbow", "rail"), unit="rad"),)).match(slider, EXTRA)


def test_changed_physics_is_noticed():
    CONTRACT.check_physics(SPEC)
    CONTRACT.check_physics(replace(SPEC, fingerprint=(0.5, -2.0, 30.0 * (1 + 1e-7))))
    CONTRACT.check_physics(replace(SPEC, name="leg", fingerprint=(9.0,)))
    sentence = "'arm' differ by up to 0.3.*mujoco 9, now mujoco 10.*may not hold; .*policy verify reach"
    with pytest.raises(PhysicsChanged, match=sentence):
        CONTRACT.check_physics(replace(SPEC, fingerprint=(0.5, -2.0, 30.3), simulator="mujoco 10"))
    for other, gap in (((0.5,), "in its size"), ((float("nan"), -2.0, 30.0), "by up to nan")):
        with pytest.raises(PhysicsChanged, match=gap):
            CONTRACT.check_physics(replace(SPEC, fingerprint=other))


def damaged(**changes):
    data = json.loads(CONTRACT.to_json())
    for key, value in changes.items():
        if value is None:
            del data[key]
        else:
            data[key] = value
    return json.dumps(data)


def terms(*observation):
    return damaged(format=2, observation=list(observation))


DAMAGE = [
    ("", "cannot be read"),
    (CONTRACT.to_json()[:-20], "cannot be read"),
    ("[1, 2]", "a JSON object with the key 'format' is needed"),
    ("null", "a JSON object with the key 'format' is needed"),
    (CONTRACT.to_json().replace('"dt":', '"dt": 0.5, "dt":'), "has the key 'dt' twice: leave one out"),
    (damaged(deadline_s=-0.1), "deadline of -0.1 s; it must be 0 or more"),
    (
        damaged(hidden={"h": [1, 8]}),
        r'hidden is "\{\'h\': \[1, 8\]\}"; a list such as \[\["h", \[1, 64\]\]\] is needed',
    ),
    (damaged(name=3), "name is 3; a text is needed"),
    (damaged(action=[1]), r"action is '\[1\]'; an object with quantity, names, unit, low and high is needed"),
    (damaged(action={**CONTRACT.action.to_dict(), "low": -1.0}), "'low' .*action is -1.0; a list with one per channel"),
    (damaged(observation=[{"name": "a", "channels": ["x"], "delay_s": 50}]), "looks back 50 s; at most 10 .* 50 ms is"),
    ("[" * 100_000, "cannot be read"),
    (damaged(format=3), "format 3; this version reads 1 and 2"),
    (damaged(format=2), "unknown key 'channels'"),
    (terms({"name": "a", "kind": "hsitory", "options": {}}), "unknown term 'hsitory': .*did you mean 'history'"),
    (terms({"name": "a", "kind": "channels", "options": {"channels": ["x"], "delay": 0.1}}), "'delay'.*'delay_s'"),
    (terms({"name": "a", "kind": "difference", "options": {"a": ["x"], "b": []}}), "a names 1 channels and b 0"),
    (terms({"name": "a", "kind": "history", "options": {"channels": ["x"], "every_s": 0.03}}), "a delay of 0.03 s"),
    (terms({"name": "a", "kind": "previous_action", "options": {"channels": ["leg"]}}), "'leg', which is no action"),
    (damaged(format=None), "no 'format'"),
    (damaged(action=None), "no 'action'"),
    (damaged(dt=0), "period of 0.0 s"),
    (damaged(dt="0.02"), "dt is '0.02'; a number is needed"),
    (damaged(dt=True), "dt is 'True'; a number is needed"),
    (damaged(seed=1.5), "seed is 1.5; a whole number is needed"),
    (damaged(action={**CONTRACT.action.to_dict(), "high": ["1"] * 6}), "an upper limit is '1'; a number is needed"),
    (damaged(hidden=[["h", ["1", 8]]]), "its shape is '1'; a number is needed"),
    (damaged(dt=10), r"period of 10 s; at most 1 s .* 10 ms is 0.01"),
    (damaged(dt=1e-300), r"period of 1e-300 s; at least 0.0001 s .* 10 ms is 0.01"),
    (damaged(dt=5e-324), r"period of 4.94066e-324 s; at least"),
    (damaged(dt=1e300), r"period of 1e\+300 s; at most 1 s"),
    (damaged(dt=-0.01), r"period of -0.01 s; it must be above 0"),
    (damaged(deadline_s=80), "deadline of 80 s; 0.0001 to 10 s .* 80 ms is 0.08"),
    (damaged(deadline_s=1e-300), "deadline of 1e-300 s; 0.0001 to 10 s"),
    (damaged(deadline=0.1), "unknown key 'deadline': .*did you mean 'deadline_s'"),
    (damaged(action={**CONTRACT.action.to_dict(), "lows": [0]}), "action has an unknown key 'lows': .*'low'"),
    (damaged(observation=[{"name": "a", "channels": ["x"], "delay": 0.1}]), "unknown key 'delay': .*'delay_s'"),
    (damaged(dt=float("nan")), "period of nan s"),
    (damaged(dt="fast"), "cannot be read"),
    (damaged(seed=float("inf")), "cannot be read"),
    (damaged(deadline_s=float("nan")), "deadline of nan s"),
    (damaged(observation=[]), "observes nothing"),
    (damaged(observation=[{"name": "a"}]), "no 'channels'"),
    (damaged(observation=[{"name": "a", "channels": ["x"], "delay_s": 0.03}]), "'a': a delay of 0.03 s"),
    (damaged(observation=[{"name": "a", "channels": ["x"]}] * 2), "one observation term twice: a, a"),
    (damaged(hidden=[["h", [1]], ["h", [1]]]), "one hidden state twice"),
    (damaged(hidden=[["h"]]), "cannot be read"),
    (damaged(action={**CONTRACT.action.to_dict(), "low": [0, 0]}), "each name needs both"),
]


@pytest.mark.parametrize(("text", "sentence"), DAMAGE)
def test_a_damaged_contract_is_a_contract_error(text, sentence):
    with pytest.raises(ContractError, match=sentence):
        Contract.from_json(text)
