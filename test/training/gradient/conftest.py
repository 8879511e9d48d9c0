"""What tests of gradient training share."""

from collections.abc import Callable

import pytest
import torch

from myoprosthesis.training.gradient import reach_observation
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.torch_twin import Twin

HIDDEN = 12


@pytest.fixture
def lively() -> Callable[[Twin], ReachPolicy]:
    """Makes an untrained policy that moves the body well about, so that every observation matters."""

    def make(twin: Twin) -> ReachPolicy:
        generator = torch.Generator().manual_seed(4)
        policy = ReachPolicy(*reach_observation.normaliser(twin), HIDDEN, len(twin.muscles.names), generator)
        with torch.no_grad():
            policy.b_out += 2.5
            policy.w_out *= 2
        return policy

    return make
