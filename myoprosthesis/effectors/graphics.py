"""What there is to draw with: a display for a window, or a library that draws without one."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
import traceback

from myoprosthesis.core.errors import Refused

LIBRARIES = "(Debian: libegl1 libgl1-mesa-dri libopengl0)"
INSTEAD = (
    "leave --viewer out; a picture needs no display: MUJOCO_GL=egl myoprosthesis picture BODY --out FILE.png "
    f"{LIBRARIES}"
)
WINDOW = "import glfw, warnings; warnings.simplefilter('ignore'); raise SystemExit(0 if glfw.init() else 1)"
CHECK_S = 20.0


def has_display() -> bool:
    """Whether the environment names a display; where windows need none to be named, True."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def require_window() -> None:
    """Raise `Refused` where no window can be opened: tried in another process, since GLFW may end its own."""
    if not has_display():
        raise Refused(f"no window can be opened: there is no display (DISPLAY is not set); {INSTEAD}")
    try:
        done = subprocess.run([sys.executable, "-c", WINDOW], capture_output=True, timeout=CHECK_S).returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    if not done:
        display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "the screen"
        raise Refused(f"no window can be opened: the display {display} does not answer; {INSTEAD}")


def draw_offscreen() -> None:
    """Before MuJoCo draws for the first time in this process: without a display, let it use what is there instead.

    A choice in the environment (MUJOCO_GL) stays."""
    if has_display() or os.environ.get("MUJOCO_GL"):
        return
    opengl = any(map(ctypes.util.find_library, ("OpenGL", "GL")))
    library = next((name for name in ("EGL", "OSMesa") if opengl and ctypes.util.find_library(name)), "")
    if library:
        os.environ["MUJOCO_GL"] = library.lower()


def cannot_draw(error: Exception) -> str:
    """The sentence for a machine on which MuJoCo cannot draw, with the reason that its library gives."""
    return (
        f"nothing can be drawn here: without a display MUJOCO_GL=egl is needed, and its libraries {LIBRARIES}; "
        f"{' '.join(str(error).split())[:120]}"
    )


def cannot_load(error: Exception) -> str:
    """The sentence for an error of MuJoCo while it loads what MUJOCO_GL names; empty for any other error."""
    chosen = os.environ.get("MUJOCO_GL", "")
    files = [frame.filename.replace(os.sep, "/") for frame in traceback.extract_tb(error.__traceback__)]
    if not chosen or not any("/mujoco/rendering/" in file and file.endswith("gl_context.py") for file in files):
        return ""
    return (
        f"MuJoCo cannot be loaded with MUJOCO_GL={chosen}: {' '.join(str(error).split())[:120]}; leave it out of the "
        f"environment, or give egl or osmesa, with its libraries {LIBRARIES}"
    )
