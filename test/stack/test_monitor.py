"""What a monitor knows of a stack."""

from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.graph_connection import GraphConnection
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.monitor import StackMonitor


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
