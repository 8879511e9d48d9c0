"""What a reaching policy observes: its terms, the noise on them and the fixed normaliser."""

from __future__ import annotations

import torch
from torch import Tensor

from myoprosthesis.core.observation_term import Term
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.torch_twin import Twin


def terms(twin: Twin, curriculum: Curriculum) -> tuple[Term, ...]:
    """The observation in the order in which the network gets it."""
    muscles, felt = twin.muscles.names, curriculum.proprioception_delay
    return (
        Term("target", ("target/x", "target/y"), "position", "m"),
        Term("go", ("go",), "position", "1"),
        Term("vision", ("endpoint/x", "endpoint/y"), "position", "m", curriculum.vision_delay),
        Term("muscle_length", muscles, "position", "m", felt),
        Term("muscle_velocity", muscles, "velocity", "m/s", felt),
    )


def normaliser(twin: Twin) -> tuple[Tensor, Tensor]:
    """(mean, scale), each (n_obs,): 10 cm about home, ± 0.2 L0 and 1 L0/s come out as 1."""
    q = torch.tensor(twin.home, dtype=torch.float32)[:, None].unbind(0)
    home = torch.cat(twin.skeleton.endpoint(q))
    optimal = twin.muscles.constants.optimal_length[:, 0].float()
    length = twin.muscles.length(q)[:, 0].float()
    mean = torch.cat([home, torch.tensor([0.5]), home, length, torch.zeros_like(optimal)])
    scale = torch.cat([torch.full((2,), 10.0), torch.tensor([2.0]), torch.full((2,), 10.0), 5 / optimal, 1 / optimal])
    return mean, scale


def noise(twin: Twin, stage: Stage, steps: int, batch: int, generator: torch.Generator) -> Tensor:
    """Sensory noise (steps, n_obs, batch) of `stage`; none on the target and the go signal."""
    optimal = twin.muscles.constants.optimal_length.float()
    sd = torch.cat(
        [
            torch.zeros(3, 1),
            torch.full((2, 1), stage.vision_noise),
            stage.length_noise * optimal,
            stage.velocity_noise * optimal,
        ]
    )
    return sd * torch.randn(steps, sd.shape[0], batch, generator=generator)
