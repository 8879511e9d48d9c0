"""Pseudo-terminal in place of a serial port, with a constant path, plugged in and unplugged on demand."""

from __future__ import annotations

import os
import tempfile
import tty
from pathlib import Path

from myoprosthesis.core.errors import ConfigError


class PtyPort:
    """Pseudo-terminal: `path` is the port to open, a link.

    `master`, the device's end of the line, is −1 while it is unplugged.
    """

    def __init__(self, path: str, name: str) -> None:
        """Plug in as `path`; if that is empty, as `name` in a temporary folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="myoprosthesis-") if not path else None
        self.path = path or str(Path(self._folder.name if self._folder else "") / name)
        self.master = self.slave = -1
        self.plug()

    def plug(self) -> None:
        """Make the port appear; does nothing while it is plugged in."""
        if self.master >= 0:
            return
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)  # the slave stays open, so that the master lives without a reader
        os.set_blocking(self.master, False)
        link = Path(self.path)
        if link.is_symlink():
            link.unlink()
        try:
            link.symlink_to(os.ttyname(self.slave))
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be made: {error.strerror}") from error

    def unplug(self) -> None:
        """Make the port disappear; does nothing while it is unplugged."""
        if self.master < 0:
            return
        Path(self.path).unlink(missing_ok=True)
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self) -> None:
        """Unplug and remove the folder; safe to call twice."""
        self.unplug()
        if self._folder is not None:
            self._folder.cleanup()
