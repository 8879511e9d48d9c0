"""State of a stack: figures by condition, from what nodes report."""

import io

import pytest
from rich.console import Console

from myoprosthesis.cli.display import conditions_table, status_table, summary_table
from myoprosthesis.stack.status import StackStatus
from myoprosthesis.stack.trial_figures import quantile
from myoprosthesis.stack.trial_outcome import COLUMNS

S = 1_000_000_000


def reach(status, number, error=1.0, event="end", **more):
    """One trial of a second."""
    status.add_trial_event("start", {"trial": number, "time_ns": number * S})
    values = {"success": error < 10, "endpoint_error_mm": error, "lateral_deviation_mm": -error, **more}
    status.add_trial_event(event, {"trial": number, "time_ns": (number + 1) * S, "label": f"target {number}", **values})


def played(status, name, since_s=None):
    status.add_policy({"policy": name, "text": "active", "since_ns": None if since_s is None else int(since_s * S)})


def test_figures_are_kept_apart_by_policy_and_perturbation():
    status = StackStatus()
    played(status, "a")
    for number, field in enumerate(["null", "null", "curl", "curl", "curl"]):
        status.add_perturbation(number, field)
    played(status, "b", 4.0)
    for number, error in enumerate([1.0, 3.0, 40.0, 60.0, 2.0]):
        reach(status, number, error)
    got = [(c["policy"], c["perturbation"], c["trials"], c["endpoint_error_mm"]["median"], c["success_rate"])
           for c in status.conditions()]  # fmt: skip
    assert got == [("a", "null", 2, 2.0, 1.0), ("a", "curl", 2, 50.0, 0.0), ("b", "curl", 1, 2.0, 1.0)]
    summary = status.summary()
    assert summary["endpoint_error_mm"] is None and summary["success_rate"] is None  # of five trials of three kinds
    assert summary["trials"] == 5 and len(summary["conditions"]) == 3


def test_figures_of_a_task_of_its_own_are_shown_in_the_place_of_those_of_reaching():
    """In the table of conditions, and live: the mean of this condition, the trial that runs, the last one."""
    from rich.console import Console

    status = StackStatus()
    played(status, "baoding_ccw")
    status.add_perturbation(-1, "null")
    for number, score in enumerate([0.5, 0.75]):
        status.add_trial_event("start", {"trial": number, "time_ns": number * S})
        own = {"success": True, "score": score, "held": 1.0, "median_error_deg": 12.34}
        status.add_trial_event("end", {"trial": number, "time_ns": (number + 1) * S, "label": "ccw", **own})
    status.add_trial_event("start", {"trial": 2, "time_ns": 2 * S})
    figures = {"score": 0.25, "phase_error_deg": -7.0, "hostile": "words"}
    status.add_node("task", {"trial": 2, "label": "ccw", "figures": figures})
    assert status.running == {"trial": 2, "label": "ccw", "figures": {"score": 0.25, "phase_error_deg": -7.0}}
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(conditions_table(status.conditions()))
    console.print(status_table(status, {}))
    words = console.export_text()
    for part in ("score", "held", "median error, °", "0.62", "12.3", "2 ccw: score 0.25, phase error -7.0°"):
        assert part in words, words
    assert "1 ccw: score 0.75, held 1.00, median error 12.3°" in words
    assert "lateral" not in words and "on target" not in words and "endpoint error" not in words
    status.add_node("task", {"trial": 1, "label": "ccw", "figures": figures})
    assert status.running == {}  # of a trial that is over


def test_one_condition_stands_for_the_run():
    status = StackStatus()
    played(status, "a")
    status.add_perturbation(-1, "null")
    for number, error in enumerate([1.0, 2.0, 3.0]):
        reach(status, number, error)
    assert status.summary()["endpoint_error_mm"] == {"median": 2.0, "p95": pytest.approx(2.9)}
    assert status.summary()["lateral_deviation_mm"] == -2.0


def test_a_policy_that_changes_within_a_trial_makes_a_condition_of_its_own():
    """By the time at which it took over, whenever that was heard of."""
    status = StackStatus()
    played(status, "a")
    reach(status, 0)
    reach(status, 1)
    played(status, "b", 1.5)  # heard of after the trial was over
    reach(status, 2)
    assert [row["policy"] for row in status.table()] == ["a", "a → b", "b"]


def test_a_policy_without_a_switch_has_run_from_the_beginning_however_late_its_report_comes():
    status = StackStatus()
    reach(status, 0)
    played(status, "a")
    reach(status, 1)
    assert [row["policy"] for row in status.table()] == ["a", "a"]


