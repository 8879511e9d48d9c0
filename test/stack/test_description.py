"""The one description of a stack: what is chosen, what wins, what is refused before anything starts."""

import json
import os
import shutil

import pytest
import rclpy
import yaml
from rclpy.context import Context

from myoprosthesis.cli.up import seed_of
from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, StackError
from myoprosthesis.core.options import assignments, build
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.stack.description import StackOptions, as_settings, describe, stacks
from myoprosthesis.stack.half import check_halves, chosen_nodes
from myoprosthesis.stack.status import StackStatus


def parameters(settings=None, **options):
    return {n.name: n.parameters for n in describe(StackOptions(**options), settings)}


def test_the_stack_of_the_newcomer():
    made = parameters()
    assert list(made) == ["effector", "policy", "perturbation", "task"]
    assert made["effector"]["effector"] == "arm26" and made["policy"]["policy"] == "reach_null"
    assert made["perturbation"]["perturbation"] == "null" and made["task"]["task"] == "centre_out"
    assert made["effector"]["participants"] == made["policy"]["participants"] == ["task", "perturbation"]
    assert "reach" in stacks()


def test_the_body_brings_its_policy():
    assert parameters(effector="point_mass")["policy"]["policy"] == "point_mass_null"
    with pytest.raises(ConfigError, match="names no policy for effector 'myohand' .*give one with --policy"):
        parameters(effector="myohand")


