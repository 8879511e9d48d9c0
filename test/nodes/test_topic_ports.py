"""Ports of the loops over topics, with the other side in this process."""

import time

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_msgs.msg import Header, String

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.following import Following
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.emg_block_codec import EmgSampleWriter, arrival_message
from myoprosthesis.nodes.topic_ports import LOST_S, DecoderPort, EffectorPort, PolicyPort

EFFECTOR = registry.factory("effectors", "mirror")(registry.options("effectors", "mirror")())
SPEC = EFFECTOR.spec
TRIAL = TrialPlan(3, 10, 20, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), None)
PLAN = PerturbationPlan("none", 20, trial=3)


@pytest.fixture
def send(node, until):
    """Publish once the port has been found; the publisher."""

    def publish(topic, *messages):
        publisher = node.create_publisher(topic.type, topic.name, topic.qos)
        until(publisher.get_subscription_count)
        for message in messages:
            publisher.publish(message)
        return publisher

    return publish


def command(stamp, names=("joint1", "joint2"), values=(0.1, 0.2)):
    message = JointState(name=list(names), position=list(values))
    message.header.stamp.nanosec = stamp
    return message


def test_commands_come_with_their_publisher_and_the_arrival_of_their_emg(node, send, until, collected):
    port = EffectorPort(node)
    port.fit(SPEC)
    send(topics.EMG_ARRIVAL, arrival_message(7, 9))
    publisher = send(topics.COMMAND, command(7), command(8))
    (frame, writer), (second, _) = collected(port, port.commands, 2)
    assert (frame.stamp_ns, frame.names, second.stamp_ns) == (7, ("joint1", "joint2"), 8)
    np.testing.assert_array_equal(frame.position, [0.1, 0.2])
    assert second.names is frame.names  # by which the loop knows that nothing has to be looked up again
    until(lambda: collected(port, lambda: [port.arrival_ns(7) or 0])[-1] == 9 or port.commands())
    assert port.arrival_ns(8) is None
    assert port.name_of(writer) == "/sided" and port.name_of(b"nobody") == "another program"
    assert port.present(writer)
    node.destroy_publisher(publisher)
    until(lambda: not port.present(writer))


def test_plans_of_both_kinds_come_and_damaged_ones_do_not(node, send, collected):
    port = PolicyPort(node, SPEC)
    send(topics.TARGET, String(data="{"), String(data=TRIAL.to_json()))
    send(topics.PERTURBATION, String(data=PLAN.to_json()))
    plans = collected(port, port.plans, 2)
    assert sorted(plans, key=lambda p: isinstance(p, TrialPlan)) == [PLAN, TRIAL]


def test_a_participant_is_alive_while_its_heart_beats(node, send, until):
    port = EffectorPort(node)
    assert not port.alive("task")
    send(topics.HEARTBEAT, Header(frame_id="nobody"), Header(frame_id="task"))
    until(lambda: (port.wait(0.05), port.alive("task"))[1])
    assert not port.alive("perturbation") and not port.alive("nobody")
    time.sleep(topics.DEAD_S)
    assert not port.alive("task")


def test_state_and_command_go_round_between_the_two_ports(node, until, collected):
    effector, policy = EffectorPort(node), PolicyPort(node, SPEC)
    effector.fit(SPEC)
    state = EFFECTOR.reset(0)
    until(lambda: effector._state.get_subscription_count() and policy._command.get_subscription_count())
    effector.publish(5, state)
    (frame,) = collected(policy, policy.states)
    assert frame.stamp_ns == 5 and frame.names == SPEC.channels
    np.testing.assert_array_equal(frame.rows(), state.table)
    policy.command(5, np.array([0.3, -0.4]))
    ((answer, _),) = collected(effector, effector.commands)
    assert answer.stamp_ns == 5 and answer.names == SPEC.command.names
    np.testing.assert_array_equal(answer.position, [0.3, -0.4])


