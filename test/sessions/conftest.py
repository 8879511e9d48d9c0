"""A small session for the tests of this folder."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def data() -> Callable[..., dict[str, Any]]:
    """A session of two blocks as its file would have it, with changes by key."""

    def make(**changes: Any) -> dict[str, Any]:
        block = {"name": "adaptation", "trials": 100, "perturbation": "curl_cw", "catch_rate": 0.1, "channel_rate": 0.1}
        return {"name": "some", "blocks": [{"name": "baseline", "trials": 16}, block], **changes}

    return make
