"""Learning between the trials of a session: the measured load corrects a field, in which the policy practises."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import numpy_helper

from myoprosthesis.core.contract import METADATA_KEY
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.training import checkpoint
from myoprosthesis.training.adaptation.field_estimate import FieldEstimate, PractisedMovement
from myoprosthesis.training.adaptation.options import LearnerOptions
from myoprosthesis.training.gradient import export, loss, reach_observation, trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.rollout import Rollout
from myoprosthesis.training.gradient.torch_twin import LAW_ROWS, Twin
from myoprosthesis.training.gradient.trial_sampler import TrialBatch

USUAL = LearnerOptions()


@dataclass(frozen=True)
class _Remembered:
    """The part of a movement that is practised."""

    start: tuple[float, float]
    target: tuple[float, float]
    go_s: float
    length_s: float


class Learner:
    """Holds the weights of the policy for the next trial.

    Between two trials: `observe` the last one, `practise`, `export`. The same movements, options and seed
    give the same weights to the bit, also when continued by `restore` in another process, as long as both compile the
    rollout or neither does and torch is the same; for that torch is set to one thread, in the whole process.
    """

    def __init__(
        self,
        twin: Twin,
        policy: Path,
        options: LearnerOptions = USUAL,
        seed: int = 0,
        compiled: bool = False,
    ) -> None:
        """Starts from the weights in the file `policy`, which must be of `twin`'s body; `ConfigError` where not.

        `compiled`: see `rollout.wants_compilation`. It is done here, and takes up to a minute where no cache has it;
        without it a step takes some thirty times as long.
        """
        torch.set_num_threads(1)
        self.options, self.seed = options, seed
        self.twin = twin.float()
        self.contract = read_contract(policy)
        self._origin = hashlib.sha256(policy.read_bytes()).hexdigest()
        self._plan = self._curriculum()
        self.generator = torch.Generator().manual_seed(seed)
        self.policy = self._load_network(policy)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=options.learning_rate)
        self.rollout = Rollout(self.twin, self.policy, self._plan, compiled)
        self.estimate = FieldEstimate(options.field_rate, options.retention, options.ridge)
        self.observed = 0
        """Movements so far."""
        self._memory: deque[_Remembered] = deque(maxlen=options.memory)
        self._model = export.to_onnx(self.policy, self.contract)
        if compiled:  # now rather than after the first trial
            short = dataclasses.replace(self._plan, trial=0.1)
            self.rollout(trial_sampler.centre_out(self.twin, short, options.batch, 0.1, 0.0)).position.sum().backward()
            self.optimizer.zero_grad()

    def observe(self, movement: PractisedMovement) -> None:
        """Add a trial: its load corrects the estimate of the field, its start, target and go are practised."""
        self.estimate = self.estimate.after(movement)
        start, target = movement.position[0, :2], movement.target[:2]
        self._memory.append(_Remembered(
            (float(start[0]), float(start[1])), (float(target[0]), float(target[1])), float(movement.go_s),
            float(movement.time[-1] - movement.time[0]) * len(movement.time) / (len(movement.time) - 1),
        ))  # fmt: skip
        self.observed += 1

    def practise(self) -> float:
        """Gradient steps on movements like the remembered ones, in the estimated field; the last step's loss."""
        if not self._memory:
            raise ConfigError("there is nothing to practise yet: observe a movement first")
        cost = torch.zeros(())
        for _ in range(self.options.steps):
            cost = self._cost(self._draw())
            self.optimizer.zero_grad()
            cost.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.options.clip)
            if not torch.isfinite(norm):
                raise ConfigError(
                    f"the gradient is not finite after {self.observed} movements, in an estimated field "
                    f"of {self.estimate.gain:.3g} N·s/m: lower learning_rate or the field"
                )
            self.optimizer.step()
        return cost.item()

    def export(self, path: Path, name: str) -> str:
        """Write the current policy under `name`, whole or not at all; returns the SHA-256 of the file."""
        arrays = export.initializers(self.policy)
        for tensor in self._model.graph.initializer:
            if tensor.name in arrays:
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(arrays[tensor.name]), tensor.name))
        contract = dataclasses.replace(self.contract, name=name, result={}, seed=self.seed, config_sha256=self.digest())
        for entry in self._model.metadata_props:
            if entry.key == METADATA_KEY:
                entry.value = contract.to_json()
        self._model.graph.name = name
        data = self._model.SerializeToString()
        checkpoint.write(path, data)
        return hashlib.sha256(data).hexdigest()

    def state(self) -> dict[str, Any]:
        """Everything that decides what follows, as tensors and plain data for `checkpoint.save`."""
        return {
            "digest": self.digest(), "observed": self.observed, "B": self.estimate.B.tolist(),
            "memory": [dataclasses.astuple(m) for m in self._memory], "generator": self.generator.get_state(),
            "policy": {k: v.detach().clone() for k, v in self.policy.state_dict().items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the `state` of a learner with the same policy, options and seed; refuses any other."""
        if state["digest"] != self.digest():
            raise ConfigError(
                "the learner's state was made with another policy, other options or another seed: "
                "resume with those, or begin a new session"
            )
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.generator.set_state(state["generator"])
        self.estimate = dataclasses.replace(self.estimate, B=np.array(state["B"], float))
        self._memory = deque((_Remembered(*m) for m in state["memory"]), self.options.memory)
        self.observed = state["observed"]

    def digest(self) -> str:
        """SHA-256 of everything that, with the movements, decides the result."""
        settings = {"policy": self._origin, "seed": self.seed, "options": dataclasses.asdict(self.options)}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _curriculum(self) -> Curriculum:
        """The curriculum with the delays of the contract; refuses a policy that observes anything else."""
        o, contract = self.options, self.contract
        delay = {t.name: t.lookback_s for t in contract.observation}
        stage = Stage(
            "practice", vision_noise=o.vision_noise, length_noise=o.length_noise, velocity_noise=o.velocity_noise
        )
        plan = Curriculum(
            "practice",
            (stage,),
            dt=contract.dt,
            vision_delay=delay.get("vision", 0.0),
            proprioception_delay=delay.get("muscle_length", 0.0),
            batch=o.batch,
        )
        wanted = reach_observation.terms(self.twin, plan)
        if contract.observation != wanted or len(contract.hidden) != 1:
            raise ConfigError(
                f"policy {contract.name!r} observes {', '.join(contract.term_names)}; a learner needs "
                f"{', '.join(t.name for t in wanted)} of this body, as myoprosthesis train makes them"
            )
        return plan

    def _load_network(self, path: Path) -> ReachPolicy:
        """The network with the weights in a policy file, which must have this body's normaliser."""
        held, (mean, scale) = export.weights(path), reach_observation.normaliser(self.twin)
        if not all(torch.allclose(held[k][:, 0], x, rtol=1e-5) for k, x in (("mean", mean), ("scale", scale))):
            raise ConfigError(
                f"policy {self.contract.name!r} has another normaliser than this body needs: it was "
                "trained on another body"
            )
        (_, (_, size)) = self.contract.hidden[0]
        policy = ReachPolicy(mean, scale, size, self.contract.action.size, self.generator)
        policy.load_state_dict(held)
        return policy

    def _cost(self, trials: TrialBatch) -> torch.Tensor:
        """The loss of a batch, with sensory noise."""
        noise = reach_observation.noise(
            self.twin, self._plan.stages[0], trials.steps, self.options.batch, self.generator
        )
        return loss.total(loss.terms(trials, self.rollout(trials, noise), self.contract.dt), self.options.weights)

    def _draw(self) -> TrialBatch:
        """A batch of movements like those in memory, with other go signals, in the estimated field."""
        o, g, dt = self.options, self.generator, self.contract.dt
        chosen = torch.randint(len(self._memory), (o.batch,), generator=g).tolist()
        some = [self._memory[i] for i in chosen]
        start = torch.tensor([m.start for m in some]).T.contiguous()
        target = torch.tensor([m.target for m in some]).T.contiguous()
        steps = max(3, max(round(m.length_s / dt) for m in self._memory))
        jitter = o.go_jitter * (2 * torch.rand(o.batch, generator=g) - 1)
        go = ((torch.tensor([m.go_s for m in some]) + jitter) / dt).round().clamp(0, steps).long()
        go = torch.where(torch.rand(o.batch, generator=g) < o.no_go, steps, go)
        law = torch.zeros(LAW_ROWS, o.batch)
        law[6:] = torch.from_numpy(self.estimate.B.ravel()).float()[:, None]
        return TrialBatch(steps, start, self.twin.joints_at(start), target, go, law)
