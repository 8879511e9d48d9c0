"""An environment beside the effector and the task of which it is made, as a stack in lockstep runs them."""

import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.tasks.task import channels_of


def is_the_effector_bit_for_bit(env, body, actions, disturbance=lambda plan, now_ns: NO_DISTURBANCE):
    """The same trials and commands (steps, num_envs, n) in `env` and in `body`: the same observations and scores.

    `disturbance` is what acts on the body from an instant of a plan on."""
    n, dt_ns = env.num_envs, round(body.spec.dt * 1e9)
    observations, scores = [env.reset(options={"trials": list(range(n))})[0]], np.full(n, np.nan)
    for action in actions:
        observation, *_, info = env.step(action)
        ended = info.get("_final_obs", np.zeros(n, bool))
        observations.append(np.where(ended[:, None], info.get("final_obs", observation), observation))
        for i in np.flatnonzero(ended & np.isnan(scores)):
            scores[i] = info["episode"]["score"][i]
    task, channels = env.task, channels_of(env.config.task)
    needs = tuple(task.needs(body.spec))
    for trial in range(n):
        plan, states = task.plan(trial, 0), []
        terms, every = env.config.terms, [*body.spec.channels, *channels]
        builder = ObservationBuilder(terms, every, body.spec.dt, action=body.spec.command)
        state = body.reset(trial, plan.start_state)
        for k in range(len(actions) + 1):
            if k:
                acting = disturbance(plan, (k - 1) * dt_ns)
                state = body.step(actions[k - 1, trial].astype(float), acting)
            table = np.hstack([state.table, plan.goal_table(list(channels), k * dt_ns)])
            moment = Moment(np.random.default_rng(0), k * dt_ns, body.spec.dt, plan)
            np.testing.assert_array_equal(
                builder.observe(table, goal=moment.goal), observations[k][trial], f"trial {trial}, step {k}"
            )
            states.append(table[:, [body.spec.channels.index(c) for c in needs]])
            record = TrialRecord(plan, body.spec.dt, needs, np.arange(k + 1) * dt_ns, np.array(states))
            if k and (task.done(record) or not np.isnan(scores[trial]) and plan.over(k * dt_ns, dt_ns)):
                break
        result = task.judge(record)
        own = result.figures.get("score", np.mean(task.solved(record)[1:]))
        assert own == pytest.approx(scores[trial], abs=1e-12)
        yield k, record, result
