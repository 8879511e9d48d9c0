"""A serial port that is none: a pseudo-terminal under a name that stays, plugged in and unplugged on demand."""

from __future__ import annotations

import os
import tempfile
import tty
from pathlib import Path

from myoprosthesis.core.errors import ConfigError


class PtyPort:
    """`path` is the port to open, a link; `master`, the device's end of the line, is −1 while it is unplugged."""

    def __init__(self, path: str, name: str) -> None:
        """Plugged in, as `path`; where that is empty, as `name` in a folder of its own."""
        self._folder = tempfile.TemporaryDirectory(prefix="myoprosthesis-") if not path else None
        self.path = path or str(Path(self._folder.name if self._folder else "") / name)
        self.master = self.slave = -1
        self.plug()

    def plug(self) -> None:
        """The port appears, where it is not there."""
        if self.master >= 0:
            return
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)  # the slave stays open here, so that the master lives while nobody is there
        os.set_blocking(self.master, False)
        link = Path(self.path)
        if link.is_symlink():
            link.unlink()
        try:
            link.symlink_to(os.ttyname(self.slave))
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be made: {error.strerror}") from error

    def unplug(self) -> None:
        """The port disappears."""
        if self.master < 0:
            return
        Path(self.path).unlink(missing_ok=True)
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self) -> None:
        """Unplugged for good; safe to call twice."""
        self.unplug()
        if self._folder is not None:
            self._folder.cleanup()
