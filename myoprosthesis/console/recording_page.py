"""The page on a recording: the body at the time that a slider names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from myoprosthesis.console.access import LOOK, Tokens
from myoprosthesis.console.frame_packer import FramePacker, Sample
from myoprosthesis.console.page_messages import packed_meshes, scene
from myoprosthesis.console.server import Browser, ConsoleServer
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.effectors.body_shapes import BodyShapes, drawn_as
from myoprosthesis.films.placed_body import body_of
from myoprosthesis.films.recorded_motion import RecordedMotion


class RecordingPage:
    """Serves a recorded motion; each page asks for the times that it shows.

    Args:
        motion: What was recorded.
        title: What the page calls it.
        faults: What could not be read of the recording, in sentences.
        effector: The body that is drawn; empty: the one that the recording names.
        port: The first port that is tried.

    Raises:
        Refused: The body has no MuJoCo model, or the recording does not say where it is.
        ConfigError: An unknown effector, or no port is free.
    """

    def __init__(
        self,
        motion: RecordedMotion,
        title: str,
        faults: list[str],
        tokens: Tokens,
        effector: str = "",
        port: int = 8770,
    ) -> None:
        self._motion, self._title, self._faults = motion, title, faults
        shapes = BodyShapes(body_of(effector or drawn_as(motion.effector), motion))
        self._packer = FramePacker(shapes.body.spec, shapes)
        self._meshes = packed_meshes(shapes)
        self._server = ConsoleServer(port, False, tokens, self._received, self._joined, lambda pages: None)

    @property
    def address(self) -> str:
        """Of the page, with its token."""
        return self._server.address

    def close(self) -> None:
        """End."""
        self._server.close()

    def _joined(self, browser: Browser) -> None:
        hello = {
            "kind": "hello",
            "role": LOOK,
            "namespace": "/",
            "look": "",
            "recording": {"title": self._title, "seconds": self._motion.seconds, "faults": self._faults},
        }
        browser.put(json.dumps(hello))
        browser.put(scene(self._packer))
        browser.put(self._meshes)

    def _received(self, browser: Browser, data: dict[str, Any]) -> None:
        """A page asks for the frame at a time, s from the first state."""
        at = data.get("at")
        if data.get("do") != "seek" or not isinstance(at, (int, float)) or isinstance(at, bool):
            raise ConfigError("of a recording, a page asks to seek: at a time in seconds")
        motion = self._motion
        now = int(motion.stamps_ns[0]) + ns(min(max(float(at), 0.0), motion.seconds))
        row = motion.row(now)
        place = motion.positions[row]
        nothing = np.full(place.size, np.nan)
        effort = nothing.copy()
        effort[motion.load_columns] = motion.loads[row]
        state = JointStateFrame(now - int(motion.stamps_ns[0]), motion.channels, place, nothing, effort)
        shown = self._packer.layout
        frame = self._packer.pack(state, Sample(motion.targets(now)))
        if self._packer.layout != shown:
            self._server.tell(scene(self._packer))
        browser.put_frame(frame)
        browser.put(json.dumps({"kind": "moment", "at": float(at), "text": motion.caption(now)}))
