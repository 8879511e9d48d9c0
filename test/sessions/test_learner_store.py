"""The learner of a session on the disk: which policies are kept, and what a cut session goes on from."""

from types import SimpleNamespace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord
from myoprosthesis.sessions import learner_store
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.folder import COLUMNS, SessionFolder, line
from myoprosthesis.sessions.learner_store import LearnerStore
from myoprosthesis.sessions.session_trials import plan


class Counting:
    """A learner whose whole state is how often it has practised."""

    def __init__(self):
        self.practised, self.observed = 0, []

    @property
    def estimate(self):
        return SimpleNamespace(gain=0.5 * self.practised)

    def observe(self, movement):
        self.observed.append(movement)

    def practise(self):
        self.practised += 1
        return 0.25

    def state(self):
        return {"practised": self.practised}

    def restore(self, state):
        self.practised = state["practised"]

    def export(self, path, name):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name} {self.practised}")


@pytest.fixture
def opened(tmp_path, data, monkeypatch):
    """Opens the session's folder with a new learner, as a run or a resumed one does."""
    monkeypatch.setattr(learner_store, "learner", lambda session, compiled: Counting())
    block = {"name": "adaptation", "trials": 6, "perturbation": "curl_cw", "learning": True}
    session = sessions.made(
        data(blocks=[{"name": "baseline", "trials": 4, "learning": False}, block], learner={"compile": "off"})
    )
    trials = plan(session)
    folder = SessionFolder.create(tmp_path / "s", session, trials, "myoprosthesis session run some")
    return lambda: LearnerStore(session, folder, trials, lambda who, text: None)


def record(trial):
    there = TrialPlan(trial.number, ns(5), ns(6), (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), ns(5.2))
    return TrialRecord(there, 0.01, ENDPOINT, ns(5) + np.arange(3) * ns(0.01), np.zeros((3, 3, 3)))


def test_what_a_learning_block_shows_is_practised_in_the_time_of_its_trial(opened):
    store = opened()
    first, learning = store.trials[0], next(t for t in store.trials if t.block == 1)
    assert store.learn(first, record(first)) is None and not store._learner.observed
    assert store.learn(learning, record(learning)) == 0.25 and store.gain == 0.5
    (movement,) = store._learner.observed
    np.testing.assert_allclose(movement.time, [0.0, 0.01, 0.02])
    assert movement.go_s == pytest.approx(0.2)


def test_policies_at_the_ends_of_blocks_stay_and_the_others_go_once_nobody_needs_them(opened):
    store = opened()
    assert store.resume(0) == 0
    for trial in store.trials:
        store.commit(trial.number + 1, "")
    numbers = sorted(int(p.stem[-4:]) for p in store.folder.policies.glob("*.onnx"))
    assert numbers == [0, 3, 4, 9] and store.policy(4).read_text() == f"{store.name(4)} 0"


def test_a_cut_session_goes_on_with_the_learner_of_its_table(opened):
    store = opened()
    store.resume(0)
    store.learn(store.trials[5], record(store.trials[5]))
    store.commit(1, "")
    again = opened()
    assert again.resume(1) == 0 and again.gain == 0.5 and again.policy(1).read_text().endswith(" 1")
    with pytest.raises(ConfigError, match="after trial 1, the table after 3"):
        opened().resume(3)


def test_a_row_that_was_committed_with_the_learner_alone_is_written_when_it_is_resumed(opened):
    store = opened()
    store.resume(0)
    store.commit(1, line({**dict.fromkeys(COLUMNS), "trial": 0}))
    again = opened()
    assert again.resume(0) == 1 and [row["trial"] for row in again.folder.rows()] == ["0"]
