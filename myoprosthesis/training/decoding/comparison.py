"""Decoders and hands on one recorded session, with the objects of the nodes and without clocks.

The files of a session follow each other as in a replay. The EMG is conditioned by each decoder's contract and arrives
in blocks of the hand's period, rounded to float32 as on the wire; the hand follows each posture in the period in which
the block ends. The result does not depend on the speed of the machine, to the bit. Decisions are the same for every
hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.effector import Effector
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.options import build
from myoprosthesis.core.sampling_rate import same_rate
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.options import CLASSIFICATION
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioner, Conditioning, off_is_nan
from myoprosthesis.training.decoding.compared_session import ComparedSession

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DecisionCourse:
    """Course of one hand under one decoder through the session."""

    decisions: list[Decision]
    times: Array
    """(n_ticks,) s, at the end of each period."""
    command: Array
    """(n_ticks, n_joints) commanded, rad."""
    measured: Array
    """(n_ticks, n_joints) measured, rad."""
    events: dict[str, int]
    """Counts of the guard's interventions."""


def controller_for(
    name: str, policy: Any, session: ComparedSession, spec: EffectorSpec, options: PostureControlOptions
) -> DecoderController:
    """Controller of a decoder for session and hand.

    Raises `ConfigError` or `ContractError` for one that does not fit.
    """
    contract = policy.contract
    decoder = Decoder(policy)
    if decoder.settings.task != CLASSIFICATION:
        raise ConfigError(f"decoder {name!r} is a {decoder.settings.task}; only classifications are compared")
    settings = build(Conditioning, contract.conditioning, f"decoder {name!r}")
    if session.unit != settings.unit or not same_rate(session.rate, settings.rate):
        raise ConfigError(
            f"decoder {name!r} was fitted in {settings.unit} at {settings.rate:.9g} Hz, the recording is in "
            f"{session.unit} at {session.rate:g} Hz"
        )
    unknown = sorted({t.label for t in session.trials} - set(decoder.names))
    if unknown:
        raise ConfigError(f"decoder {name!r} knows {', '.join(decoder.names)}, the recording has {unknown[0]!r}")
    return DecoderController(
        name, policy, spec, EmgStreamSpec(session.channels, session.rate, contract.conditioning), options
    )


def play(controller: DecoderController, session: ComparedSession, effector: Effector) -> DecisionCourse:
    """Run the hand under the decoder through the whole session.

    The decoder is reset after a gap in time, as in a running stack, so that no window has one in it.
    """
    spec, guard = effector.spec, GuardedEffector(effector)
    # every channel of the stream, as in the EMG node: it marks electrodes that are off
    conditioner = Conditioner(build(Conditioning, controller.contract.conditioning), session.channels)
    rng = np.random.default_rng(0)
    columns = [spec.joints.index(n) for n in spec.command.names]
    state = guard.reset(0)
    controller.reset()
    controller.on_activate(state.joint_position[columns])
    posture = controller.command
    if posture is None:
        raise ConfigError(f"effector {spec.name!r} starts at a posture that is not finite")
    decisions: list[Decision] = []
    times, command, measured = [], [], []
    done = begun = 0
    for k in range(math.ceil(len(session.samples) / session.rate / spec.dt)):
        end = min(len(session.samples), math.floor((k + 1) * spec.dt * session.rate + 1e-9))
        for stop in (*(b for b in session.breaks if done < b < end), *([end] if end > done else [])):
            if done in session.breaks:
                controller.reset()
                begun = done
            block = off_is_nan(conditioner.filter(session.samples[done:stop])).astype(np.float32).astype(float)
            posture = controller.update(block, Moment(rng, seconds=(stop - done) / session.rate))
            done = stop
            decisions += [replace(d, sample=begun + d.sample) for d in controller.new_decisions]
        age = (k + 1) * spec.dt - done / session.rate
        state = guard.step(posture, age_s=max(0.0, age))
        times.append((k + 1) * spec.dt)
        command.append(posture)
        measured.append(_posture(state, columns))
    return DecisionCourse(
        decisions, np.array(times), np.array(command), np.array(measured), dict(sorted(guard.events.items()))
    )


def _posture(state: EffectorState, columns: list[int]) -> Array:
    return np.array(state.joint_position[columns])
