"""Figures of one look, as the same bytes each time."""

import numpy as np
import pytest

from myoprosthesis.report import style

matplotlib = pytest.importorskip("matplotlib")


def drawn():
    with style.style():
        figure = style.figure(1.0, 2.0)
        style.band(figure.subplots(), [0, 1], [0, 0], [1, 2], style.INK)
        return figure


def test_the_same_figure_is_the_same_bytes_and_says_neither_when_nor_by_what():
    assert style.png(drawn()) == style.png(drawn()) and style.png(drawn())[:8] == b"\x89PNG\r\n\x1a\n"
    with style.style():
        one, two = style.svg(drawn()), style.svg(drawn())
    assert one == two and b"dc:date" not in one and b"Matplotlib" not in one


def test_the_style_holds_within_its_context_alone():
    before = matplotlib.rcParams["axes.spines.top"]
    with style.style():
        assert matplotlib.rcParams["axes.spines.top"] is False and tuple(drawn().get_size_inches()) == (2.0, 1.0)
    assert matplotlib.rcParams["axes.spines.top"] == before


def test_colours_of_directions_are_as_light_as_each_other():
    """Of opposite directions they are told apart, and a turn ends where it began."""
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    colours = np.array([style.direction_colour(a) for a in angles])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    assert np.ptp(light) < 0.05 and ((colours >= 0) & (colours <= 1)).all()
    assert np.linalg.norm(colours - np.roll(colours, 4, axis=0), axis=1).min() > 0.3
    assert style.direction_colour(2 * np.pi) == pytest.approx(style.direction_colour(0.0))


@pytest.mark.parametrize(("limits", "ticks"), [((1, 100), ["1", "2", "5", "10", "20", "50", "100"]), ((1, 1000), None)])
def test_a_logarithmic_axis_has_plain_ticks(limits, ticks):
    axes = drawn().axes[0]
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    style.plain_log(axes.yaxis)
    low, high = limits
    shown = [f"{x:g}" for x in axes.yaxis.get_major_locator()() if low <= x <= high]
    assert shown == (ticks or ["1", "10", "100", "1000"])
    assert axes.yaxis.get_major_formatter()(1000, 0) == "1000" and axes.yaxis.get_minor_formatter()(3, 0) == ""