def test_a_stack_whose_policy_is_not_there_yet_says_so_before_anything_starts(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("effector: point_mass\npolicy: {point_mass: point_mass_to_come}\ntask: centre_out\n")
    with pytest.raises(ConfigError, match=r"plays policy 'point_mass_to_come', and there is none of this name yet: "):
        parameters(stack=str(file))
    assert parameters(stack=str(file), policy="point_mass_cw")["policy"]["policy"] == "point_mass_cw"


def test_legs_walk_with_the_period_of_their_task_and_their_policy():
    from myoprosthesis.core.leg_names import PLACES
    from myoprosthesis.tasks.walk import PERIOD_S, Walk
    from myoprosthesis.tasks.walk_channels import CONTACTS

    made = parameters(stack="walk", lockstep=True)
    effector = made["effector"]
    assert made["policy"]["policy"] == "walk"
    assert (effector["effector"], effector["dt"]) == ("myolegs", PERIOD_S) and made["task"]["task"] == "walk"
    assert tuple(effector["observed_sites"]) == PLACES and tuple(effector["contacts"]) == CONTACTS
    assert {name: effector[name] for name in Walk.effector_options} == {
        **Walk.effector_options, "contacts": list(CONTACTS)
    }  # fmt: skip


def test_the_hand_with_two_balls_and_the_skill_of_its_policy(tmp_path, monkeypatch):
    """The direction is that of the policy's contract; one that a person sets wins in the task node."""
    monkeypatch.setattr("myoprosthesis.stack.description.task_options_of", lambda policy: {"direction": "cw"})
    made = parameters({"task": {"noise": 0.2}}, stack="baoding", policy="reach_null")
    assert made["effector"]["effector"] == "baoding_hand" and made["task"]["task"] == "baoding"
    assert json.loads(made["task"]["policy_options"]) == {"direction": "cw"} and made["task"]["noise"] == 0.2
    assert "direction" not in made["task"]


def grips(*pairs, **more):
    return parameters({"policy": {"grips": list(pairs)}}, stack="emg-hand", **more)["policy"]["grips"]


def test_a_grip_for_one_answer_leaves_those_of_the_others():
    shipped = parameters(stack="emg-hand")["policy"]["grips"]
    assert shipped == ["close=power", "flexion=pinch", "extension=point"]
    assert grips("close=pinch", "rest=hold") == ["flexion=pinch", "extension=point", "close=pinch", "rest=hold"]


def test_a_grip_for_what_the_decoder_never_answers_is_refused_by_its_name():
    with pytest.raises(ConfigError, match="unknown answer of 'gestures_myo' in policy.grips, 'fist': known are close,"):
        grips("fist=power")


def test_a_perturbation_that_nothing_in_the_stack_applies_is_refused_before_anything_starts():
    for name, why in {"band_turned": "there is none in this stack", "electrode_off": "acts on EMG"}.items():
        with pytest.raises(ConfigError, match=f"perturbation '{name}' cannot act in this stack: .*{why}"):
            parameters(perturbation=name)
    with pytest.raises(
        ConfigError, match="'ball_heavy' cannot act .*'arm26' cannot apply a perturbation at its object;"
    ):
        parameters(perturbation="ball_heavy")
    with pytest.raises(
        ConfigError, match="'ball_push' cannot act .*effector 'arm26' has no object 'ball1'; it has: none"
    ):
        parameters(perturbation="ball_push")
    with pytest.raises(ConfigError, match="'hidden_lesion' cannot act in this stack: .* decoder: perturb its EMG"):
        parameters(stack="emg-hand", perturbation="hidden_lesion")
    with pytest.raises(ConfigError, match="'curl_cw' cannot act in this stack: .*cannot apply .* at its endpoint"):
        parameters(stack="emg-hand", perturbation="curl_cw", effector="ability_hand")


def test_later_wins(tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("effector: {dt: 0.005, seed: 3}\n/policy: {ros__parameters: {blend_s: 0.2}}\n")
    made = parameters({"effector": {"seed": 5}}, params_file=str(file))
    assert made["effector"]["dt"] == 0.005 and made["effector"]["seed"] == 5 and made["task"]["seed"] == 0
    assert made["policy"]["blend_s"] == 0.2


def test_an_option_and_a_parameter_that_contradict_each_other_are_refused(tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("task: {trials: 3}\n")
    assert parameters(params_file=str(file))["task"]["trials"] == 3
    assert parameters(params_file=str(file), trials=3)["task"]["trials"] == 3
    with pytest.raises(ConfigError, match="trials is 5 by the option, and 3 by the parameter trials of task: give one"):
        parameters(params_file=str(file), trials=5)
    with pytest.raises(ConfigError, match="policy is reach_cw by the option, and reach_ccw by the parameter policy of"):
        parameters({"policy": {"policy": "reach_ccw"}}, policy="reach_cw")
    file.write_text("/**: {ros__parameters: {seed: 4}}\n")
    for settings in ({}, {"task": {"seed": 4}}, {"effector": {"seed": 4}}, {"policy": {"seed": 4}}):
        with pytest.raises(ConfigError, match="seed is 2 by the option, and 4 by the parameter seed of"):
            parameters(settings, params_file="" if settings else str(file), seed=2)


def test_the_seed_of_a_run_is_that_of_its_nodes(tmp_path):
    """Whoever said it: with what is reported a run can be repeated."""
    file = tmp_path / "parameters.yaml"
    file.write_text("/**: {ros__parameters: {seed: 4}}\n")
    assert seed_of(describe(StackOptions(params_file=str(file)), {})) == 4
    assert seed_of(describe(StackOptions(seed=2), {})) == 2
    assert seed_of(describe(StackOptions(), {"task": {"seed": 4}})) == {"effector": 0, "policy": 0, "task": 4}


def test_seed_and_lockstep_reach_every_node_that_heeds_them():
    made = parameters(seed=7, lockstep=True, trials=3, duration=2.0)
    assert [made[n]["seed"] for n in ("effector", "policy", "task")] == [7, 7, 7]
    assert [made[n]["lockstep"] for n in ("effector", "policy", "task")] == [True] * 3
    assert made["task"]["trials"] == 3 and made["effector"]["duration_s"] == 2.0


def test_a_stack_may_be_a_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("effector: point_mass\npolicy: point_mass_cw\ntask: centre_out\nnodes: {task: {distance: 0.05}}\n")
    made = parameters(stack=str(file))
    assert made["policy"]["policy"] == "point_mass_cw" and made["task"]["distance"] == 0.05


UNKNOWN = {
    "effector": "unknown effector 'nobody': known are .*arm26.*point_mass",
    "policy": "unknown policy 'nobody': known are .*reach_null",
    "perturbation": "unknown perturbation 'nobody': known are .*curl_cw.*null",
    "task": "unknown task 'nobody': known are .*centre_out",
    "stack": "unknown stack 'nobody': known are .*reach",
}


@pytest.mark.parametrize("what, sentence", UNKNOWN.items())
def test_an_unknown_name_lists_what_there_is(what, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parameters(**{what: "nobody", **({"policy": "reach_null"} if what == "effector" else {})})


SETTINGS = {
    "effector.speed=3": "unknown parameter 'speed': known are .*dt",
    "engine.dt=3": "unknown node 'engine': known are console, decoder, effector, .*policy",
    "effector.dt=fast": "dt: 'fast' is not a number",
    "effector.dt=-1": "dt: -1.* is outside",
    "effector.dt=.nan": "not a finite number",
    "effector.lockstep=perhaps": "not true or false",
    "effector.participants=[policy]": "'policy' is none of task, perturbation",
    "policy.blend_s=11": "11 is outside 0 to 10 s",
    "policy.policy=nowhere": "unknown policy 'nowhere'",
    "policy.shadow=nowhere": "unknown policy 'nowhere'",
    "perturbation.gain=5": "has no option gain",
    "perturbation.options={slope: 1}": "has no option slope",
    "perturbation.options=[1]": "not a mapping",
    "perturbation.catch_rate=2": "outside 0 to 1",
    "task.targets=0": "0 is outside 1 to 360",
    "task.between=jump": "'jump' is none of reset, return",
    "task.go_s=5": "comes after the trial's 1.0 s",
    "task.task=juggle": "unknown task 'juggle'",
}


@pytest.mark.parametrize("setting, sentence", SETTINGS.items())
def test_what_a_node_would_refuse_is_refused_before_it_starts(setting, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parameters(as_settings([setting]))


def test_all_faults_come_in_one_sentence():
    with pytest.raises(ConfigError) as caught:
        parameters(as_settings(["effector.dt=0", "task.targets=0", "policy.blend=1"]))
    assert all(word in str(caught.value) for word in ("dt", "targets", "did you mean 'blend_s'"))


@pytest.mark.parametrize("text", ["effector.dt", "dt=3", "=", "effector.=3", "effector.dt={"])
def test_a_setting_is_node_parameter_value(text):
    with pytest.raises(ConfigError, match="--set"):
        as_settings([text])


FILES = {
    "no such file": (None, "cannot be read: No such file"),
    "no YAML": ("{[", "is not YAML"),
    "binary": (b"\xff\xfe\x00\x80", "is not YAML"),
    "a list": ("[1, 2]", "must hold a YAML mapping"),
    "empty": ("", "must hold a YAML mapping"),
    "unknown node": ("engine: {dt: 1}", "unknown node 'engine'"),
    "no mapping": ("effector: 3", "needs a mapping of parameters, got 3"),
    "unknown key": ("effector: {speed: 1}", "unknown parameter 'speed'"),
    "wrong type": ("effector: {dt: [1, 2]}", r"dt: \[1, 2\] is not a number"),
    "nested": ("effector: {ros__parameters: {dt: 1}, more: 1}", "unknown parameter"),
    "object": ("effector: !!python/object/apply:os.system ['true']", "is not YAML"),
}


@pytest.mark.parametrize("content, sentence", FILES.values(), ids=FILES)
def test_a_faulty_parameter_file_is_refused(tmp_path, content, sentence):
    file = tmp_path / "parameters.yaml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=sentence):
        parameters(params_file=str(file))


def test_a_stack_with_an_unknown_key_is_refused(tmp_path):
    file = tmp_path / "stack.yaml"
    file.write_text("effektor: arm26\n")
    with pytest.raises(ConfigError, match="unknown key 'effektor': known are .*did you mean 'effector'"):
        parameters(stack=str(file))
    file.write_text("effector: [arm26]\n")
    with pytest.raises(ConfigError):
        parameters(stack=str(file))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("perturbation: null", "perturbation is 'None', and it must be a name, in quotes where YAML reads more"),
     ("task: off", "task is 'False', and it must be a name"), ("effector: 26", "effector is '26', and it must be"),
     ("nodes: [policy]", r"nodes is \"\['policy'\]\", and it must be a mapping of nodes to their parameters")],
)  # fmt: skip
def test_what_yaml_reads_otherwise_than_as_a_name_is_refused(tmp_path, line, sentence):
    file = tmp_path / "stack.yaml"
    file.write_text(f"policy: reach_null\n{line}\n")
    with pytest.raises(ConfigError, match=sentence):
        parameters(stack=str(file))


def test_an_option_of_a_recording_that_is_a_list_may_have_one_value():
    for text, values in (("-9999", (-9999,)), ("[-9999, -1]", (-9999, -1)), ("none", ("none",))):
        emg = parameters(stack="emg-hand", emg_option=(f"missing={text}",))["emg"]
        layout = json.loads(emg["layout"]) if isinstance(emg["layout"], str) else emg["layout"]
        assert build(RecordingFormat, layout).missing == values


def test_a_stack_without_a_task(tmp_path):
    file = tmp_path / "stack.yaml"
    for said in ("task: none", "task: null", ""):
        file.write_text(f"effector: arm26\npolicy: reach_null\n{said}\n")
        made = parameters(stack=str(file))
        assert list(made) == ["effector", "policy", "perturbation"]
        assert made["effector"]["participants"] == made["policy"]["participants"] == ["perturbation"]
        assert made["perturbation"]["per_trial"] is False
        assert "task" in parameters(stack=str(file), task="hold")
    assert list(parameters(task="none")) == ["effector", "policy", "perturbation"]
    with pytest.raises(ConfigError, match="has no task: trials cannot be given"):
        parameters(task="none", trials=3)


# -- from EMG to a hand -----------------------------------------------------------------------------------------


def hand(settings=None, **options):
    return parameters(settings, stack="emg-hand", **options)


def test_the_stack_from_emg_to_a_hand():
    made = hand()
    assert list(made) == ["emulator", "emg", "effector", "twin", "policy", "perturbation"]
    assert made["emg"]["conditioning"] == made["policy"]["policy"] == "gestures_myo"
    assert made["emg"]["source"] == "recording" and made["emg"]["repetitions"] == ["0", "1", "2"]
    assert made["emulator"]["path"] == made["effector"]["port"] and made["emulator"]["hand"] == "ability_hand"
    assert made["effector"]["participants"] == ["perturbation"] and made["perturbation"]["per_trial"] is False
    assert made["twin"]["effector"] == "ability_hand_model" and made["twin"]["beside"] == "state"
    twin = next(n for n in describe(StackOptions(stack="emg-hand", namespace="left")) if n.name == "twin")
    assert (twin.node, twin.namespace, twin.remappings) == ("effector", "twin", {"command": "/left/command"})


def test_what_is_conditioned_is_what_the_decoder_was_fitted_on(tmp_path, share_policy):
    mine = share_policy("gestures_myo", tmp_path / "mine")
    made = hand(policy=mine)
    assert made["emg"]["conditioning"] == made["policy"]["policy"] == mine
    assert hand({"emg": {"conditioning": "{mains_hz: 50}"}})["emg"]["conditioning"] == "{mains_hz: 50}"


@pytest.fixture
def share_policy():
    """A copy of a shipped policy; its path."""

    def copy(name, folder):
        shutil.copytree(share.root() / "policies" / name, folder)
        return str(folder / "policy.onnx")

    return copy


def test_a_hand_with_a_port_is_not_emulated_and_a_simulated_one_has_no_twin():
    made = hand(port="/dev/ttyUSB0", effector="inspire_rh56", namespace="left")
    assert list(made) == ["emg", "effector", "twin", "policy", "perturbation"]
    assert made["effector"]["port"] == "/dev/ttyUSB0" and made["twin"]["effector"] == "inspire_rh56_model"
    assert "twin" not in hand(twin=False) and "emulator" in hand(twin=False)
    alone = hand(effector="ability_hand_model", viewer=True)
    assert list(alone) == ["emg", "effector", "policy", "perturbation"] and alone["effector"]["gui"] is True
    assert hand(viewer=True)["twin"]["gui"] is True


def test_the_port_of_an_emulated_hand_is_the_stacks_own(monkeypatch):
    def port(**options):
        return hand(**options)["emulator"]["path"]

    assert port() == port() != port(namespace="left") != port(namespace="right")
    here = port()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) + 101))
    assert port() != here


