"""Marker node: the body of a running stack on the topic `markers`, for RViz and Foxglove."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.console.frame_packer import ENDPOINT, picked, place_columns
from myoprosthesis.console.job_thread import JobThread
from myoprosthesis.console.live_streams import EmgSignals, LiveStreams
from myoprosthesis.console.stack_body import stack_body
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.extras import library
from myoprosthesis.core.options import option
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.node_main import Node, run
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.stack.client import StackClient

REVIEW_S = 0.5
"""How often it is looked at whether anybody sees the markers."""


@dataclass(frozen=True)
class MarkerNodeOptions:
    """Parameters of the marker node."""

    fps: float = option(20.0, "pictures a second", "1/s", 1.0, 60.0)


class MarkerNode(Node):
    """Publishes markers while somebody subscribes; it only knows topics and parameters."""

    def __init__(self) -> None:
        super().__init__("markers")
        declare(self, ("", MarkerNodeOptions))
        options = read(self, MarkerNodeOptions)
        self._kind = library("visualization_msgs.msg", "viewers", "the section on ROS viewers")
        self._publisher = self.create_publisher(self._kind.MarkerArray, "markers", topics.reliable(1))
        self._spec: EffectorSpec | None = None
        self._picture: Any = None
        self._streams: LiveStreams | None = None
        self._stack: StackClient | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="myoprosthesis_markers_")
        self._jobs = JobThread("marker jobs")
        subscribe(self, topics.SPEC, lambda m: EffectorSpec.from_json(m.data), self._on_spec)
        every(self, REVIEW_S, self._review)
        every(self, 1.0 / options.fps, self._publish)

    def close(self) -> None:
        """Take the markers off the picture."""
        from myoprosthesis.nodes.body_markers import no_markers

        self._jobs.close(1.0)
        self._publisher.publish(no_markers())
        if self._stack is not None:
            self._stack.close()
        self._folder.cleanup()

    def _on_spec(self, spec: EffectorSpec) -> None:
        if spec != self._spec:
            self._spec, self._picture = spec, None
            self._jobs.add(lambda: self._build(spec))

    def _build(self, spec: EffectorSpec) -> None:
        """Make what is drawn of this effector; in a thread of its own, since it asks a node for its options."""
        from myoprosthesis.nodes.body_markers import BodyMarkers, no_markers

        try:
            shapes = stack_body(spec, self._connected)
        except MyoError as error:
            self.get_logger().error(f"its body cannot be drawn: {error}")
            return
        folder = Path(self._folder.name) / spec.name
        folder.mkdir(exist_ok=True)
        self._publisher.publish(no_markers())
        self._picture = (spec, shapes, BodyMarkers(shapes, spec.frame, folder))

    def _connected(self) -> StackClient:
        if self._stack is None:
            self._stack = StackClient(self.get_namespace(), "markers_client", keep=1)
        return self._stack

    def _review(self) -> None:
        wanted = self._publisher.get_subscription_count() > 0
        if wanted and self._streams is None:
            self._streams = LiveStreams(self, EmgSignals())
        elif not wanted and self._streams is not None:
            self._streams.close()
            self._streams = None

    def _publish(self) -> None:
        """The newest state since the last picture, if there is one."""
        newest = self._streams.newest() if self._streams is not None and self._picture is not None else None
        if newest is None:
            return
        state, sample = newest
        spec, shapes, markers = self._picture
        place, _, effort = state.rows()
        try:
            if not shapes.place(state.names, place):
                return
        except MyoError as error:
            self.get_logger().error(str(error), throttle_duration_sec=10.0)
            return
        columns = place_columns(ENDPOINT, state.names)
        targets = list(sample.targets.values())
        self._publisher.publish(markers.at(state.stamp_ns, targets, picked(place, columns), picked(effort, columns)))


def main() -> None:
    """Entry point of the executable `marker_node`."""
    run(MarkerNode, sys.argv)


if __name__ == "__main__":
    main()
