"""What a monitor knows of a stack."""

import time

from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.graph_connection import GraphConnection
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.monitor import StackMonitor, StatusSubscriptions


def test_last_words_are_heard_although_much_was_said_after_them():
    """An effector ends first; the others go on for seconds, in which nobody reads."""
    with StackMonitor("unheard") as monitor, GraphConnection("unheard", "effector") as effector:
        node = effector.node
        told = Diagnostics(node, "effector")
        while not told._publisher.get_subscription_count():
            monitor.spin_once(0.05)
        told.tell("emergency stop", {"events": {"estop": 1}})
        others = Diagnostics(node, "policy")
        while not others._publisher.get_subscription_count():
            monitor.spin_once(0.05)
        for _ in range(100):
            others.tell("active", {})
        monitor.spin(1.0)
        assert monitor.status.effector.events == {"estop": 1}


def test_polled_reports_are_taken_in_when_they_are_asked_for():
    with GraphConnection("asked", "onlooker") as onlooker, GraphConnection("asked", "effector") as effector:
        following = StatusSubscriptions(onlooker.node, 16, polled=True)
        reports, kind = Diagnostics(effector.node, "effector"), topics.TRIAL_EVENTS
        events = effector.node.create_publisher(kind.type, kind.name, kind.qos)
        end = time.monotonic() + 10.0
        while not (reports._publisher.get_subscription_count() and events.get_subscription_count()):
            assert time.monotonic() < end
            time.sleep(0.05)
        reports.tell("following commands", {"ticks": 7})
        for k in range(150):
            events.publish(diagnostic_status.status("task", "end", {"trial": k, "time_ns": k}))
        onlooker.spin(0.5)
        assert following.status.effector.ticks == 0, "nothing is taken in by the way"
        following.take()
        assert following.status.effector.ticks == 7 and following.status.over == 150


def test_several_live_in_one_process_and_one_that_closes_leaves_the_others(domain):
    """As in a server that steers and follows stacks for hours."""
    with StackMonitor("apart") as monitor, GraphConnection("apart", "effector") as effector:
        reports = Diagnostics(effector.node, "effector")
        assert monitor.spin_until(lambda: reports._publisher.get_subscription_count(), 10.0)
        for k in range(3):
            with StackClient("apart") as client:
                assert client.spin_until(lambda: client.node.count_publishers("/diagnostics"), 10.0)
            client.close()  # twice is safe
            reports.tell("following commands", {"ticks": k + 1})
            assert monitor.spin_until(lambda k=k: monitor.status.effector.ticks == k + 1, 10.0)
