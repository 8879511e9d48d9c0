"""A walk that is asked for something else while it goes on: no jump, within the limits, and said where it is not."""

import math
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.goal import pieces
from myoprosthesis.core.leg_names import COMPARED
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.tasks.commandable_task import CommandableTask
from myoprosthesis.tasks.steerable_task import SteerableTask
from myoprosthesis.tasks.walk import Walk, WalkOptions
from myoprosthesis.tasks.walk_channels import BESIDE, of_reference
from myoprosthesis.tasks.walk_course import MOST_PIECES, RAMP_M_S, RAMP_S, standing_phase

DEG = math.radians(1.0)


def walk(**options):
    return Walk(build(WalkOptions, {"trial_s": 60.0, "phase": (0.3, 0.3), "stands": True, **options}), 0.03125)


def begun(**options):
    return walk(**options).plan(0, 0)


def commanded(*steps, at_s=2.0, plan=None, **options):
    return walk(**options).commanded(plan or begun(**options), ns(at_s), steps)


def course(plan, seconds):
    """Speed, heading, x, y of the way; (n, 4)."""
    names = [f"command/{name}" for name in ("speed", "heading", "x", "y")]
    return np.array([[plan.goal(ns(t))[name] for name in names] for t in seconds])


def test_it_goes_on_from_where_it_is_asked_to_be():
    plan = begun(turn_deg_s=(20.0, 20.0), straight=0.0, heading_deg=(40.0, 40.0))
    done = commanded(WayStep(speed=1.4, heading=-60 * DEG), plan=plan)
    seconds = np.arange(0.0, 12.0, 4e-3)
    way = course(done.plan, seconds)
    np.testing.assert_allclose(way[seconds < 2.0], course(plan, seconds[seconds < 2.0]), atol=1e-12)
    gone = np.diff(way[:, 2:], axis=0) / 4e-3  # the place moves along the heading, with the speed, all the time
    middle = way[:-1, 1] + 0.5 * np.diff(way[:, 1])
    expected = way[:-1, :1] * np.stack([np.cos(middle), np.sin(middle)], 1)
    assert np.abs(gone - expected).max() < 0.11 and np.median(np.abs(gone - expected)) < 1e-6
    assert np.abs(np.diff(way[:, 1])).max() < 31 * DEG * 4e-3 and np.abs(np.diff(way[:, 0])).max() <= RAMP_M_S + 1e-9
    assert way[-1, :2] == pytest.approx([1.4, -60 * DEG])
    turning = seconds[np.abs(way[:, 1] + 60 * DEG) > 1e-6].max() - 2.0
    assert turning == pytest.approx(140.0 / 30.0, abs=0.01)  # from 80 deg, by the shorter side
    assert (done.speed, done.heading, done.notes) == (1.4, pytest.approx(-60 * DEG), ())


def test_the_cycle_goes_on_where_it_is_while_the_clip_changes():
    done = commanded(WayStep(speed=1.8))
    seconds = np.arange(0.0, 6.0, 4e-3)
    phase = np.unwrap([done.plan.goal(ns(t))["reference/phase"] for t in seconds])
    assert np.diff(phase).min() > 0.0 and np.diff(phase).max() < 2 * math.pi * 1.5 * 4e-3
    clips = [piece.name for _, piece in pieces(done.plan.goals[0])]
    assert list(dict.fromkeys(clips)) == [f"walk_1.{k}" for k in range(3, 9)]
    knees = np.array([[done.plan.goal(ns(t))[name] for name in of_reference(COMPARED)] for t in seconds])
    assert np.degrees(np.abs(np.diff(knees, axis=0)).max()) < 6.0  # of postures, between clips of 0.1 m/s


def test_a_speed_is_reached_in_small_steps():
    done = commanded(WayStep(speed=0.8), speed=(1.2, 1.2))
    speeds = course(done.plan, 2.0 + RAMP_S * (np.arange(5) + 0.5))[:, 0]
    np.testing.assert_allclose(speeds, [1.1, 1.0, 0.9, 0.8, 0.8])


