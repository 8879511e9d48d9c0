"""Errors that a person is meant to read: each message says what was given, what was expected and what would work.

    MyoError
    ├── ConfigError (ValueError)          a name, option, file or schedule that cannot be used
    ├── ContractError (ValueError)        a policy file that cannot be used here
    │   ├── PhysicsChanged                the effector no longer moves as when the policy was trained
    │   └── PolicyLost                    a policy that was played cannot be run any more
    ├── CommandError (ValueError)         a message or command that must not be followed
    ├── DataError (ValueError)            data that a measure is not defined on
    ├── Refused (RuntimeError)            what was asked cannot be done here and now
    ├── EffectorError (RuntimeError)      an effector that cannot be opened or does not answer
    ├── SourceError (RuntimeError)        an EMG source that cannot be opened
    ├── RecordingError (RuntimeError)     a recording that cannot be written or read
    │   └── UnreadableRecording           nothing of a damaged recording can be saved
    └── StackError (RuntimeError)         a stack that cannot go on
        ├── NotStarted                    a process refused what it was given, or was not ready in time
        ├── NodeFailed                    the work of a process cannot go on
        ├── ProcessDied                   a process was killed or broke down
        ├── TrialIncomplete               states of a trial are missing
        └── Interrupted                   the person asked it to end

Each class is also the built-in named in brackets, so that code which knows nothing of this package can catch it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MyoError(Exception):
    """Base of all errors whose message is one sentence for the person at the keyboard."""


class ConfigError(MyoError, ValueError):
    """A name, option, file or schedule that cannot be used; raised before anything moves.

    Example: `up --policy reach_nul`, an option beyond its bounds, a YAML file with an unknown key.
    """


class ContractError(MyoError, ValueError):
    """A policy file that cannot be used here: damaged, without contract, or for another effector.

    Example: a policy for `arm26` in a stack with `myohand`; a network that returns NaN when it is warmed up.
    """


class PhysicsChanged(ContractError):
    """An effector that no longer moves as when the policy was trained: it may be played, its score may not hold.

    Example: another version of MuJoCo; a body whose masses were edited.
    """


class PolicyLost(ContractError):
    """A policy that was played and cannot be run any more; `policy` is its name.

    Example: a recurrent state that has become NaN; a network that does not come to an end.
    """

    def __init__(self, policy: str, why: str) -> None:
        super().__init__(why)
        self.policy = policy


class CommandError(MyoError, ValueError):
    """A message or command that must not be followed.

    Example: a command with other channel names than the effector's; a message longer than is read.
    """


class DataError(MyoError, ValueError):
    """Data that a measure is not defined on.

    Example: synergies of fewer samples than channels; a learning curve of two trials.
    """


class Refused(MyoError, RuntimeError):
    """What was asked cannot be done here and now; nothing has changed.

    Example: a force field for an effector without an endpoint; a perturbation of a hidden state that a policy lacks.
    """


class EffectorError(MyoError, RuntimeError):
    """An effector that cannot be opened or no longer answers.

    Example: the hand at `/dev/ttyUSB0` is switched off.
    """


class SourceError(MyoError, RuntimeError):
    """An EMG source that cannot be opened, or is used before it is.

    Example: no LSL stream of that name; a board that sends nothing.
    """


class RecordingError(MyoError, RuntimeError):
    """A recording that cannot be written, or is none that can be read.

    Example: a full disk; a folder without a recording.
    """


class UnreadableRecording(RecordingError):
    """No file of a damaged recording has a message that can be read; nothing was changed."""


class StackError(MyoError, RuntimeError):
    """A stack that cannot go on; `node` is the process at fault by its name in the stack's description, "" for none."""

    def __init__(self, what: str, node: str = "") -> None:
        super().__init__(f"{node} {what}".lstrip())
        self.node = node


class NotStarted(StackError):
    """A process that refused what it was given, or a stack that was not ready in time.

    Example: an effector whose port is not there; a policy that no effector answers.
    """


class NodeFailed(StackError):
    """A process whose work cannot go on.

    Example: an effector whose device is gone for good.
    """


class ProcessDied(StackError):
    """A process that was killed or broke down, and is not started again.

    Example: the effector's process was killed in a session, and what was asked of it is lost.
    """


class TrialIncomplete(StackError):
    """A trial of which states are missing.

    Example: the machine was too busy to read all states of a trial in real time.
    """


class Interrupted(StackError):
    """The person asked the stack or session to end.

    Example: Ctrl-C between two trials of a session.
    """


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> ConfigError:
    """A `ConfigError` for an unknown name that lists the known ones, the nearest first named."""
    names = sorted(known)
    name = name[:80] + "…" if isinstance(name, str) and len(name) > 80 else name
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    tail = f" {hint}" if hint else ""
    return ConfigError(f"unknown {kind} {name!r}: known are {', '.join(names) or 'none'}{guess}{tail}")
