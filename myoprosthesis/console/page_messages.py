"""Messages with which a page begins to draw a body."""

from __future__ import annotations

import json
import zlib

from myoprosthesis.console.frame_packer import FramePacker
from myoprosthesis.effectors.body_shapes import BodyShapes

MESHES = 2
"""Kind of the message with the meshes."""


def scene(packer: FramePacker, why: str = "") -> str:
    """What is drawn of an effector, and its curves; `why` no body is."""
    shapes = packer.shapes
    return json.dumps(
        {
            "kind": "scene",
            "effector": packer.spec.name,
            "layout": packer.layout,
            "targets": len(packer.parts),
            "contacts": len(shapes.body.spec.contacts) if shapes else 0,
            "ghost": packer.ghost,
            "why": why,
            "shapes": shapes.description if shapes else None,
            "curves": [c.describe() for c in packer.curves],
        }
    )


def packed_meshes(shapes: BodyShapes | None) -> bytes:
    """The meshes of a body, compressed."""
    return MESHES.to_bytes(4, "little") + zlib.compress(shapes.meshes if shapes else b"", 6)
