"""`myoprosthesis picture`: a body as an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.core.errors import ConfigError, unknown

SETTLE_S = 2.0
"""Simulated time in which a posture is reached."""
DPI, TITLE_INCH = 100, 0.3
MOST = 8192
"""Pixels along a side."""


@dataclass(frozen=True, kw_only=True)
class ViewArgument:
    """From where a body is seen."""

    view: tuple[float, float, float] = argument(
        (90.0, -35.0, 0.0),
        "direction from which it is seen, degrees, and distance, m; 0: far enough for the whole body",
        nargs=3,
        metavar=("AZIMUTH", "ELEVATION", "DISTANCE"),
    )
    look_at: tuple[float, float, float] | None = argument(
        None, "point in the middle of the picture; by default the middle of the body", "m", nargs=3,
        metavar=("X", "Y", "Z"),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PictureOptions(ViewArgument):
    """Options of `picture`."""

    effector: str = argument(help="a simulated body (see `effectors`)", positional=True)
    pose: tuple[str, ...] = argument(
        (),
        "command these postures, such as the grips of a hand, and render each under its name",
        nargs="+",
        metavar="NAME",
    )
    out: str = argument(help="the PNG to write", metavar="FILE")
    size: str = argument("900x600", "pixels", metavar="WxH")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "picture",
        run,
        PictureOptions,
        help="render a body as a PNG",
        description="Render a body at its start as a PNG.",
    )


def run(command: PictureOptions) -> int:
    """Render offscreen; without a display by EGL or OSMesa."""
    import numpy as np

    from myoprosthesis.core import registry
    from myoprosthesis.core.disturbance import NO_DISTURBANCE as NO_LOAD
    from myoprosthesis.effectors.graphics import cannot_draw, draw_offscreen

    draw_offscreen()

    try:
        from matplotlib.image import imsave
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    width, height = pixels(command.size)
    options = registry.options("effectors", command.effector)
    body = registry.factory("effectors", command.effector)(options())
    if not hasattr(body, "render"):
        raise ConfigError(f"effector {command.effector!r} has no MuJoCo model to render")
    out = Path(command.out).expanduser()
    strange = [name for name in command.pose if name not in body.spec.poses]
    if strange:
        raise unknown("pose", strange[0], body.spec.poses)

    def image(pose: str) -> Any:
        body.reset(0)
        for _ in range(round(SETTLE_S / body.spec.dt) if pose else 0):
            body.step(np.array(body.spec.poses[pose]), NO_LOAD)
        try:
            return body.render(width, height, *command.view, look_at=command.look_at)
        except Exception as error:  # whatever the library that draws raises
            raise ConfigError(cannot_draw(error)) from error

    try:
        if command.pose:
            _grid(out, {pose: image(pose) for pose in command.pose})
        else:
            imsave(out, image(""))
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    print(out)
    return 0


def pixels(size: str) -> tuple[int, int]:
    """Width and height out of `WIDTHxHEIGHT`; raises `ConfigError`."""
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 1 <= int(width) <= MOST and 1 <= int(height) <= MOST):
        raise ConfigError(f"--size {size!r}: pixels as WIDTHxHEIGHT, such as 900x600, up to {MOST} each")
    return int(width), int(height)


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