def test_trials_whose_condition_was_not_heard_of_have_no_part_in_figures():
    """Who listens late hears of all trials, and only of the newest policy and plans."""
    status = StackStatus()
    for number in range(4):
        reach(status, number, 100.0)
    status.add_policy({"policy": "b", "text": "active", "since_ns": int(3.5 * S), "previous": "a"})
    status.add_perturbation(4, "curl")
    reach(status, 4, 2.0)
    s = status.summary()
    assert [(c["policy"], c["perturbation"], c["trials"]) for c in s["conditions"]] == [("b", "curl", 1)]
    assert (s["trials_scored"], s["trials_of_unknown_condition"], s["endpoint_error_mm"]) == (5, 4, None)
    assert [row["policy"] for row in s["by_trial"]] == ["", "", "", "", "b"]


def test_the_columns_of_the_table_are_the_same_whatever_happened():
    status = StackStatus()
    status.add_trial_event("start", {"trial": 0, "time_ns": 0})
    status.add_trial_event("lost", {"trial": 0, "time_ns": S, "why": "emergency stop"})
    (row,) = status.table()
    assert tuple(row) == COLUMNS and row["endpoint_error_mm"] is None and row["lost"] == "emergency stop"
    reach(status, 1, pegs_moved=3, drops=1, start=(0.0, 0.0, 0.0))
    assert [tuple(row) for row in status.table()] == [(*COLUMNS, "drops", "pegs_moved")] * 2


def test_the_next_trial_is_the_one_that_runs():
    status = StackStatus()
    assert status.next_trial is None
    reach(status, 4)
    reach(status, 5, event="lost")
    status.add_trial_event("start", {"trial": 6, "time_ns": 6 * S})
    assert status.next_trial == 6


def test_ticks_and_what_the_guard_counts_are_of_every_run_of_the_effector():
    status = StackStatus()
    events = {"stale": 2, "idle": 1}
    status.add_effector({"ticks": 500, "missed_ticks": 3, "seconds": 5.0, "dt": 0.01, "events": events})
    status.add_effector({"effector": "arm26", "idle": "not configured"})
    status.add_effector({"ticks": 10, "missed_ticks": 1, "seconds": 0.1, "dt": 0.01, "events": {"stale": 1}})
    status.add_effector({"ticks": 100, "missed_ticks": 1, "seconds": 1.0, "dt": 0.01, "events": {"stale": 1}})
    s = status.summary()
    assert (s["ticks"], s["missed_ticks"], s["effector_runs"]) == (600, 4, 2)
    assert s["guard_events"] == {"stale": 3, "idle": 1} and s["real_time_factor"] == pytest.approx(1.0)


def test_what_was_cut_of_a_policy_s_actions_is_counted_over_swaps_and_restarts():
    status = StackStatus()
    for policy, clipped in (("one", 0), ("one", 5), ("two", 3), ("one", 7), ("one", 2), ("one", 2)):
        status.add_node("policy", {"policy": policy, "events": {"clipped": clipped, "inputs": 9}})
    status.add_node("policy", {"policy": "two", "events": {"clipped": "many", "non_finite": 1}})
    status.add_node("policy", {"events": None})
    counts = status.summary()["policy_events"]
    assert counts == {"one": {"clipped": 9}, "two": {"clipped": 3, "non_finite": 1}}
    console = Console(file=io.StringIO(), width=120)
    console.print(summary_table({**status.summary(), "task": ""}))
    shown = console.file.getvalue()
    assert "9 of one beyond a limit of its contract, cut to it" in shown and "1 of two not finite, refused" in shown


def test_lost_catch_and_unscored_trials_have_no_part_in_figures():
    status = StackStatus()
    played(status, "a")
    reach(status, 0, 1.0)
    reach(status, 1, 500.0, event="lost", why="emergency stop")
    reach(status, 2, 500.0, catch=True)
    reach(status, 3, 500.0, scored=False)
    s = status.summary()
    assert (s["trials"], s["trials_scored"], s["trials_lost"]) == (3, 1, 1) and s["endpoint_error_mm"]["median"] == 1.0
    assert [row["lost"] for row in s["by_trial"]] == ["", "emergency stop", "", ""]
    assert [row["scored"] for row in s["by_trial"]] == [True, False, False, False]


def test_a_trial_s_row_says_where_when_and_every_figure_of_its_task():
    status = StackStatus()
    played(status, "a")
    status.add_perturbation(0, "null")
    reach(status, 0, 1.0, start=(0.0, 0.1, 0.2), target=(1.0, 1.1, 1.2), pegs_moved=3)
    (row,) = status.table()
    assert row["start_y_m"] == 0.1 and row["target_z_m"] == 1.2 and row["pegs_moved"] == 3
    assert (row["start_s"], row["end_s"]) == (0.0, 1.0) and row["label"] == "target 0"
    assert (row["policy"], row["perturbation"]) == ("a", "null")


