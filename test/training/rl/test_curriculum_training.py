"""Training through a curriculum: it learns, goes forth and back by score, and can be cut and taken up again."""

import numpy as np
import pytest
import torch
from point_runs import data, never_stop, start

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.curriculum import RlStage
from myoprosthesis.training.rl.promotion import CURVE, PromotionRule
from myoprosthesis.training.trainer import CHECKPOINT, Progress


def test_a_point_learns_to_go_to_its_target(tmp_path):
    written = data()
    written["network"]["exploration"] = "lattice"
    run = start(tmp_path, written)
    assert run.train(never_stop)
    rows = run.progress.history
    assert {row["stage"] for row in rows} == {"near", "far"} and not run.progress.unreached
    assert rows[0]["reward"] < 0.6 < 0.85 < rows[-1]["reward"]
    assert run.progress.best >= 0.6 and run.progress.total < 60
    assert (tmp_path / CURVE).read_text().count("\n") == len(rows) + 1


def test_six_updates_are_three_and_three_after_a_resume(tmp_path):
    small = data(simulations=16, steps=16, reached_share=0.5, env_options={"length": 12})
    small["ppo"]["learning_rate"] = 1e-4  # from which it is adapted
    whole = start(tmp_path / "whole", small)
    whole.train(lambda run, means, row: run.progress.total < 6)
    start(tmp_path / "cut", small).train(lambda run, means, row: run.progress.total < 3)
    again = start(tmp_path / "cut", small)
    again.resume()
    assert again.progress.total == 3
    again.train(lambda run, means, row: run.progress.total < 6)
    for network in ("actor", "critic"):
        for name, value in whole.algorithm.weights()[network].items():
            assert torch.equal(value, again.algorithm.weights()[network][name]), (network, name)
    for one, two in zip(whole.progress.history, again.progress.history, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in two.items() if k != "seconds"}


def test_a_checkpoint_is_written_when_it_is_time_and_when_a_stage_is_left(tmp_path):
    stages = [{"name": "a", "batches": 2}, {"name": "b", "batches": 3}]
    saved = []
    run = start(tmp_path, data(stages=stages, simulations=4, steps=4))
    original = run.save
    run.save = lambda: (saved.append(run.progress.total), original())
    run.train(never_stop)
    assert saved == [2, 5], "each stage lasts its batches, since it has no score to reach"


def test_a_checkpoint_that_is_damaged_or_of_another_configuration_is_refused(tmp_path):
    small = data(simulations=4, steps=4)
    start(tmp_path, small).save()
    with pytest.raises(ConfigError, match="other settings"):
        start(tmp_path, data(simulations=4, steps=8)).resume()
    content = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[:-100])
    with pytest.raises(ConfigError, match="cannot be read.*bytes of"):
        start(tmp_path, small).resume()
    (tmp_path / CHECKPOINT).write_bytes(content[:-100] + b"0" * 100)
    with pytest.raises(ConfigError, match="SHA-256"):
        start(tmp_path, small).resume()


def test_a_full_disk_leaves_the_old_checkpoint_intact(tmp_path, fill_disk):
    small = data(simulations=4, steps=4)
    run = start(tmp_path, small)
    run.train(lambda run, means, row: False)
    before = (tmp_path / CHECKPOINT).read_bytes()
    fill_disk()
    run.update()
    with pytest.raises(ConfigError, match="No space left.*previous one is intact.*--resume"):
        run.save()
    assert (tmp_path / CHECKPOINT).read_bytes() == before


STAGES = (RlStage("a", batches=10, promote=0.8), RlStage("b", batches=10, promote=0.8, retreat=0.3), RlStage("c"))


@pytest.mark.parametrize(
    ("stage", "batch", "spent", "score", "following"),
    [
        (0, 5, 5, 0.79, 0),
        (0, 5, 5, 0.8, 1),
        (0, 4, 4, 0.9, 0),  # shorter than the shortest stay
        (1, 5, 5, 0.29, 0),
        (1, 5, 5, float("-inf"), 1),  # too few episodes for a score
        (1, 5, 9, 0.5, 1),
        (1, 5, 10, 0.5, 3),  # its batches are spent: the run ends
        (2, 500, 500, 0.0, 3),  # it lasts its batches
    ],
)
def test_stages_are_left_by_score(stage, batch, spent, score, following):
    progress = Progress(stage=stage, batch=batch, spent={STAGES[stage].name: spent})
    assert PromotionRule().next_stage(progress, STAGES, score) == following
    assert bool(progress.unreached) == (following == 3 and STAGES[stage].promote < 1)


