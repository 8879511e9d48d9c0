"""No codec makes bytes of a target that is not finite."""

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import EffectorError
from myoprosthesis.hands import data_sheets


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("name", registry.names("hand_protocols"))
def test_a_target_that_is_not_finite_makes_no_frame(name, value):
    data = data_sheets.load(name)
    codec = registry.factory("hand_protocols", name)(data)
    target = data.column("open").copy()
    codec.command(target)
    target[1] = value
    for write in (codec.command, codec.failsafe_frame):
        with pytest.raises(EffectorError, match="not finite"):
            write(target)
