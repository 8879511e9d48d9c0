"""Files of moving pictures: MP4, GIF, and a strip of stills as a PNG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.files.atomic import write_atomic

Image = NDArray[np.uint8]
ENDINGS = (".mp4", ".gif", ".png")
COLUMNS = 6
"""Stills in a row of a strip, at most."""
GAP = 4
"""Pixels between stills."""
CENTISECOND = 10
"""ms, the unit in which a GIF counts."""


def check_ending(out: Path) -> str:
    """The ending of a film's file; raises `ConfigError` for another."""
    if out.suffix.lower() not in ENDINGS:
        raise ConfigError(f"{out}: a film ends with {' or '.join(ENDINGS[:2])}, a strip of stills with {ENDINGS[2]}")
    if out.suffix.lower() == ".mp4":
        library("av", "film", "an .mp4")
    library("PIL.Image", "plot", "a picture")
    return out.suffix.lower()


def write(out: Path, images: Iterable[Image], fps: float) -> None:
    """Write images (height, width, 3) RGB, at `fps` a second where they move; raises `ConfigError`."""
    ending = check_ending(out)
    if ending == ".mp4":
        write_atomic(out, lambda file: _mp4(file, images, fps))
    elif ending == ".gif":
        write_atomic(out, lambda file: _gif(file, list(images), fps))
    else:
        write_atomic(out, lambda file: _pillow(strip(list(images))).save(file, "PNG", optimize=True))


def captioned(image: Image, text: str) -> Image:
    """The image with a line of text in its upper left corner."""
    drawing, fonts = library("PIL.ImageDraw", "plot", "a picture"), library("PIL.ImageFont", "plot", "a picture")
    base = Path(library("matplotlib", "plot", "a picture").get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    size = max(10, image.shape[0] // 28)
    canvas = _pillow(image)
    drawing.Draw(canvas).text((size // 2, size // 3), text, fill=(40, 40, 40), font=fonts.truetype(str(base), size))
    return np.asarray(canvas)


def strip(images: list[Image]) -> Image:
    """Stills side by side, up to `COLUMNS` in a row, on white."""
    height, width = images[0].shape[:2]
    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for k, image in enumerate(images):
        top, left = (k // columns) * (height + GAP), (k % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _pillow(image: Image) -> Any:
    return library("PIL.Image", "plot", "a picture").fromarray(image)


def _gif(file: Any, images: list[Image], fps: float) -> None:
    """All pictures in one palette of 256 colours, each as long as the frame rate asks for on the whole."""
    pillow = library("PIL.Image", "plot", "a picture")
    palette = _pillow(strip(images[:: max(1, len(images) // COLUMNS)])).quantize(255)
    frames = [_pillow(image).quantize(palette=palette, dither=pillow.Dither.NONE) for image in images]
    ends = np.round(np.arange(len(images) + 1) * 1000 / fps / CENTISECOND).astype(int) * CENTISECOND
    lengths = np.maximum(np.diff(ends), CENTISECOND).tolist()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=lengths, loop=0, optimize=False)


def _mp4(file: Any, images: Iterable[Image], fps: float) -> None:
    """H.264, which browsers and slides play."""
    from fractions import Fraction

    av = library("av", "film", "an .mp4")
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=Fraction(fps).limit_denominator(1000))
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "20"}
        for k, image in enumerate(images):
            height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
            if not k:  # they cannot be changed once the first picture is encoded
                stream.height, stream.width = height, width
            even = np.ascontiguousarray(image[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
