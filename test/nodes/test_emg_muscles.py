"""From EMG to muscles: a decoder's posture is what 39 muscles follow, and a hand follows their joints."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from myoprosthesis.core.errors import StackError
from myoprosthesis.core.joint_state import JointStateReader
from myoprosthesis.nodes import topics

pytestmark = pytest.mark.realtime

FINGER = "mcp2_flexion_r"


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    """A policy that adds nothing to the guide of its environment: muscles that are too long contract."""
    pytest.importorskip("gymnasium")
    from myoprosthesis.envs import hand_posture
    from myoprosthesis.envs.batch_env import BatchEnv
    from myoprosthesis.training.rl import export
    from myoprosthesis.training.rl.action_map import ActionMap
    from myoprosthesis.training.rl.network import Actor
    from myoprosthesis.training.rl.network_options import NetworkOptions

    env = BatchEnv(hand_posture.config(), 1, 1)
    network = NetworkOptions(actor=(8,), bounded=True)
    actor = Actor(env.single_observation_space.shape[0], 39, network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in actor.layers[-1].parameters():
            parameter.zero_()
    action_map = ActionMap.of(env, network.smoothing, network.gain, network.bounded)
    path = tmp_path_factory.mktemp("guided") / "policy.onnx"
    export.export(actor, action_map, replace(env.contract("guided"), hidden=export.hidden(action_map)), path)
    return str(path)


def test_muscles_follow_the_decoder_and_a_hand_follows_the_muscles_until_an_emergency_stop(start, guided):
    stack = start(stack="emg-muscles", policy=guided)
    try:
        places = {}
        for name in ("state", "posture/state", "hand/state"):
            topic = topics.Topic(name, topics.STATE.type, topics.STATE.qos)
            places[name] = (stack.probe.hear(topic, topics.reliable(1), raw=True), JointStateReader())

        def finger(name):
            """Angles of the index finger's first joint that came since the last call."""
            messages, reader = places[name]
            frames = [reader.read(message) for message in messages]
            messages.clear()
            return [float(f.position[f.names.index(FINGER)]) for f in frames]

        stack.ready()
        seen = {name: [] for name in places}

        def moved():
            for name, angles in seen.items():
                angles += finger(name)
            return all(len(angles) > 9 and np.ptp(angles) > 0.15 for angles in seen.values())

        assert stack.until(moved, 180.0), {name: np.ptp(a) if a else None for name, a in seen.items()}
        assert stack.until(lambda: stack.status.summary().get("decisions") and stack.status.decision.known)
        stages = lambda: stack.status.summary()["stages_ms"]  # noqa: E731
        assert stack.until(lambda: all(stage["p50"] for stage in stages().values())), stages()
        stack.probe.trigger("effector/estop")
        stack.spin(1.0)  # on a busy machine commands are too old now and then before it, too
        hand = lambda: stack.status.others.get("hand/effector", {})  # noqa: E731
        assert stack.until(lambda: "newest command is older" in str(hand().get("idle")))
        finger("hand/state")
        assert stack.until(lambda: len(places["hand/state"][0]) > 50)
        assert np.ptp(finger("hand/state")) < 0.05  # held where it was, while the muscles relax
    finally:
        stack.close()


def test_an_effector_of_muscles_cannot_follow_joints(start, guided):
    stack = start({"hand": {"effector": "myohand"}}, stack="emg-muscles", policy=guided, only=("hand",))
    try:
        with pytest.raises(StackError, match="hand was not started: .* takes positions, this one effort"):
            stack.until(lambda: False)
    finally:
        stack.close()