def test_a_stage_that_cannot_be_reached_ends_the_run_with_its_best_policy(tmp_path):
    stages = [{"name": "impossible", "batches": 4, "promote": 2.0, "episodes": 4, "task": {"distance": [0.0, 0.1]}}]
    run = start(tmp_path, data(stages=stages, simulations=8, steps=40))
    assert run.train(never_stop)
    assert run.progress.unreached == "impossible" and run.progress.total == 4
    assert run.progress.best == pytest.approx(max(row["score"] for row in run.progress.history), rel=1e-5)
    best = run.best_weights["actor"]
    loaded = run.load_best().weights()["actor"]
    assert all(torch.equal(best[name], loaded[name]) for name in best)


def test_most_episodes_are_in_the_current_stage_and_some_in_those_before(tmp_path):
    stages = [{"name": name, "batches": 50, "promote": 0.9} for name in "abc"]
    run = start(tmp_path, data(stages=stages, steps=64, current_share=0.75))
    rollouts = [run.algorithm.collector.collect(run.algorithm.learner.acting_weights(), 2, batch) for batch in range(4)]
    counts = np.bincount([e.stage for rollout in rollouts for e in rollout.episodes], minlength=3)
    assert counts.sum() > 400 and 0.7 < counts[2] / counts.sum() < 0.8
    assert 0.3 < counts[0] / counts[:2].sum() < 0.7


def test_what_is_no_number_resets_that_simulation_and_is_counted(tmp_path):
    run = start(tmp_path, data(simulations=4, steps=8, env_options={"nan_at": 11}))
    run.update()
    assert run.algorithm.diverged == 1 and run.evaluate()["diverged"] == 1
    assert all(torch.isfinite(v).all() for v in run.algorithm.weights()["actor"].values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"simulation": 3}, "unknown key of a curriculum 'simulation'.*did you mean 'simulations'"),
        ({"env": "Pont-v0"}, "unknown environment 'Pont-v0'.*did you mean 'Point-v0'"),
        ({"network": {"actr": [8]}}, "unknown option 'actr'.*did you mean 'actor'"),
        ({"ppo": {"gama": 0.9}}, "unknown option 'gama'.*did you mean 'gamma'"),
        ({"stages": []}, "stages: a list of one at least"),
        ({"stages": [{"name": "a", "tsk": {}}]}, "stage 'a': unknown key 'tsk'.*did you mean 'task'"),
        ({"stages": [{"name": "a", "task": {"distanc": 1}}]}, "stage 'a', task: unknown option.*mean 'distance'"),
        ({"stages": [{"name": "a", "task": {"distance": [0, 9]}}]}, "stage 'a'.*distance.*outside 0 to 2"),
        ({"stages": [{"name": "a", "promte": 1}]}, "did you mean 'promote'"),
        ({"stages": [{"name": "a", "ppo": {"clip": 7}}]}, "stage 'a', ppo.*clip.*outside"),
        ({"stages": [{"name": "a", "promote": 0.2, "retreat": 0.5}]}, "promote 0.2 is below retreat 0.5"),
        ({"stages": [{"name": "a"}, {"name": "a"}]}, "not unique"),
    ],
)
def test_a_curriculum_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        start(tmp_path, data(**change))


def test_some_episodes_begin_where_the_policy_came_to_be(tmp_path):
    starts = []
    for share in (0.0, 0.5):
        run = start(tmp_path, data(simulations=32, steps=64, reached_share=share))
        env = run.algorithm.collector.env
        begun = env._reset

        def counted(ids, begun=begun, env=env):
            starts[-1] += len(set(ids.tolist()) & set(env.starts))
            begun(ids)

        starts.append(0)
        env._reset = counted
        for batch in range(6):
            run.algorithm.collector.collect(run.algorithm.learner.acting_weights(), 0, batch)
    assert starts[0] == 0 and 80 < starts[1] < 250, "about half of some 400 episodes, once there are such states"


def test_states_before_a_failure_are_not_kept(tmp_path):
    run = start(tmp_path, data(simulations=32, steps=64, reached_share=0.5, env_options={"fail_beyond": 1e-3}))
    run.algorithm.collector.collect(run.algorithm.learner.acting_weights(), 0, 0)
    assert run.algorithm.collector.reached.count.sum() == 0


def test_the_smoothed_action_begins_at_zero_in_every_episode(tmp_path):
    run = start(tmp_path, data(simulations=4, steps=12, env_options={"length": 5}))
    collector, commands = run.algorithm.collector, []
    step = collector.env.step
    collector.env.step = lambda action: (commands.append(action.copy()), step(action))[1]
    rollout = collector.collect(run.algorithm.learner.acting_weights(), 0, 0)
    past = np.zeros((4, 1))
    for t, command in enumerate(commands):
        past = 0.3 * past + 0.7 * rollout.actions[t]
        assert np.allclose(command, 1 / (1 + np.exp(-2.5 * past)), atol=1e-6)
        past[rollout.ended[t]] = 0.0
    assert rollout.ended[4].all() and rollout.ended[9].all()