def test_a_task_that_judges_by_other_figures_has_trials_and_no_errors():
    status = StackStatus()
    status.add_trial_event("start", {"trial": 0, "time_ns": 0})
    status.add_trial_event("end", {"trial": 0, "time_ns": S, "success": True, "pegs_moved": 3})
    (c,) = status.conditions()
    assert c["success_rate"] == 1.0 and c["endpoint_error_mm"] is None and c["lateral_deviation_mm"] is None


@pytest.mark.parametrize("values", [{}, {"trial": "x", "time_ns": 1}, {"trial": 1}, {"trial": 1, "time_ns": None}])
def test_an_event_that_says_too_little_is_ignored(values):
    status = StackStatus()
    for event in ("start", "end", "lost"):
        status.add_trial_event(event, values)
    assert status.trials == [] and status.trial == -1


def test_the_rate_and_the_perturbation_are_the_effector_s_own_word():
    status = StackStatus()
    assert status.effector.rate == 0.0 and status.perturbation == ""
    status.add_perturbation(-1, "null")
    assert status.perturbation == "null"
    status.add_effector({"ticks": 500, "seconds": 5.0, "dt": 0.01, "rate": 100.2, "perturbation": "curl"})
    assert status.effector.rate == 100.2 and status.perturbation == "curl"
    assert status.summary()["real_time_factor"] == pytest.approx(1.0)


def test_figures_are_kept_apart_by_effector_and_period():
    status = StackStatus()
    played(status, "a")
    status.add_perturbation(-1, "null")
    for number, (body, dt) in enumerate([("arm26", 0.01), ("arm26", 0.01), ("arm26", 0.002), ("point_mass", 0.01)]):
        reach(status, number, error=number, effector=body, dt=dt)
    found = [(c["effector"], c["dt"], c["trials"]) for c in status.conditions()]
    assert found == [("arm26", 0.01, 2), ("arm26", 0.002, 1), ("point_mass", 0.01, 1)]
    assert status.summary()["endpoint_error_mm"] is None, "there were several conditions"
    assert [row["effector"] for row in status.table()] == ["arm26"] * 3 + ["point_mass"]
    console = Console(file=io.StringIO(), width=120)
    console.print(conditions_table(status.conditions()))
    assert "arm26, 2 ms" in console.file.getvalue() and "point_mass, 10 ms" in console.file.getvalue()


def test_figures_are_kept_apart_by_the_options_of_effector_and_task():
    status = StackStatus()
    played(status, "a")
    status.add_perturbation(-1, "null")
    options = [("", ""), ("mass 2", ""), ("mass 2", ""), ("mass 2", "targets 4")]
    for number, (effector, task) in enumerate(options):
        made = {"effector": "point_mass", "dt": 0.01, "effector_options": effector, "task_options": task}
        reach(status, number, error=number, **made)
    found = [(c["effector_options"], c["task_options"], c["trials"]) for c in status.conditions()]
    assert found == [("", "", 1), ("mass 2", "", 2), ("mass 2", "targets 4", 1)]
    assert [(row["effector_options"], row["task_options"]) for row in status.table()] == options
    console = Console(file=io.StringIO(), width=140)
    console.print(conditions_table(status.conditions()))
    assert "point_mass, mass 2, 10 ms" in console.file.getvalue() and "targets 4" in console.file.getvalue()


def test_a_hand_beside_muscles_has_counts_of_its_own():
    status = StackStatus()
    status.add_effector({"effector": "myohand", "ticks": 500, "seconds": 5.0, "dt": 0.01})
    assert "hand" not in status.summary()
    counted = {"ticks": 90, "missed_ticks": 2, "events": {"estop": 1}, "device": {"damaged": 3}}
    status.add_node("hand/effector", {"effector": "leap", "idle": "emergency stop", **counted})
    hand = status.summary()["hand"]
    assert hand["guard_events"] == {"estop": 1} and hand["device_events"] == {"damaged": 3} and hand["ticks"] == 90
    console = Console(file=io.StringIO(), width=120)
    console.print(status_table(status, {}))
    console.print(summary_table({**status.summary(), "task": ""}))
    live, summary = console.file.getvalue().split("Summary")
    assert "leap  not following joints: emergency stop" in live and "leap, 90 ticks" in summary
    assert "1 emergency stop" in summary


def decided(status, n, **by_perturbation):
    status.add_node("policy", {"policy": "d", "decided": {"d": by_perturbation}, "events": {"decisions": n}})


