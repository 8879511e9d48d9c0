"""Who listens to the plans of trials."""

from __future__ import annotations

import time

from rclpy.node import Node

from myoprosthesis.nodes import topics

MEET_S = 1.0
"""Wall time in which those who command or perturb come to hear of plans; a program that never listens is not waited for
any longer."""


class PlanAudience:
    """Whether the plans that a node publishes reach those who command and perturb the effector.

    Nodes find each other one by one: for some tenths of a second an effector may follow a policy that does not yet hear
    of trials.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._complete, self._asked = False, 0.0

    def complete(self) -> bool:
        """Whether all of them listen, or have been waited for; once it is so it stays so."""
        if not self._complete:
            self._asked = self._asked or time.monotonic()
            node = self._node
            commands, perturbations, plans = (
                node.resolve_topic_name(t.name) for t in (topics.COMMAND, topics.PERTURBATION, topics.TARGET)
            )
            commanding, perturbing, listening = (
                {(end.node_namespace, end.node_name) for end in ends}
                for ends in (
                    node.get_publishers_info_by_topic(commands),
                    node.get_publishers_info_by_topic(perturbations),
                    node.get_subscriptions_info_by_topic(plans),
                )
            )
            known = bool(commanding) and commanding | perturbing <= listening
            self._complete = known or time.monotonic() > self._asked + MEET_S
        return self._complete
