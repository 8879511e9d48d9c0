"""Subscriptions that a loop waits for itself, with one publisher in this process."""

import threading
import time

import pytest
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from myoprosthesis.core.errors import CommandError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.topics import Topic, reliable
from myoprosthesis.nodes.wait_set import PolledSubscriptions

TEXT = Topic("text", String, reliable(10))
RAW = Topic("raw", JointState, reliable(10))


@pytest.fixture
def polled(node, until):
    """The subscriptions to `text` and, as bytes, to `raw`, with publishers that have found them."""
    inputs = PolledSubscriptions(node)
    text, raw = inputs.subscribe(TEXT), inputs.subscribe(RAW, raw=True)
    publishers = [node.create_publisher(t.type, t.name, t.qos) for t in (TEXT, RAW)]
    until(lambda: all(p.get_subscription_count() for p in publishers))
    return inputs, text, raw, *publishers


@pytest.fixture
def taken(polled, collected):
    """The first `n` messages of a subscription, however many waits they come in."""
    return lambda subscription, n: collected(polled[0], lambda: polled[0].take(subscription), n)


def test_messages_come_in_order_and_raw_ones_as_bytes(polled, taken):
    inputs, text, raw, say, send = polled
    for word in "abc":
        say.publish(String(data=word))
    assert [m.data for m in taken(text, 3)] == ["a", "b", "c"]
    send.publish(JointState(name=["elbow"]))
    (data,) = taken(raw, 1)
    assert isinstance(data, bytes) and b"elbow" in data


def test_nothing_is_taken_that_was_not_waited_for(polled, taken):
    inputs, text, _, say, _ = polled
    inputs.wait(0.0)
    say.publish(String(data="late"))
    time.sleep(0.2)
    assert list(inputs.take(text)) == []
    assert taken(text, 1)[0].data == "late" and list(inputs.take(text)) == []


def test_a_wait_ends_with_its_time_and_at_once_when_it_is_woken(polled):
    inputs = polled[0]
    begin = time.monotonic()
    inputs.wait(0.1)
    assert time.monotonic() - begin >= 0.09
    waiting = threading.Thread(target=inputs.wait, args=(60.0,))
    waiting.start()
    inputs.wake()
    waiting.join(30.0)
    assert not waiting.is_alive()


def test_a_subscription_made_later_is_waited_for_too(node, polled, taken, until):
    inputs = polled[0]
    inputs.wait(0.0)
    late = Topic("late", String, reliable(1))
    subscription, publisher = inputs.subscribe(late), node.create_publisher(String, "late", late.qos)
    until(publisher.get_subscription_count)
    publisher.publish(String(data="x"))
    assert taken(subscription, 1)[0].data == "x"


def test_what_cannot_be_read_is_refused_and_the_rest_comes(polled, collected, monkeypatch):
    inputs, text, _, say, _ = polled
    refused = []
    monkeypatch.setattr(inputs._refusals, "add", refused.append)

    def parse(message):
        if message.data == "bad":
            raise CommandError("a bad word is refused")
        return len(message.data) if message.data != "odd" else message.nothing

    for word in ("a", "bad", "odd", "bcd"):
        say.publish(String(data=word))
    out = collected(inputs, lambda: inputs.read_with_writer(text, parse), 2)
    assert [value for value, _ in out] == [1, 3] and all(isinstance(writer, bytes) for _, writer in out)
    assert refused[0] == "a bad word is refused" and refused[1].startswith("a message on /text cannot be read")


def test_drained_are_at_most_as_many_as_are_asked_for(polled, until):
    inputs, _, raw, _, send = polled
    for k in range(5):
        send.publish(JointState(name=[f"j{k}"]))
    out = []

    def look():
        drained = inputs.drain(raw, 2)
        assert len(drained) <= 2
        out.extend(data for data, _ in drained)
        return len(out) == 5

    until(look)
    assert all(f"j{k}".encode() in data for k, data in enumerate(out))


def test_it_listens_on_topics_by_their_names_below_the_namespace(node):
    subscription = PolledSubscriptions(node).subscribe(topics.STATE)
    assert subscription.topic_name == "/state"


def test_what_does_not_wake_is_there_after_the_next_wait(node, polled, until):
    inputs = polled[0]
    aside = Topic("aside", String, reliable(1))
    subscription, publisher = inputs.subscribe(aside, wakes=False), node.create_publisher(String, "aside", aside.qos)
    until(publisher.get_subscription_count)
    publisher.publish(String(data="x"))
    begin = time.monotonic()
    inputs.wait(0.3)
    assert time.monotonic() - begin >= 0.29
    assert [m.data for m in inputs.take(subscription)] == ["x"] and list(inputs.take(subscription)) == []
