"""The trials of a session: their kinds, their order, their perturbations."""

from collections import Counter

import numpy as np
import yaml

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.session import SessionBlock
from myoprosthesis.sessions.session_trials import CATCH, CHANNEL, NORMAL, plan, preset, trial_kinds


def test_special_trials_are_as_many_as_asked_for_and_spread():
    kinds = trial_kinds(SessionBlock("b", 248, catch_rate=0.1, channel_rate=0.125, lead_in=8), np.random.default_rng(3))
    assert Counter(kinds) == {CATCH: 24, CHANNEL: 30, NORMAL: 194} and set(kinds[:8]) == {NORMAL}
    gaps = np.diff([i for i, k in enumerate(kinds) if k == CHANNEL])
    assert gaps.max() < 16
    assert kinds == trial_kinds(SessionBlock("b", 248, catch_rate=0.1, channel_rate=0.125), np.random.default_rng(3))


def test_every_round_of_targets_is_whole_across_blocks(data):
    trials = plan(sessions.made(data(blocks=[{"name": "a", "trials": 12}, {"name": "b", "trials": 12}])))
    for turn in range(3):
        assert sorted(t.target for t in trials[8 * turn : 8 * turn + 8]) == list(range(8))
    elsewhere = plan(sessions.made(data(blocks=[{"name": "a", "trials": 8}, {"name": "b", "trials": 8, "targets": 4}])))
    assert {t.target for t in elsewhere[8:]} == {0, 1, 2, 3}
    other_seed = plan(sessions.made(data(seed=1)))
    assert [t.target for t in other_seed] != [t.target for t in plan(sessions.made(data()))]


def test_the_preset_imposes_what_each_trial_is(tmp_path, data):
    session = sessions.made(data(channel={"stiffness": 1500.0}))
    trials = plan(session)
    file = tmp_path / "perturbation.yaml"
    file.write_text(yaml.safe_dump(preset(session, trials)))
    planner = Planner(presets.load(str(file)))
    for trial in trials:
        entries = planner.plan(TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), 0)).entries
        wanted = {NORMAL: [10.0] if trial.block else [], CATCH: [], CHANNEL: [0.0]}[trial.kind]
        assert [e.values["B"][0][1] for e in entries] == wanted
        if trial.kind == CHANNEL:
            assert entries[0].values["K"][1][1] == -1500.0