def test_the_joints_of_another_effector_command_this_one_and_are_the_goal_of_a_policy(node, send, until, collected):
    state = topics.Topic("other/state", topics.STATE.type, topics.STATE.qos)
    with pytest.raises(ConfigError, match="takes the state of another effector, such as /arm/state, got 'state'"):
        EffectorPort(node, "state")
    effector, policy = EffectorPort(node, state.name), PolicyPort(node, SPEC, state.name)
    effector.fit(SPEC)
    assert policy.goal() is None
    message = JointState(name=["joint2", "wrist", "joint1"], position=[0.2, 0.5, 0.1])
    message.velocity = message.effort = [0.0, 0.0, 0.0]
    message.header.stamp.nanosec = 7
    publisher = send(state, message)
    for _ in range(3):
        effector.wait(0.05)
        assert effector.commands() == []  # it is not known whether that one follows commands itself
    account = topics.Topic("other/effector/following", topics.FOLLOWING.type, topics.FOLLOWING.qos)
    own = send(account, String(data=Following(0, 1).to_json()))
    (frame, _) = collected(effector, lambda: (publisher.publish(message), effector.commands())[1])[0]
    assert (frame.stamp_ns, frame.names, frame.position.tolist()) == (7, SPEC.command.names, [0.1, 0.2])
    goal = until(lambda: (publisher.publish(message), policy.wait(0.05), policy.goal())[2])
    assert goal.position.tolist() == [0.2, 0.5, 0.1]
    time.sleep(LOST_S)
    assert policy.goal() is None  # it has become old
    own.publish(String(data=Following(0, 2, held="emergency stop").to_json()))
    until(lambda: (publisher.publish(message), effector.wait(0.05), effector.commands() == [])[2])
    for _ in range(5):
        publisher.publish(message)
        effector.wait(0.05)
        assert effector.commands() == []


def test_a_decoder_goes_on_from_where_the_hand_is_and_only_while_it_follows(node, send, until):
    port = DecoderPort(node, SPEC)
    values = np.arange(len(SPEC.channels), dtype=float)
    turned = JointState(name=list(SPEC.channels[::-1]), position=values[::-1].tolist())
    state = send(topics.STATE, turned)
    until(lambda: (port.wait(0.05), port.posture() is not None)[1])
    np.testing.assert_array_equal(port.posture(), [values[SPEC.channels.index(n)] for n in SPEC.command.names])
    port.following()
    send(topics.FOLLOWING, String(data=Following(0, 1, held="emergency stop").to_json()))
    until(lambda: (port.wait(0.05), state.publish(turned), not port._lost and not port.following())[2])
    send(topics.FOLLOWING, String(data=Following(0, 2).to_json()))
    until(lambda: (port.wait(0.05), state.publish(turned), port.following())[2])
    time.sleep(LOST_S)
    port.wait(0.0)
    assert not port.following()  # its state did not come: it may have been started again


def test_a_decoder_waits_for_emg_alone(node, send, until):
    """A prompt that no decision asks for, and states, end no wait: the loop would spin until the next decision."""
    port = DecoderPort(node, SPEC)
    prompt, state = send(topics.EMG_PROMPT, String(data="close")), send(topics.STATE, JointState())
    until(lambda: (port.wait(0.05), port.prompt(0) == "close")[1])
    prompt.publish(String(data="open"))
    state.publish(JointState())
    begin = time.monotonic()
    for _ in range(3):
        port.wait(0.1)
    assert time.monotonic() - begin >= 0.29 and port.prompt(0) == "open"


def test_a_block_has_the_prompt_that_was_published_before_it_however_late_it_is_read(node, send, until):
    port, writer = DecoderPort(node, SPEC), EmgSampleWriter(("a", "b"))
    prompt, filtered = (send(t) for t in (topics.EMG_PROMPT, topics.EMG_FILTERED))
    for k, text in enumerate(("close", "open", "")):
        prompt.publish(String(data=text))
        for n in range(2):
            filtered.publish(writer.pack(100 * k + n, np.zeros(1), np.zeros((1, 2))))
    time.sleep(0.3)
    blocks = []
    until(lambda: (port.wait(0.05), blocks.extend(port.blocks()), len(blocks) == 6)[2])
    assert [b.stamp_ns for b in blocks] == [0, 1, 100, 101, 200, 201]
    assert [port.prompt(b.sent_ns) for b in blocks] == ["close", "close", "open", "open", "", ""]
    assert port.prompt(1) == ""  # before anything was asked for
