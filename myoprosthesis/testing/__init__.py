"""The shared checks, a module for each kind of component: what every one must do, ours or yours.

Each raises AssertionError with a sentence that says what is wrong. Call them from a test of your own.
"""

from myoprosthesis.testing.decoder import check_decoder
from myoprosthesis.testing.effector import check_effector
from myoprosthesis.testing.emg_format import check_emg_format
from myoprosthesis.testing.emg_source import check_emg_source
from myoprosthesis.testing.hand_owner import check_hand_owner
from myoprosthesis.testing.hand_protocol import check_hand_protocol
from myoprosthesis.testing.perturbation import check_perturbation
from myoprosthesis.testing.policy import check_policy
from myoprosthesis.testing.stop import check_stop
from myoprosthesis.testing.task import check_task
from myoprosthesis.testing.term import check_term

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
    "check_term",
]
