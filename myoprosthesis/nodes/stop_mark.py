"""The emergency stop on disk: an effector whose process died while stopped is stopped when it is started again."""

from __future__ import annotations

import os
from collections.abc import Callable

from myoprosthesis.core.child_process import RUN
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.private import make_private, runtime_folder, stack_name


class StopMark:
    """A file that only this user can write and that names the stack whose effector is stopped, whoever started it.

    A supervisor that remembers could be sent anything over an open network, and `ros2 launch` does not remember.
    """

    def __init__(self, namespace: str, warn: Callable[[str], object]) -> None:
        """`warn` is called once where no mark can be kept; the stop itself does not depend on it."""
        self._run, self._warn = os.environ.get(RUN, ""), warn
        self._place = stack_name(domain_id(), namespace)

    @property
    def holds(self) -> bool:
        """Whether an effector of this stack was stopped, and not resumed since."""
        try:
            return bool(self._run) and (runtime_folder(self._place) / "stopped").read_text() == self._run
        except (OSError, ValueError, ConfigError):
            return False

    def keep(self, stopped: bool) -> None:
        """Write the mark, or remove it."""
        if not self._run:
            return
        try:
            folder = runtime_folder(self._place)
            if stopped:
                make_private(folder)
                (folder / "stopped").write_text(self._run)
            else:
                (folder / "stopped").unlink(missing_ok=True)
        except (OSError, ConfigError) as error:
            self._warn(f"the emergency stop would not outlive this process: {error}")
            self._run = ""
