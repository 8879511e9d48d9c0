"""Recordings begun and ended from the page: a recorder of the stack's namespace, in a process of its own."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from myoprosthesis.core.errors import ConfigError, Refused, StackError
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.supervisor import Supervisor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


class RecordingControl:
    """Runs at most one recorder. Recordings lie in the folder `recordings` of the folder where the console runs."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._recorder: Supervisor | None = None
        self._folder = Path()

    def start(self, name: str, others: str = "") -> str:
        """Record into `recordings/NAME`, by default one named after the time.

        `others`: the folder that the stack is recorded into already; empty: none. Raises `Refused` and `ConfigError`.
        """
        self.review()
        if self._recorder is not None or others:
            raise Refused(f"it is recorded already, into {others or self._folder}")
        name = name or f"console_{datetime.now():%Y%m%d-%H%M%S}"
        if not NAME.fullmatch(name):
            raise ConfigError(f"a recording is named by letters, digits, _ - and ., got {name[:80]!r}")
        self._folder = (Path.cwd() / "recordings" / name).absolute()
        node = NodeSpec("recorder", "recorder_node", {"folder": str(self._folder)}, respawn=False)
        self._recorder = Supervisor([node], lambda node, text: None, self._namespace)
        self._recorder.start()
        return f"recording into {self._folder}"

    def stop(self) -> str:
        """End the recording; raises `Refused` where the page has begun none."""
        self.review()
        if self._recorder is None:
            raise Refused("this page has begun no recording: one of the stack ends with the stack")
        self.close()
        return f"recorded: {self._folder}"

    def review(self) -> None:
        """Forget a recorder that has ended; raises the `StackError` with its reason."""
        recorder = self._recorder
        if recorder is not None and (error := recorder.poll()) is not None:
            self._recorder = None
            raise error

    @property
    def folder(self) -> str:
        """Where to it is recorded now; empty: nowhere."""
        with suppress(StackError):
            self.review()
        return str(self._folder) if self._recorder is not None else ""

    def close(self) -> None:
        """End the recorder, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()
