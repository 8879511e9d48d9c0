"""`myoprosthesis render`: a film or stills of the body in a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.picture import ViewArgument, pixels
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns

LEAST_S = 1e-3


@dataclass(frozen=True, kw_only=True)
class RenderOptions(ViewArgument, JsonArgument):
    """Options of `render`."""

    recording: str = argument(help="a recording, or one of its files", positional=True)
    out: str = argument(help="the file: .mp4 or .gif for a film, .png for a strip of stills", metavar="FILE")
    effector: str = argument("", "the body to draw; by default the one in the recording, of a real hand its model")
    topic: str = argument("state", "its states, where several bodies are in the recording, such as left/state")
    begin: float = argument(0.0, "where the film begins, counted from the first state", "s", 0.0)
    end: float = argument(0.0, "where it ends; 0: with the last state", "s", 0.0)
    fps: float = argument(30.0, "pictures a second", "1/s", 0.1, 240.0)
    speed: float = argument(1.0, "how many times faster than it was", "", 0.001, 1000.0)
    stills: int = argument(6, "of a .png: how many, evenly over the time", low=1, high=60)
    size: str = argument("640x480", "pixels of each picture", metavar="WxH")
    no_caption: bool = argument(False, "without time, trial, policy and perturbation in the picture")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "render",
        run,
        RenderOptions,
        help="a film or stills of the body in a recording",
        description="Draws the body of a recording along its recorded states, muscles coloured by their activation, "
        "without a display by EGL or OSMesa.",
    )


def run(options: RenderOptions) -> int:
    """Read, draw, write."""
    from myoprosthesis.effectors.graphics import draw_offscreen

    draw_offscreen()
    import numpy as np
    from tqdm import tqdm

    from myoprosthesis.effectors.body_picture import View
    from myoprosthesis.effectors.body_shapes import drawn_as
    from myoprosthesis.films import film_file, recorded_motion
    from myoprosthesis.films.body_film import BodyFilm
    from myoprosthesis.films.placed_body import PlacedBody
    from myoprosthesis.recording.bag import Bag

    check_writable(options.json)
    out = Path(options.out).expanduser()
    ending = film_file.check_ending(out)
    width, height = pixels(options.size)
    bag = Bag(options.recording)
    motion = recorded_motion.read(bag, options.topic)
    end = options.end or motion.seconds
    if not options.begin < end or end > motion.seconds + LEAST_S:
        raise ConfigError(
            f"from {options.begin:g} to {end:g} s: the recording's states last {motion.seconds:.2f} s; begin lies "
            "before end, and end not after it"
        )
    if ending == ".png":
        seconds = np.linspace(options.begin, end, options.stills)
    else:
        seconds = np.arange(options.begin, end, options.speed / options.fps)
    instants = [int(motion.stamps_ns[0]) + ns(float(t)) for t in seconds]

    def images(film: BodyFilm) -> Iterator[Any]:
        drawn = tqdm(film.images(instants), total=len(instants), desc=str(out), unit="picture", disable=None)
        for now, image in zip(instants, drawn, strict=True):
            yield image if options.no_caption else film_file.captioned(image, motion.caption(now))

    placed = PlacedBody(motion, options.effector or drawn_as(motion.effector))
    effector = placed.body.spec.name
    with BodyFilm(placed, width, height, View(*options.view, options.look_at)) as film:
        film_file.write(out, images(film), options.fps)
    for fault in bag.faults:
        print(f"fault: {fault}")
    print(f"{out}: {len(instants)} pictures, {end - options.begin:.2f} s of {effector}")
    write_json(
        options.json,
        {"file": str(out), "pictures": len(instants), "seconds": end - options.begin, "effector": effector,
         "width": width, "height": height, "faults": bag.faults},
    )  # fmt: skip
    return 0
