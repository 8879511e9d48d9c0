"""What the tests of recordings share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myoprosthesis.cli.main import main


@pytest.fixture(scope="session")
def info() -> Callable[..., dict[str, Any]]:
    """The figures of `emg info FILE --json`, by the command itself."""

    def figures(path: Path, *options: str) -> dict[str, Any]:
        out = path.with_suffix(".json")
        with pytest.raises(SystemExit) as ended:
            main(["emg", "info", str(path), *options, "--json", str(out)])
        assert ended.value.code == 0
        return json.loads(out.read_text())

    return figures