def test_what_is_out_of_range_is_limited_and_said():
    done = commanded(WayStep(speed=3.0, heading=500 * DEG))
    assert done.speed == 1.8 and done.heading == pytest.approx(0.0, abs=1e-9)
    assert done.notes == (
        "the speed is limited to 1.8 m/s (asked for: 3)",
        "the heading is limited to 360 deg (asked for: 500)",
    )
    assert commanded(WayStep(faster=-0.7), speed=(1.2, 1.2)).notes == (
        "the speed is limited to 0.8 m/s (asked for: 0.5)",
    )
    assert commanded(WayStep(speed=1.0), asked_speed=(0.5, 0.9)).speed == 0.9


def test_steps_follow_each_other():
    steps = (WayStep(speed=1.2, for_s=5.0), WayStep(turn=90 * DEG), WayStep(gait="stop"))
    done = commanded(*steps, speed=(1.2, 1.2))
    speed, heading = course(done.plan, [6.9, 10.1, 16.0])[:, :2].T
    assert (speed[0], heading[0]) == (1.2, 0.0) and heading[1] == pytest.approx(90 * DEG)
    assert (done.speed, speed[2]) == (0.0, 0.0) and done.heading == pytest.approx(90 * DEG)
    assert course(done.plan, [16.0, 59.0])[0].tolist() == course(done.plan, [16.0, 59.0])[1].tolist()
    assert done.notes == ()
    assert "takes 3.0 s" in commanded(WayStep(turn=90 * DEG, for_s=1.0), WayStep(gait="stop")).notes[0]
    assert "nothing follows" in commanded(WayStep(speed=1.0, for_s=1.0)).notes[0]
    assert "ends 1.0 s before" in commanded(WayStep(for_s=59.0), WayStep(gait="walk")).notes[0]


def test_it_stands_with_both_feet_on_the_floor_and_goes_on_from_there():
    stopped = commanded(WayStep(gait="stop"))
    goal = stopped.plan.goal_motion(ns(20.0))
    assert goal["reference/foot_r"] == (1.0, 0.0) and goal["reference/foot_l"] == (1.0, 0.0)
    assert all(goal[name][1] == 0.0 for name in of_reference((*COMPARED, *BESIDE))) and goal["command/x"][1] == 0.0
    on = commanded(WayStep(speed=1.0), plan=stopped.plan, at_s=30.0)
    before, after = (on.plan.goal(ns(t)) for t in (30.0 - 1e-6, 30.0 + 1e-6))
    assert before["reference/phase"] == pytest.approx(after["reference/phase"], abs=1e-4)
    assert on.speed == 1.0 and on.plan.goal(ns(40.0))["command/x"] > after["command/x"] + 8.0
    with pytest.raises(Refused, match="it stands, and turns while it walks only"):
        commanded(WayStep(turn=1.0), plan=stopped.plan, at_s=30.0)
    with pytest.raises(Refused, match="it cannot stop: its policy has not learned to stand, and walks at 0.8"):
        commanded(WayStep(speed=1.0), WayStep(speed=0.0), stands=False)
    with pytest.raises(Refused, match="run_2.8 never has both feet on the floor"):
        commanded(WayStep(gait="stop"), clips=("run_2.8",), speed=(2.8, 2.8), asked_speed=(2.0, 3.2))


def test_it_comes_to_stand_within_the_next_double_support():
    clip = motion_clip.read(motion_clip.find("walk_1.0"))
    feet = [list(clip.units).index(name) for name in ("foot_r", "foot_l")]
    ends = {standing_phase(clip, phase) for phase in np.linspace(0.0, 0.99, 34)}
    assert len(ends) == 2 and abs(abs(np.diff(sorted(ends))[0]) - 0.5) < 0.02
    for end in ends:
        assert (clip.sampled(np.array([end * clip.duration_s]))[0][0, feet] > 0.9).all()


