"""Pacing of a control loop by the monotonic clock."""

from __future__ import annotations

import gc
import os
import sys

FIFO_PRIORITY = 20


SWITCH_INTERVAL_S = 5e-5
"""Beside a busy Python thread a 500 Hz loop missed 336 of 500 ticks at the default 5 ms, and 4 at 0.2 ms. A tick
takes the lock some eight times and waits this long each time: at this interval it loses a fifth of its period."""


def set_switch_interval() -> None:
    """Let this process change threads often enough for a paced loop; once per process."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def request_fifo_scheduling() -> bool:
    """Ask for real-time scheduling of the calling thread (SCHED_FIFO), as ros2_control does; True where it is granted.

    Without it, a thread that wakes while another has its processor now and then waits for the kernel's next tick, 4 ms
    apart: seen in one of 1000 periods of a 500 Hz loop. It needs CAP_SYS_NICE or an rtprio limit; without, all goes on.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except (AttributeError, OSError):
        return False
    return True


def freeze_gc() -> None:
    """Exclude all objects that exist by now from garbage collection; call it once a node is up.

    What a node is made of lives as long as the node, and scanning it repeatedly delays the loop by milliseconds. It is
    not scanned here either: that took up to 0.1 s of a loop that had just begun.
    """
    gc.freeze()
