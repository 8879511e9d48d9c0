"""Drawing without a display: by what is there instead, or one sentence that names it."""

import os

import pytest

from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors import graphics


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No display, and no choice of how to draw."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(graphics.sys, "platform", "linux")


def test_no_window_without_a_display_and_the_way_round_is_named():
    with pytest.raises(Refused, match="there is no display.*MUJOCO_GL=egl"):
        graphics.require_window()


def test_a_display_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":98765")
    with pytest.raises(Refused, match="the display :98765 does not answer"):
        graphics.require_window()


@pytest.mark.parametrize(
    ("there", "chosen"), [("EGL OSMesa GL", "egl"), ("OSMesa OpenGL", "osmesa"), ("EGL", None), ("", None)]
)
def test_the_first_library_that_is_there_draws(monkeypatch, there, chosen):
    monkeypatch.setattr(graphics.ctypes.util, "find_library", lambda name: name if name in there.split() else None)
    graphics.draw_offscreen()
    assert graphics.os.environ.get("MUJOCO_GL") == chosen
    graphics.os.environ.pop("MUJOCO_GL", None)


@pytest.mark.parametrize(("name", "value"), [("DISPLAY", ":0"), ("MUJOCO_GL", "glfw")])
def test_a_display_and_a_choice_are_left_alone(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    graphics.draw_offscreen()
    assert graphics.os.environ.get("MUJOCO_GL") == (value if name == "MUJOCO_GL" else None)


@pytest.mark.parametrize("words", [("up", "reach", "--headless", "--quiet"), ("effectors",)])
def test_a_choice_with_which_mujoco_cannot_be_loaded_is_refused(command, words):
    done = command(*words, env={**os.environ, "MUJOCO_GL": "pencil"})
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be loaded with MUJOCO_GL=pencil" in done.stderr and "egl or osmesa" in done.stderr


def test_other_errors_are_not_taken_for_it(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "egl")
    try:
        raise RuntimeError("another one")
    except RuntimeError as error:
        assert graphics.cannot_load(error) == ""


def test_a_stack_with_a_window_is_refused_before_anything_starts(command):
    done = command("up", "reach", "--viewer", "--quiet")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "MUJOCO_GL=egl" in done.stderr
    assert "starting" not in done.stdout


def test_a_picture_that_cannot_be_drawn_is_one_sentence(command, tmp_path, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    done = command("picture", "point_mass", "--out", str(tmp_path / "p.png"))
    assert done.returncode == 2 and "MUJOCO_GL=egl" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
