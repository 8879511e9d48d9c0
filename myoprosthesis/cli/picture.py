"""`myoprosthesis picture`: a body as an image."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError, unknown

SETTLE_S = 2.0
"""Simulated time in which a posture is reached."""
DPI, TITLE_INCH = 100, 0.3


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("picture", help="render a body as a PNG", description="Render a body at its start as a PNG.")
    p.add_argument("effector", help="a simulated body (see `effectors`)")
    p.add_argument(
        "--pose", nargs="+", default=[], metavar="NAME",
        help="command these postures, such as the grips of a hand, and render each under its name",
    )  # fmt: skip
    p.add_argument("--out", required=True, metavar="FILE", help="the PNG to write")
    p.add_argument("--size", default="900x600", metavar="WxH", help="pixels (default 900x600)")
    p.add_argument(
        "--view", type=float, nargs=3, default=(90.0, -35.0, 0.0), metavar=("AZIMUTH", "ELEVATION", "DISTANCE")
    )
    p.add_argument(
        "--look-at", type=float, nargs=3, metavar=("X", "Y", "Z"), help="m (default: the middle of the body)"
    )
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Render offscreen; without a display by EGL or OSMesa."""
    import numpy as np

    from myoprosthesis.core import registry
    from myoprosthesis.core.disturbance import NO_DISTURBANCE as NO_LOAD
    from myoprosthesis.effectors.graphics import draw_offscreen

    draw_offscreen()

    try:
        from matplotlib.image import imsave
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    try:
        width, height = (int(n) for n in given.size.split("x"))
    except ValueError as error:
        raise ConfigError(f"--size {given.size!r}: pixels as WIDTHxHEIGHT, such as 900x600") from error
    options = registry.options("effectors", given.effector)
    body = registry.factory("effectors", given.effector)(options())
    if not hasattr(body, "render"):
        raise ConfigError(f"effector {given.effector!r} has no MuJoCo model to render")
    out = Path(given.out).expanduser()
    strange = [name for name in given.pose if name not in body.spec.poses]
    if strange:
        raise unknown("pose", strange[0], body.spec.poses)

    def image(pose: str) -> Any:
        body.reset(0)
        for _ in range(round(SETTLE_S / body.spec.dt) if pose else 0):
            body.step(np.array(body.spec.poses[pose]), NO_LOAD)
        try:
            return body.render(width, height, *given.view, look_at=given.look_at)
        except Exception as error:  # whatever the library that draws raises
            raise ConfigError(
                "nothing can be drawn here: without a display MUJOCO_GL=egl is needed, and its libraries (Debian: "
                f"libegl1 libgl1-mesa-dri); {' '.join(str(error).split())[:120]}"
            ) from error

    try:
        if given.pose:
            _grid(out, {pose: image(pose) for pose in given.pose})
        else:
            imsave(out, image(""))
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    print(out)
    return 0


def _grid(out: Path, images: dict[str, Any]) -> None:
    """Up to three images in a row, each under its name."""
    from matplotlib.figure import Figure

    columns = min(3, len(images))
    rows = -(-len(images) // columns)
    height, width = next(iter(images.values())).shape[:2]
    figure = Figure(figsize=(columns * width / DPI, rows * (height / DPI + TITLE_INCH)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for one in axes.flat:
        one.axis("off")
    for one, (name, shown) in zip(axes.flat, images.items(), strict=False):
        one.imshow(shown)
        one.set_title(name, parse_math=False)
    figure.savefig(out, dpi=DPI)