def test_decisions_are_of_the_condition_that_the_decoder_says_whenever_it_is_heard():
    """Also for who listens late, or hears of the next condition first."""
    status = StackStatus()
    status.add_node("emg", {"source": "recording"})
    status.add_perturbation(-1, "turned")
    right, wrong = {"rest": {"rest": 20}, "fist": {"fist": 8}}, {"fist": {"rest": 7}}
    decided(status, 40, null=right, turned=wrong)
    one, two = status.summary()["conditions"]
    assert (one["perturbation"], one["accuracy"]) == ("null", 1.0) and one["per_class"] == {"fist": 1.0, "rest": 1.0}
    assert (two["perturbation"], two["accuracy"]) == ("turned", 0.0) and (one["judged"], two["judged"]) == (28, 7)
    decided(status, 1, turned={"rest": {"rest": 1}})  # it was started again
    decided(status, 2, turned={"rest": {"rest": 2}})
    one, two = status.summary()["conditions"]
    assert one["accuracy"] == 1.0 and two["per_class"] == {"fist": 0.0, "rest": 1.0} and two["accuracy"] == 2 / 9


def test_a_policy_that_was_written_over_is_another_condition():
    """Swapped in again under the same path after a training."""
    status = StackStatus()
    for since, sha in ((0.0, "aa11bb22"), (2.0, "cc33dd44")):
        values = {"policy": "mine/policy.onnx", "text": "active", "since_ns": int(since * S), "sha256": sha}
        status.add_policy(values)
        status.add_policy(values)
    status.add_perturbation(-1, "null")
    for n in range(4):
        reach(status, n)
    assert [c["policy"] for c in status.summary()["conditions"]] == ["mine/policy.onnx", "mine/policy.onnx cc33dd"]


def test_what_a_decoder_counted_before_it_was_started_again_still_counts():
    status = StackStatus()
    status.add_node("emg", {"source": "recording"})
    for n, rejected, right in ((10, 2, 6), (40, 8, 20), (5, 1, 1)):
        prompted = {"fist": {"fist": right, "rest": 1}}
        events = {"decisions": n, "rejected": rejected, "drift_events": 1}
        status.add_node("policy", {"policy": "d", "prompted": prompted, "events": events})
    figures = status.summary()
    assert (figures["decisions"], figures["rejection_rate"], figures["drift_events"]) == (45, 9 / 45, 2)
    assert (figures["judged"], figures["accuracy"]) == (23, 21 / 23)


def test_who_comes_late_knows_whether_the_last_trial_was_heard_of():
    status = StackStatus()
    assert not status.trials_complete
    status.add_newest_event("go", {"trial": 7})
    reach(status, 4)
    reach(status, 5, event="lost")
    assert not status.trials_complete
    reach(status, 6)
    assert status.trials_complete
    status.add_newest_event("lost", {"trial": 7})
    assert not status.trials_complete
    reach(status, 7, event="lost")
    assert status.trials_complete


def test_quantiles_lie_between_the_ordered_values():
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0 and quantile([0.0, 1.0], 0.95) == 0.95 and quantile([7.0], 0.3) == 7.0


def test_states_that_did_not_come_are_counted_and_said():
    status = StackStatus()
    reach(status, 0, samples=100, expected=100)
    reach(status, 1, samples=97, expected=100)
    reach(status, 2)
    reach(status, 3, event="lost", why="emergency stop", samples=20, expected=100)
    s = status.summary()
    assert [row["states_missing"] for row in s["by_trial"]] == [0, 3, None, 80] and s["states_missing"] == 3
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary_table({**s, "task": "centre_out"}))
    assert "3 states of these did not come (figures without them)" in console.export_text()


def test_who_needs_no_figures_of_them_keeps_few_trials_and_counts_all():
    status = StackStatus(keep=3)
    for number in range(50):
        status.add_perturbation(number, "null")
        reach(status, number, event="lost" if number == 4 else "end", why="emergency stop")
    assert [t.number for t in status.trials] == [47, 48, 49] and (status.over, status.lost) == (50, 1)
    assert status.condition(status.trials[0])[1] == "null" and len(status._plans) == 3
    whole = StackStatus()
    for number in range(50):
        reach(whole, number)
    assert len(whole.trials) == whole.over == 50


def test_a_recording_that_lacks_something_is_told_of():
    status = StackStatus()
    status.add_recorder({"folder": "a", "text": "recording", "lost": 0, "fault": ""})
    assert status.not_whole() == []
    status.add_recorder({"folder": "a", "text": "recording", "lost": 1, "fault": ""})
    status.add_recorder({"folder": "b", "text": "disk full", "lost": 12, "fault": "disk full"})
    assert status.not_whole() == ["a is not whole, 1 message lost", "b is not whole, 12 messages lost: disk full"]


def test_a_paused_effector_follows_no_commands():
    status = StackStatus()
    status.add_effector({"effector": "arm26", "text": "paused", "dt": 0.01, "ticks": 5, "tick": 5, "paused": True})
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(status_table(status, {}))
    assert "not following commands: paused" in console.export_text()
