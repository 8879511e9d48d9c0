"""The shared checks, a module for each kind of component: what every one must do, ours or yours.

Each raises AssertionError with a sentence that says what is wrong. Call them from a test of your own.
"""

from myoprosthesis.checks.decoder import check_decoder
from myoprosthesis.checks.effector import check_effector
from myoprosthesis.checks.emg_format import check_emg_format
from myoprosthesis.checks.emg_source import check_emg_source
from myoprosthesis.checks.hand_owner import check_hand_owner
from myoprosthesis.checks.hand_protocol import check_hand_protocol
from myoprosthesis.checks.perturbation import check_perturbation
from myoprosthesis.checks.policy import check_policy
from myoprosthesis.checks.stop import check_stop
from myoprosthesis.checks.task import check_task

__all__ = [
    "check_decoder",
    "check_effector",
    "check_emg_format",
    "check_emg_source",
    "check_hand_owner",
    "check_hand_protocol",
    "check_perturbation",
    "check_policy",
    "check_stop",
    "check_task",
]
