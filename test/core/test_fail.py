"""Fail states of channels."""

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.fail import check_start


def test_what_is_to_hold_where_it_cannot_be_commanded_is_named():
    command = Channels("position", ("a", "b", "c"), "rad", (0.5, -1.0, -1.0), (1.5, 1.0, 1.0))
    check_start(command, ("hold", "hold", "relax"), np.array([0.5, 1.01, 3.0]))
    check_start(command, ("hold",) * 3, np.array([np.nan] * 3))
    with pytest.raises(
        Refused, match="before the first command too, this moves: a stands at 0 and is commanded 0.5 to 1.5"
    ):
        check_start(command, ("hold",) * 3, np.zeros(3))
