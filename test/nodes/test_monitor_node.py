"""What a console hears of a stack."""

import rclpy

from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.monitor_node import listening


def test_last_words_are_heard_although_much_was_said_after_them():
    """An effector ends first; the others go on for seconds, in which nobody reads."""
    with listening(namespace="unheard") as console:
        node = rclpy.create_node("effector", namespace="unheard")
        told = Diagnostics(node, "effector")
        while not told._publisher.get_subscription_count():
            console.hear(0.05)
        told.tell("emergency stop", {"events": {"estop": 1}})
        others = Diagnostics(node, "policy")
        while not others._publisher.get_subscription_count():
            console.hear_for(0.0)
        for _ in range(100):
            others.tell("active", {})
        node.destroy_node()
        console.hear_for(1.0)
        assert console.score.effector["events"] == {"estop": 1}