def test_what_stops_a_walk_is_no_more_than_feet_on_the_floor_can_bear():
    """The pelvis is slowed as one whose centre of pressure stays within the front foot: x'' = ω² (x − p)."""
    plan = commanded(WayStep(gait="stop"), speed=(0.8, 0.8)).plan
    times = np.arange(0.0, 8.0, 0.005)
    goals = [plan.goal(ns(t)) for t in times]
    place = np.array([goal["command/x"] for goal in goals])
    speed, both = np.gradient(place, times), np.array([g["reference/foot_r"] + g["reference/foot_l"] for g in goals])
    slowing = (speed < 0.79) & (speed > 0.01)
    assert (both[slowing] > 1.9).mean() > 0.9 and 0.2 < np.ptp(times[slowing]) < 0.6
    assert np.ptp(place[slowing]) == pytest.approx(0.5 * 0.8 * np.ptp(times[slowing]), rel=0.25)  # evenly
    assert 0.8 / np.ptp(times[slowing]) < 9.81 / 0.9 * 0.35  # m/s²; the toes are 0.35 m ahead
    assert goals[-1]["reference/phase"] == goals[-400]["reference/phase"]


def test_a_change_that_goes_on_is_what_the_next_one_adds_to():
    first = commanded(WayStep(turn=90 * DEG, speed=1.8))
    second = commanded(WayStep(faster=-0.2), plan=first.plan, at_s=3.0)  # in the middle of both
    assert second.heading == pytest.approx(90 * DEG) and second.speed == pytest.approx(1.6)
    third = commanded(WayStep(turn=90 * DEG), plan=second.plan, at_s=3.5)
    assert third.heading == pytest.approx(math.pi) and third.speed == pytest.approx(1.6)
    assert course(third.plan, [30.0])[0, 1] == pytest.approx(math.pi)


def test_what_was_to_follow_is_dropped_by_the_next_command():
    first = commanded(WayStep(for_s=5.0), WayStep(gait="stop"), speed=(1.2, 1.2))
    second = commanded(WayStep(turn=10 * DEG), plan=first.plan, at_s=4.0)
    assert second.speed == 1.2 and course(second.plan, [50.0])[0, 0] == 1.2


def test_later_trials_begin_with_what_was_asked_for():
    done = commanded(WayStep(speed=1.4, heading=30 * DEG), speed=(0.8, 1.8), turn_deg_s=(-30, 30))
    for trial in range(1, 4):
        assert course(done.task.plan(trial, 0), [0.0, 9.0])[:, :2] == pytest.approx(np.array([[1.4, 30 * DEG]] * 2))
    still = commanded(WayStep(gait="stop")).task.plan(1, 0)
    assert still.goal_motion(ns(5.0))["command/speed"] == (0.0, 0.0) and not any(still.initial_velocity.values())
    assert isinstance(done.task, CommandableTask)


def test_a_gait_that_the_task_does_not_have_is_refused_with_what_would_work():
    with pytest.raises(Refused, match=r"cannot run: its clips walk; .*task.clips=\[run\]"):
        commanded(WayStep(gait="run"))
    fast = commanded(WayStep(gait="run"), clips=("walk", "run_2.8"), asked_speed=(0.8, 3.0))
    assert fast.speed == 2.8 and pieces(fast.plan.goals[0])[-1][1].name == "run_2.8"
    assert commanded(WayStep(gait="walk"), plan=commanded(WayStep(gait="stop")).plan, at_s=20.0).speed == 1.25


def test_a_clip_by_name_and_hash_is_followed_and_one_of_arms_is_refused(tmp_path, monkeypatch):
    clip = motion_clip.read(motion_clip.find("person_falisse"))
    done = commanded(WayStep(clip=clip.name, sha256=clip.sha256))
    assert pieces(done.plan.goals[0])[-1][1].name == "person_falisse" and 1.2 < done.speed < 1.4
    (tmp_path / "wave.csv").write_text("time_s,elbow\n0,0\n1,1\n")
    monkeypatch.setenv(motion_clip.FOLDERS, str(tmp_path))
    wave = motion_clip.read(motion_clip.find("wave"))
    with pytest.raises(ValueError, match="the clip wave has no column root/x: it is none of legs"):
        commanded(WayStep(clip="wave", sha256=wave.sha256))


