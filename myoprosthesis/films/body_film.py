"""Pictures of a simulated body along a recorded motion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.body_picture import BodyPicture, Mark, View
from myoprosthesis.effectors.graphics import cannot_draw
from myoprosthesis.films.placed_body import PlacedBody

TARGET_RADIUS = 0.01
"""m, of a ball that shows where a part should be."""


class BodyFilm:
    """Draws a body at any instant of its recording; raises `ConfigError` where nothing can be drawn.

    Args:
        placed: The body.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        view: From where it is seen.
    """

    def __init__(self, placed: PlacedBody, width: int, height: int, view: View) -> None:
        self._placed = placed
        try:
            self._picture = BodyPicture(placed.body.model, width, height, view, activation=True)
        except Exception as error:  # whatever the library that draws raises
            raise ConfigError(cannot_draw(error)) from error

    def __enter__(self) -> BodyFilm:
        return self

    def __exit__(self, *raised: object) -> None:
        self._picture.close()

    def images(self, instants_ns: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        """The body at each instant, (height, width, 3) RGB, and where its parts should be."""
        for now in instants_ns:
            places = self._placed.motion.targets(now).values()
            marks = [Mark(tuple(place.tolist()), TARGET_RADIUS) for place in places if np.isfinite(place).all()]
            yield self._picture.image(self._placed.at(now), marks)