def test_what_the_stack_says_of_its_recording_holds_for_no_other(tmp_path, monkeypatch):
    (tmp_path / "own.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    own = hand(file="own.csv")["emg"]
    assert own["file"] == str(tmp_path / "own.csv") and "loop" not in own and "repetitions" not in own
    assert hand(file="libemg_myo")["emg"]["file"] == "libemg_myo"
    synthetic = hand(emg="synthetic")["emg"]
    assert synthetic["source"] == "synthetic" and set(synthetic) == {"source", "conditioning"}
    assert hand(emg="recording")["emg"]["loop"] is True


def test_options_of_a_perturbation_are_a_mapping_or_its_text():
    for text in ("{gain: 5}", "'{gain: 5}'"):
        made = describe(StackOptions(perturbation="curl_cw"), as_settings([f"perturbation.options={text}"]))
        (options,) = (n.parameters["options"] for n in made if n.name == "perturbation")
        assert isinstance(options, str) and yaml.safe_load(options) == {"gain": 5}


def test_options_of_the_emg_are_yaml_and_mappings_stay_text():
    given = ("speed=2", "loop=false", "labels=[close, open]", "layout={rate: 200, unit: counts}")
    made = hand(emg_option=given)["emg"]
    assert (made["speed"], made["loop"], made["labels"]) == (2, False, ["close", "open"])
    assert yaml.safe_load(made["layout"]) == {"rate": 200, "unit": "counts"} and isinstance(made["layout"], str)
    assert hand({"emg": {"speed": 3}}, emg_option=("speed=2",))["emg"]["speed"] == 3
    said = hand(emg_option=("rate=200", "unit=V", "loop=true"))["emg"]  # what a file does not say of itself
    assert json.loads(said["layout"]) == {"rate": 200, "unit": "V"} and said["loop"] is True


REFUSED = {
    "lockstep": ({"lockstep": True}, "runs in real time: lockstep cannot be given"),
    "trials of no task": ({"trials": 3}, "has no task: trials cannot be given"),
    "unknown source": ({"emg": "telepathy"}, "unknown emg source 'telepathy': known are .*lsl.*recording"),
    "no value": ({"emg_option": ("speed",)}, "an option of the EMG is name=value, got 'speed'"),
    "no YAML": ({"emg_option": ("layout={",)}, "option of the EMG 'layout' is not YAML"),
    "wrong type": ({"emg_option": ("loop=",)}, "loop: None is not true or false"),
    "unknown option": ({"emg_option": ("lop=true",)}, "unknown parameter 'lop'.*did you mean 'loop'"),
    "a file for a source that plays none": ({"emg": "synthetic", "file": "mine.csv"}, "unknown parameter 'file'"),
    "a port for a simulated hand": (
        {"effector": "ability_hand_model", "port": "/dev/ttyUSB0"}, "has no port; hands that do: ability_hand",
    ),
    "an unknown hand": ({"effector": "hook"}, "unknown effector 'hook'"),
    "an unknown decoder": ({"policy": "nobody"}, "unknown policy 'nobody'"),
    "no such meaning": ({"settings": {"policy": {"grips": ["close"]}}}, "grips takes pairs as close=power"),
    "a node it does not have": ({"settings": {"task": {"targets": 3}}}, "has no node 'task'; it has .*emg"),
}  # fmt: skip


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_what_a_stack_with_emg_refuses(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        hand(**given)


@pytest.mark.parametrize(
    "given", [{"emg": "recording"}, {"file": "a.csv"}, {"port": "/dev/x"}, {"emg_option": ("a=1",)}]
)
def test_a_stack_without_emg_takes_none(given):
    with pytest.raises(ConfigError, match=f"has no EMG and no real hand: {next(iter(given))} cannot be given"):
        parameters(**given)


@pytest.mark.parametrize("stack", ["reach", "emg-hand"])
def test_any_stack_can_be_recorded(tmp_path, monkeypatch, stack):
    monkeypatch.chdir(tmp_path)
    made = parameters({"recorder": {"views": True}}, stack=stack, record="mine")
    assert list(made)[-1] == "recorder"
    assert made["recorder"] == {"folder": str(tmp_path / "mine"), "views": True, "clock": "wall"}
    assert "recorder" not in parameters(stack=stack)
    with pytest.raises(ConfigError, match="has no node 'recorder'"):
        parameters({"recorder": {"views": True}}, stack=stack)


# -- parameter files as ROS reads them --------------------------------------------------------------------------


def told(text, tmp_path, **options):
    """Parameters by node of a stack with such a file."""
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    return {n.name: n.parameters for n in describe(StackOptions(params_file=str(file), **options))}


PATTERNS = {
    "/**: {ros__parameters: {seed: 7}}": ("", True),
    "/*: {ros__parameters: {seed: 7}}": ("", True),
    "/**/effector: {ros__parameters: {seed: 7}}": ("left", True),
    "/*/effector: {ros__parameters: {seed: 7}}": ("left", True),
    "effector: {ros__parameters: {seed: 7}}": ("", True),
    "/effector: {ros__parameters: {seed: 7}}": ("", True),
    "/left/effector: {ros__parameters: {seed: 7}}": ("left", True),
    "left/effector: {ros__parameters: {seed: 7}}": ("left", True),
    "left: {effector: {ros__parameters: {seed: 7}}}": ("left", True),
    "/lab/left: {effector: {ros__parameters: {seed: 7}}}": ("lab/left", True),
    "/lab/**: {ros__parameters: {seed: 7}}": ("lab/left", True),
    "effector: {seed: 7}": ("left", True),
    "{/right/effector: {ros__parameters: {seed: 7}}, /left/task: {ros__parameters: {trials: 2}}}": ("left", False),
    "{/rviz2: {ros__parameters: {seed: 7}}, /effector: {ros__parameters: {dt: 0.005}}}": ("", False),
    "{/*: {ros__parameters: {seed: 7}}, /**/task: {ros__parameters: {trials: 2}}}": ("left", False),
}


@pytest.mark.parametrize("text", PATTERNS)
def test_a_parameter_file_is_read_as_ros_reads_it(text, tmp_path):
    namespace, there = PATTERNS[text]
    assert told(text, tmp_path, namespace=namespace)["effector"]["seed"] == (7 if there else 0)


def test_the_later_entry_counts_whichever_is_more_exact_as_ros_reads_it(tmp_path):
    said = {"/**": 2, "/effector": 1, "/*": 3, "/task": 4}
    text = "\n".join(f"{node}: {{ros__parameters: {{seed: {seed}}}}}" for node, seed in said.items())
    made = told(text, tmp_path)
    assert made["effector"]["seed"] == made["policy"]["seed"] == 3 and made["task"]["seed"] == 4
    file = tmp_path / "ros.yaml"
    file.write_text(text)
    context = Context()
    rclpy.init(context=context, args=["--ros-args", "--params-file", str(file)])
    for name in ("effector", "task"):
        node = rclpy.create_node(name, context=context)
        assert node.declare_parameter("seed", 0).value == made[name]["seed"]
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_what_is_said_for_all_reaches_those_that_know_it(tmp_path):
    made = told("/**: {ros__parameters: {use_sim_time: true, blend_s: 0.3, trial_s: 2.0}}", tmp_path)
    assert all(p["use_sim_time"] is True for p in made.values())
    assert made["policy"]["blend_s"] == 0.3 and made["task"]["trial_s"] == 2.0 and "blend_s" not in made["effector"]
    assert told("task: {use_sim_time: true}", tmp_path)["task"]["use_sim_time"] is True


ASTRAY = {
    "/effector: {ros__parameters: {seed: 7}}": ("left", r"'/effector' is not the node of this stack.*'/left/effector'"),
    "/efector: {ros__parameters: {seed: 7}}": ("", "unknown node 'efector'.*did you mean 'effector'"),
    "/right/effector: {ros__parameters: {seed: 7}}": ("left", "has no parameters for this stack, .*/left/effector"),
    "/**: {ros__parameters: {use_sim_time: perhaps}}": ("", "use_sim_time: 'perhaps' is not true or false"),
    "/**: {ros__parameters: {tagrets: 3}}": ("", "unknown parameter 'tagrets'.*did you mean 'targets'"),
    "/**: {ros__parameters: 3}": ("", "needs a mapping of parameters, got 3"),
    "left: {effector: {ros__parameters: {speed: 1}}}": ("left", "unknown parameter 'speed'"),
}


@pytest.mark.parametrize("text", ASTRAY)
def test_what_reaches_no_node_is_refused(text, tmp_path):
    namespace, sentence = ASTRAY[text]
    with pytest.raises(ConfigError, match=sentence):
        told(text, tmp_path, namespace=namespace)


# -- files that people name -------------------------------------------------------------------------------------

MODEL = """<mujoco><worldbody><body><joint name="a"/><geom size=".1"/></body></worldbody>
<actuator><position joint="a" kp="1" ctrlrange="-1 1"/></actuator></mujoco>"""


@pytest.fixture
def places(tmp_path, monkeypatch, sound):
    """A folder `here` in which one stands, and a folder `there` with a file that names others."""
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "robot.xml").write_text(MODEL)
        (folder / "mine.yaml").write_text("kinds: []")
        (folder / "policy.onnx").write_bytes(sound())
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here", tmp_path / "there"


def test_files_on_the_command_line_are_seen_from_where_one_stands(places):
    here, _ = places
    made = describe(
        StackOptions(effector="point_mass", policy="policy.onnx", perturbation="mine.yaml", record="bag"),
        as_settings(["policy.shadow=./policy.onnx"]),
    )
    by_name = {n.name: n.parameters for n in made}
    assert by_name["policy"]["policy"] == by_name["policy"]["shadow"] == str(here / "policy.onnx")
    assert by_name["perturbation"]["perturbation"] == str(here / "mine.yaml")
    assert by_name["recorder"]["folder"] == str(here / "bag")
    options = StackOptions(effector="mjcf", policy="policy.onnx")
    (body, *_) = describe(options, as_settings(["effector.file=robot.xml"]))
    assert body.parameters["file"] == str(here / "robot.xml")


def test_files_in_a_yaml_file_are_seen_from_its_own_folder(places):
    here, there = places
    (there / "stack.yaml").write_text(
        "{effector: mjcf, policy: policy.onnx, perturbation: mine.yaml, nodes: {effector: {file: robot.xml}}}"
    )
    made = {n.name: n.parameters for n in describe(StackOptions(stack="../there/stack.yaml"))}
    assert made["effector"]["file"] == str(there / "robot.xml")
    assert made["policy"]["policy"] == str(there / "policy.onnx")
    assert made["perturbation"]["perturbation"] == str(there / "mine.yaml")
    (there / "parameters.yaml").write_text("{/**: {ros__parameters: {file: robot.xml}}, policy: {shadow: policy.onnx}}")
    options = StackOptions(effector="mjcf", policy="policy.onnx", params_file="../there/parameters.yaml")
    made = {n.name: n.parameters for n in describe(options)}
    assert made["effector"]["file"] == str(there / "robot.xml")
    assert made["policy"]["shadow"] == str(there / "policy.onnx")
    assert made["policy"]["policy"] == str(here / "policy.onnx")


def test_a_name_stays_a_name(places):
    (places[0] / "curl_cw.yaml").write_text("kinds: []")
    made = {n.name: n.parameters for n in describe(StackOptions(perturbation="curl_cw", policy="reach_null"))}
    assert made["perturbation"]["perturbation"] == "curl_cw" and made["policy"]["policy"] == "reach_null"


# -- one stack in two places ----------------------------------------------------------------------------------


def test_the_nodes_of_one_machine_are_chosen_from_the_whole_stack():
    def names(**options):
        made = StackOptions(**options)
        return [spec.name for spec in chosen_nodes(describe(made), made)]

    assert names() == names(nodes=("effector", "policy", "perturbation", "task"))
    assert names(nodes=("effector",)) == ["effector"]
    assert names(nodes=("task", "policy")) == ["policy", "task"]
    assert names(nodes=("effector",), record="there", gui=True) == ["effector", "recorder", "console"]
    assert names(stack="emg-hand", nodes=("effector", "emulator")) == ["emulator", "effector"]
    with pytest.raises(ConfigError, match="unknown node 'polisy'.*did you mean 'policy'"):
        names(nodes=("polisy",))
    with pytest.raises(ConfigError, match="emulator and effector share a port"):
        names(stack="emg-hand", nodes=("effector",))


@pytest.mark.parametrize("here, there", [(True, False), (False, True)])
def test_halves_that_keep_other_times_are_told(here, there):
    options = StackOptions(lockstep=here, nodes=("policy", "perturbation", "task"))
    whole, status = describe(options), StackStatus()
    nodes = chosen_nodes(whole, options)
    check_halves(whole, nodes, status)
    status.add_effector({"effector": "arm26", "lockstep": here, "ticks": 1})
    check_halves(whole, nodes, status)
    status.add_effector({"effector": "arm26", "lockstep": there, "ticks": 2})
    check_halves(whole, whole, status)
    with pytest.raises(StackError, match="the effector runs in .*, and this half of the stack in .*: give both"):
        check_halves(whole, nodes, status)


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(ConfigError, match="--set task.seed is given twice"):
        as_settings(["task.seed=1", "task.seed=2"])
    with pytest.raises(ConfigError, match="--option phase is given twice: '1' and '2'"):
        assignments(["phase=1", "phase=2"], "--option")
