"""Steering a running stack: what is said is so, what cannot work is refused while all goes on as it was."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.publisher_lock import PublisherLock, is_locked
from myoprosthesis.recording.bag_writer import BagWriter

pytestmark = pytest.mark.realtime

NS = "steered"


@pytest.fixture(scope="module")
def stack(start):
    made = start(effector="point_mass", namespace=NS, seed=3)
    yield made.ready()
    made.close()


@pytest.fixture(scope="module")
def commands_run():
    """Commands that have been run as processes of their own."""
    return set()


@pytest.fixture
def said(command_here, stack, commands_run):
    """Run a command on the stack: its status and all that it said, while the stack is kept alive.

    The first time as a process of its own, as a person does, and then in this one, which need not import all again.
    """

    def process(words):
        process = subprocess.Popen(
            [sys.executable, "-m", "myoprosthesis.cli.main", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert stack.until(lambda: process.poll() is not None, 90.0)
        return process.returncode, process.stdout.read()

    def here(words):
        over = threading.Event()
        watch = threading.Thread(target=stack.until, args=(over.is_set, 90.0))
        watch.start()
        try:
            done = command_here(*words)
        finally:
            over.set()
            watch.join()
        return done.returncode, done.stdout + done.stderr

    def run(*words):
        first = words[0] not in commands_run
        commands_run.add(words[0])
        status, text = (process if first else here)([*words, "--namespace", NS])
        assert "Traceback" not in text, text
        return status, text

    return run


def follows(stack):
    """The point mass follows commands, now; where the machine is busy, in one of three reports."""
    reports = (stack.report() for _ in range(3))
    return any(e["effector"] == "point_mass" and not e["idle"] for e in reports)


# -- switch-effector -----------------------------------------------------------------------------------------------

REFUSED = {
    "a policy that does not fit": (("arm26",), "commands 4 channels"),
    "a hand without its port": (("ability_hand",), "ability_hand needs its port: --option port=/dev/ttyUSB0"),
    "an unknown option": (("point_mass", "--option", "dt_s=1"), "unknown option 'dt_s'"),
    "an unknown effector": (("nobody",), "unknown effector 'nobody'"),
    "a port that is not there": (("leap", "--option", "port=/dev/nowhere"), "there is no port /dev/nowhere"),
}


@pytest.mark.parametrize("words, sentence", REFUSED.values(), ids=REFUSED)
def test_an_exchange_that_cannot_work_is_refused_before_anything_is_let_go(stack, said, words, sentence):
    stack.probe.spin(0.1)
    n = len(stack.words)
    status, text = said("switch-effector", *words)
    assert status == 2 and sentence in text and text.count("error: ") == 1, text
    assert follows(stack) and not any("not active" in w for w in stack.words[n:])


def test_an_exchange_is_said_once_the_new_effector_follows_commands(stack, said):
    status, text = said("switch-effector", "point_mass", "--option", "dt=0.002")
    assert status == 0 and "point_mass is commanded now" in text and follows(stack), text
    assert stack.diagnostics[-1]["dt"] == 0.002
    assert said("switch-effector", "point_mass")[0] == 0 and follows(stack)
    assert stack.diagnostics[-1]["dt"] == 0.01


def test_trials_tell_the_options_of_the_effector_that_they_were_done_with(stack, said):
    """It has the same name, and channels."""
    assert said("switch-effector", "point_mass", "--option", "time_step=0.0025")[0] == 0
    assert stack.until(lambda: stack.trials and stack.trials[-1].get("effector_options") == "time_step 0.0025"), (
        stack.trials[-1]
    )
    assert said("switch-effector", "point_mass")[0] == 0
    assert stack.until(lambda: stack.trials[-1].get("effector_options") == ""), stack.trials[-1]


def test_an_effector_that_fails_at_its_start_gives_way_to_the_former_one(stack, said, tmp_path):
    """A body that fits, with a file that cannot be loaded."""
    bad = tmp_path / "bad.xml"
    bad.write_text("<mujoco><worldbody><body></worldbody></mujoco>")
    status, text = said("switch-effector", "mjcf", "--option", f"file={bad}")
    assert status == 2 and "Traceback" not in text, text
    assert follows(stack) and not stack.supervisor.restarts


def test_an_effector_without_an_endpoint_is_refused_where_the_task_reaches(stack, said, tmp_path):
    body = tmp_path / "slide.xml"
    joints = "".join(f"<joint name='{a}' type='slide' axis='{v}'/>" for a, v in (("x", "1 0 0"), ("y", "0 1 0")))
    motors = "".join(f"<motor name='{a}' joint='{a}' ctrlrange='-1 1'/>" for a in "xy")
    body.write_text(
        f"<mujoco><worldbody><body>{joints}<geom size='.1'/><site name='tip'/></body></worldbody>"
        f"<actuator>{motors}</actuator></mujoco>"
    )
    n = len(stack.words)
    status, text = said("switch-effector", "mjcf", "--option", f"file={body}")
    assert status == 2 and "reaches" in text and "--option endpoint=NAME; point_mass goes on" in text, text
    assert follows(stack) and not any("not active" in w for w in stack.words[n:])


def test_an_exchange_under_an_emergency_stop_says_so(stack, said):
    assert said("estop") == (0, "stopped until resume; its actuators are relaxed, and it may move on\n")
    status, text = said("switch-effector", "point_mass")
    assert status == 0 and "the emergency stop is on until `resume`" in text and "commanded now" not in text
    assert said("resume") == (0, "resumed\n") and follows(stack)


# -- perturb ----------------------------------------------------------------------------------------------------

NOT_HERE = {
    "EMG": (("band_turned",), "there is none in this stack"),
    "a muscle": (("weakness", "--option", "muscles=[psoas]"), "has no muscle 'psoas'"),
    "an observation": (("noise", "--option", "terms=[touch]"), "touch"),
    "a hidden unit": (("hidden_silence", "--option", "units=[60000]"), "60000 is none"),
}


@pytest.mark.parametrize("words, sentence", NOT_HERE.values(), ids=NOT_HERE)
def test_what_no_site_can_apply_is_refused_and_what_was_on_stays(stack, said, words, sentence):
    assert stack.probe.set("perturbation", perturbation="curl_cw") == ""
    status, text = said("perturb", *words)
    assert status == 2 and sentence in text and "'curl_cw' stays on" in text, text
    assert stack.probe.get("perturbation", "perturbation") == "curl_cw"
    assert stack.until(lambda: stack.diagnostics[-1]["perturbation"] == "curl_cw")


# -- status and swap --------------------------------------------------------------------------------------------


def test_the_first_status_is_right(stack, said, tmp_path):
    import json

    assert stack.probe.set("perturbation", perturbation="curl_cw") == ""
    assert stack.until(lambda: stack.diagnostics[-1]["perturbation"] == "curl_cw")
    ended = [t["trial"] for t in stack.trials if t["text"] in ("end", "lost")][-50:]
    status, text = said("status", "--json", str(tmp_path / "s.json"))
    figures = json.loads((tmp_path / "s.json").read_text())
    assert status == 0 and figures["perturbation"] == "curl_cw" and figures["policy"] == "point_mass_null"
    assert set(ended) <= {row["trial"] for row in figures["by_trial"]}
    assert 40 < figures["loop_rate"] <= 110 and "curl_cw" in text and "…" not in text


def test_a_swap_that_is_refused_leaves_the_client_knowing_what_is_played(stack):
    from myoprosthesis.stack.client import StackClient

    with StackClient(NS, "long_lived") as client:
        playing = client.active_policy(15.0).policy
        with pytest.raises(ConfigError):
            client.swap("reach_null")
        assert playing and client.status.policy.policy == playing


def test_a_policy_runs_beside_once_it_answers_or_is_refused_with_its_reason(stack, spoil, sound, tmp_path):
    from myoprosthesis.stack.client import StackClient

    bad = str(spoil(sound("point_mass"), "unknown operator", tmp_path))
    with StackClient(NS, "comparing") as client:
        client.run_beside("point_mass_cw")
        assert client.status.policy.shadow == "point_mass_cw" and client.status.policy.text == "active"
        with pytest.raises(ConfigError, match="shadow .*cannot be loaded"):
            client.run_beside(bad)
        with pytest.raises(ConfigError, match="unknown policy 'nobody'"):
            client.run_beside("nobody")
        client.run_beside("")
        assert client.spin_until(lambda: not client.status.policy.shadow_why, 10.0)


def test_a_swap_says_whether_the_effector_follows(stack, said):
    assert said("swap", "point_mass_cw") == (0, "point_mass_cw is played (before: point_mass_null)\n")
    said("estop")
    status, text = said("swap", "point_mass_null")
    assert status == 0 and "the effector does not follow it: emergency stop" in text
    said("resume")


def test_a_policy_that_only_this_terminal_knows_by_name_is_played(stack, said, sound, tmp_path, monkeypatch):
    file = tmp_path / "only_here" / "policy.onnx"
    file.parent.mkdir()
    file.write_bytes(sound("point_mass"))
    monkeypatch.setenv("MYOPROSTHESIS_POLICIES", str(tmp_path))
    status, text = said("swap", "only_here")
    assert status == 0 and f"{file} is played" in text
    assert "looked in" in said("swap", "nobody_knows")[1]
    said("swap", "point_mass_null")


# -- replay -----------------------------------------------------------------------------------------------------


def test_commands_are_never_played_into_a_stack_whose_policy_commands(stack, said, tmp_path):
    """By its claim: the graph need not have been discovered."""
    bag = BagWriter(tmp_path / "r")
    channel = bag.topic("/command", "sensor_msgs/msg/JointState")
    pack = JointStateWriter(("a",), ("effort",)).pack
    for k in range(200):
        bag.add(channel, 10**18 + k, pack(k * 10_000_000, np.array([1.0])))
    bag.close()
    assert is_locked(f"/{NS}/command") and not is_locked("/elsewhere/command")
    for _ in range(3):
        status, text = said("replay", str(tmp_path / "r"))
        assert status == 2 and "command is published by another node" in text
    assert follows(stack)


def test_each_node_claims_what_it_publishes(stack):
    for topic in ("state", "command", "target", "perturbation"):
        assert is_locked(f"/{NS}/{topic}"), topic
        with pytest.raises(ConfigError, match=f"another policy publishes /{NS}/{topic}"):
            PublisherLock(f"/{NS}/{topic}", "policy")


def test_a_replayer_gives_way_to_nobody_and_lets_go_at_its_end(tmp_path, monkeypatch):
    from myoprosthesis.recording.bag import Bag
    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.replayer import Replayer

    bag = BagWriter(tmp_path / "r")
    pack = JointStateWriter(("a",), ("effort",)).pack
    for name in ("command", "policy/shadow"):
        bag.add(bag.topic(f"/{name}", "sensor_msgs/msg/JointState"), 10**18, pack(0, np.array([1.0])))
    bag.close()
    monkeypatch.setattr("myoprosthesis.stack.replayer.SETTLE_S", 0.1)
    monkeypatch.setattr("myoprosthesis.stack.replayer.WAIT_S", 0.1)
    with StackClient("alone", f"replay_{os.getpid()}") as graph:
        replayer = Replayer(graph, Bag(tmp_path / "r"), ["command", "policy/shadow"])
        assert is_locked("/alone/command")
        with pytest.raises(ConfigError, match="command, policy/shadow is published"):
            Replayer(graph, Bag(tmp_path / "r"), ["command", "policy/shadow"])
        other = graph.node.create_publisher(topics.COMMAND.type, "command", topics.COMMAND.qos)
        with pytest.raises(ConfigError, match="command is published by another node"):
            assert graph.spin_until(lambda: graph.node.count_publishers("command") == 2, 10.0)
            replayer.play(1.0, lambda: False, lambda _: None)
        graph.node.destroy_publisher(other)
        replayer.close()
        assert not is_locked("/alone/command")


def test_a_late_report_of_the_policy_before_does_not_end_the_waiting_for_a_swap():
    from types import SimpleNamespace

    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.reports import PolicyReport

    def heard(until, seconds):
        for name in ("old", "new"):
            client.status.policy = PolicyReport(policy=name, text="active")
            if until():
                return True
        return False

    client = SimpleNamespace(_time_stands_still=False)
    effector = SimpleNamespace(lockstep=False, paused=False, waiting_for="")
    client.status = SimpleNamespace(policy=PolicyReport(policy="old", text="active"), effector=effector)
    client.set, client.spin_until = lambda node, values: None, heard
    assert StackClient.swap(client, "new").policy == "new"
