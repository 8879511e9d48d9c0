"""A program of somebody's own that plans perturbations, with what is usual: no past messages."""

import json

from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import topics


def test_simulated_time_goes_on_with_a_planner_that_comes_late_and_asks_for_no_past_messages(start):
    stack = start(
        {"task": {"trial_s": 0.5}}, lockstep=True, effector="point_mass", namespace="late",
        only=("effector", "policy", "task"),
    )  # fmt: skip
    try:
        targets = stack.probe.hear(topics.TARGET)
        assert stack.until(lambda: targets and stack.diagnostics and stack.diagnostics[-1]["waiting_for"])
        assert stack.diagnostics[-1]["waiting_for"] == "perturbation" and stack.diagnostics[-1]["tick"] == 0
        t = topics.PERTURBATION
        plans = stack.probe.node.create_publisher(t.type, t.name, t.qos)

        def answer(message):
            trial = TrialPlan.from_json(message.data)
            plan = PerturbationPlan("none", trial.until_ns, trial.trial, (), trial.from_ns)
            plans.publish(t.type(data=plan.to_json()))

        stack.probe.node.create_subscription(topics.TARGET.type, topics.TARGET.name, answer, 10)
        assert stack.until(lambda: any(t["text"] == "end" and t["trial"] == 3 for t in stack.trials))
        told = [json.loads(m.data)["trial"] for m in targets]
        assert told.count(0) > 1, "the first plan was told again"
    finally:
        stack.close()