def test_a_policy_that_runs_takes_a_walk_over_on_the_same_way_and_gives_it_back():
    plan = begun(speed=(1.4, 1.4), heading_deg=(20.0, 20.0))
    run = walk(clips=("run_2.8",), speed=(2.8, 2.8), asked_speed=(2.0, 3.2))
    assert isinstance(run, SteerableTask)
    running = run.redirected(plan, ns(5.0))
    assert course(running, [4.9, 12.0])[:, :2] == pytest.approx(np.array([[1.4, 20 * DEG], [2.8, 20 * DEG]]))
    assert {p.name for t, p in pieces(running.goals[0]) if t >= 5.0} == {"run_2.8"}
    seconds = np.arange(4.0, 12.0, 1e-3)
    phase = np.unwrap([running.goal(ns(t))["reference/phase"] for t in seconds])
    assert np.diff(phase).min() > 0.0 and np.diff(phase).max() < 2 * math.pi * 2.0 * 1e-3
    again = walk(speed=(0.8, 1.8)).redirected(running, ns(15.0))
    assert course(again, [14.9, 30.0])[:, 0].tolist() == pytest.approx([2.8, 1.8])
    assert pieces(again.goals[0])[-1][1].name == "walk_1.8" and again.label.endswith(" → 1.80 m/s")
    assert (again.trial, again.from_ns, again.until_ns) == (plan.trial, plan.from_ns, plan.until_ns)


@pytest.mark.parametrize("place", [(2.0, 2.0), (-2.0, 0.1), (0.3, -0.4), (1.0, 0.0), (30.0, -9.0)])
def test_the_way_leads_through_a_place_wherever_it_is(place):
    """Its speed changes first; then it turns at no more than its rate, and the last metres are straight."""
    done = commanded(WayStep(to=place, speed=1.0), speed=(1.25, 1.25), heading_deg=(20.0, 20.0), stands=False)
    seconds = np.arange(2.0, 45.0, 0.02)
    way = course(done.plan, seconds)
    away = np.linalg.norm(way[:, 2:] - place, axis=1)
    k = int(away.argmin())
    assert away[k] < 0.011 and done.speed == 1.0
    assert math.remainder(done.heading - way[-1, 1], 2 * math.pi) == pytest.approx(0.0, abs=1e-9)
    assert np.abs(np.diff(way[:, 1])).max() < 31 * DEG * 0.02
    assert np.ptp(way[max(k - 299, 0) :, 1]) < 1e-9 and way[-1, 0] == 1.0
    (note,) = done.notes
    words = note.split(" s, and walks on: its policy has not learned to stand")[0].split()
    assert " ".join(words[:-1]) == f"it comes to ({place[0]:g}, {place[1]:g}) m after"
    assert float(words[-1]) == pytest.approx(seconds[k] - 2.0, abs=0.08)


def test_a_policy_that_stands_does_so_at_the_place():
    done = commanded(WayStep(to=(1.5, -1.0)), WayStep(for_s=3.0), WayStep(speed=1.0, turn=90 * DEG))
    end = np.array([done.plan.goal(ns(t))["command/speed"] for t in np.arange(2.0, 59.0, 0.1)])
    still = course(done.plan, [2.0 + 0.1 * float(np.flatnonzero(end == 0.0)[0])])[0]
    assert np.linalg.norm(still[2:] - (1.5, -1.0)) < 0.25  # half a step to either side
    assert 2.5 < 0.1 * (end == 0.0).sum() < 4.0 and "and stands 0." in done.notes[0] and end[-1] == 1.0


def test_a_plan_that_was_changed_often_still_fits_a_message():
    plan, k = begun(), 0
    with pytest.raises(Refused, match=f"change {MOST_PIECES} times at most"):
        for k in range(1000):
            speed = 1.25 + 0.09 * (k % 2)
            plan = commanded(WayStep(speed=speed, heading=(k % 3) * DEG), plan=plan, at_s=1.0 + 0.5 * k).plan
    assert k > 40
    again = TrialPlan.from_json(plan.to_json())
    assert replace(again, initial=plan.initial) == plan
    assert course(again, [5.0, 20.0, 50.0]).tolist() == course(plan, [5.0, 20.0, 50.0]).tolist()
