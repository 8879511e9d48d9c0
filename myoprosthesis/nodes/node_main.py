"""How every node process begins and ends."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from myoprosthesis.core import share
from myoprosthesis.core.child_process import CRASHED, FAILED, REFUSED, STARTER
from myoprosthesis.core.distribution import ros_distro
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.ending import bounded_end, wake_by
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.output import diverted
from myoprosthesis.core.process_tuning import set_switch_interval
from myoprosthesis.core.terminal import accept_all_characters
from myoprosthesis.core.text import printable

END_S = 6.0
"""A node that is asked to end is gone after this time."""
LOOK_S = 0.25
"""How often it is looked whether a node has ended by itself; a signal and a thread that failed are seen at once."""
DELIVERY_S = 0.5
"""How long a node that ends waits until its last messages have been received."""
POLL_S = 0.005
RANGE, PEERS = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"
OPEN = (
    "the network is open: whoever reaches this machine in ROS domain {domain} sees what the stack publishes, and can "
    "command, steer and stop it; an emergency stop is taken off on this machine only (myoprosthesis resume)"
)


def stay_local() -> None:
    """Settings of the middleware, for the time before `rclpy.init`; the environment's own come first.

    Discovery and data are kept on this machine, so that nobody on the network can move a hand by accident
    (`open_network`, or `ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET`, opens both), and discovery is made quick.
    """
    domain_id()
    _log_somewhere()
    local = os.environ.setdefault(RANGE, "LOCALHOST").upper() in ("LOCALHOST", "OFF")
    name = _profile_name()
    if os.environ.get(name) in (None, "", _profile(not local)):
        os.environ[name] = _profile(local)
    if os.environ[name] == _profile(local):
        os.environ.setdefault("SKIP_DEFAULT_XML_FILE", "1")  # a profile in the working folder would come on top


def join_graph(arguments: list[str] | None = None, context: rclpy.Context | None = None) -> None:
    """Call `rclpy.init` for a context (default: that of the process) with the settings of `stay_local`.

    Raises `ConfigError` when the middleware cannot be started.
    """
    stay_local()
    try:
        with _range_of_the_profile():
            rclpy.init(args=arguments or [], context=context, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # rclpy and the middleware raise kinds of their own
        why = " ".join(str(error).split(", at ")[0].split())
        raise ConfigError(f"the middleware of ROS cannot be started: {why or type(error).__name__}") from error


@contextlib.contextmanager
def _range_of_the_profile() -> Iterator[None]:
    """Context in which the middleware takes the range of discovery from our local profile, which says it whole.

    For LOCALHOST it would add sockets on all interfaces, a segment of shared memory, and a second copy of each message.
    """
    before = os.environ[RANGE]
    if _bound_here() and before.upper() == "LOCALHOST" and not os.environ.get(PEERS):
        os.environ[RANGE] = "SYSTEM_DEFAULT"
    try:
        yield
    finally:
        os.environ[RANGE] = before


def open_network() -> None:
    """Let other machines take part, in this process and in those that it starts."""
    os.environ[RANGE] = "SUBNET"
    stay_local()


def network_warning() -> str:
    """Empty where only this machine takes part, else the sentence that says what is open.

    A profile of one's own, or another middleware than Fast DDS, is taken for open: what it binds to is not known here.
    """
    stay_local()
    return "" if _bound_here() else OPEN.format(domain=domain_id())


def _bound_here() -> bool:
    """Whether our profile keeps the middleware on this machine."""
    fast = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp").startswith("rmw_fastrtps")
    local = os.environ[RANGE].upper() in ("LOCALHOST", "OFF")
    return fast and local and os.environ[_profile_name()] == _profile(True)


def _log_somewhere() -> None:
    """ROS logs below the home directory, and does not start where there is none: then in a temporary folder."""
    if os.environ.get("ROS_LOG_DIR"):
        return
    home = os.environ.get("ROS_HOME") or (os.path.join(os.environ["HOME"], ".ros") if os.environ.get("HOME") else "")
    for folder in filter(None, (os.path.join(home, "log") if home else "", _own_log())):
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            if os.access(folder, os.W_OK):
                if folder == _own_log():
                    os.environ["ROS_LOG_DIR"] = folder
                return


def _own_log() -> str:
    return os.path.join(tempfile.gettempdir(), f"myoprosthesis_{os.getuid()}_log")


def _jazzy() -> bool:
    """Whether this is Jazzy: its Fast DDS 2 knows older names only, and later ones complain of them."""
    return ros_distro() == "jazzy"


def _profile_name() -> str:
    return "FASTRTPS_DEFAULT_PROFILES_FILE" if _jazzy() else "FASTDDS_DEFAULT_PROFILES_FILE"


def _profile(local: bool) -> str:
    name = f"dds{'' if local else '_network'}{'_jazzy' if _jazzy() else ''}.xml"
    return str(share.root() / "config" / name)


def die_with_parent() -> None:
    """End when the process that started this one is gone, however it went (Linux: prctl PR_SET_PDEATHSIG)."""
    starter = os.environ.get(STARTER)
    if not starter:
        return
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if not _descends_from(int(starter)):
        sys.exit(0)


def _descends_from(process: int) -> bool:
    """Whether this process was started by that one, or by one that it started: a debugger may stand between."""
    parent = os.getppid()
    while parent > 1 and parent != process:
        try:
            status = Path(f"/proc/{parent}/stat").read_text()
        except OSError:
            return False
        parent = int(status.rpartition(")")[2].split()[1])
    return parent == process


def plain_node(name: str) -> Node:
    """A node without a lifecycle, for `run`."""
    return rclpy.create_node(name)


def run(make: Callable[[], Any], argv: list[str] | None = None) -> NoReturn:
    """Make a node, spin it until Ctrl-C or SIGTERM, close it, and end the process with the exit status.

    Threads of their own write its output, so that neither a control loop nor a service waits for a reader.
    """
    accept_all_characters()
    with bounded_end(END_S):
        with diverted():
            code = _run(make, argv)
            forget_nodes()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or it is closed
                stream.flush()
        # Libraries would be torn down one by one for a quarter of a second; or, where a thread still computes in one,
        # at length or by an abort.
        os._exit(code)


def forget_nodes() -> None:
    """Free nodes that were destroyed.

    A lifecycle node keeps its handle until Python frees it. One that is left to the end of the process leaves 5 MB of
    shared memory behind, where a profile has that.
    """
    gc.unfreeze()  # see `freeze_gc`
    gc.collect()


def _run(make: Callable[[], Any], argv: list[str] | None) -> int:
    die_with_parent()
    set_switch_interval()
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    mistakes: list[BaseException] = []
    node: Node | None = None
    executor: SingleThreadedExecutor | None = None

    def note(failed: Any) -> None:
        mistakes.append(failed.exc_value or RuntimeError("a thread failed"))
        if executor is not None:
            executor.wake()

    threading.excepthook = note
    try:
        join_graph(argv)
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        wake_by(executor.wake)
        while not stop.is_set() and rclpy.ok() and not _ending(node) and not mistakes:
            executor.spin_once(timeout_sec=LOOK_S)
        mistakes += filter(None, [getattr(node, "crashed", None)])
        return _broken(mistakes[0]) if mistakes else _ending(node)
    except MyoError as error:
        print(f"error: {printable(error)}", file=sys.stderr, flush=True)
        return REFUSED
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except Exception as error:
        return _broken(error)
    finally:
        wake_by(None)
        threading.excepthook = threading.__excepthook__
        with killed_after(2 * END_S):
            if node is not None:
                close = getattr(node, "close", None)
                if close is not None:
                    close()
                await_delivery(node)
                node.destroy_node()
            if executor is not None:
                executor.shutdown()  # one that outlives the graph complains of that when it is freed
            rclpy.try_shutdown()


@contextlib.contextmanager
def killed_after(seconds: float) -> Iterator[None]:
    """Context in which the system kills the process after `seconds`, whatever holds Python up.

    A node that broke down once span for minutes in the middleware, which held Python's lock, so that neither a signal's
    handler nor the thread of `bounded_end` came to run."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def await_delivery(node: Node) -> None:
    """Wait until all subscribers have received what a node has published, `DELIVERY_S` at most.

    A publisher that is gone sends nothing again: of last reports to a subscriber that was held up, 4 of 6 were lost.
    """
    until = time.monotonic() + DELIVERY_S
    with contextlib.suppress(RuntimeError):  # the graph is gone, or a middleware that cannot tell
        while time.monotonic() < until and not all(p.wait_for_all_acked(Duration()) for p in node.publishers):
            time.sleep(POLL_S)  # rclpy's own waiting would hold up all threads of the process


def _ending(node: Node) -> int:
    """The exit status that a node asks for; 0 while it goes on."""
    asked = {REFUSED: "refused", FAILED: "failed", CRASHED: "crashed"}
    return next((code for code, name in asked.items() if getattr(node, name, None)), 0)


def _broken(error: BaseException) -> int:
    """Say what an error was that nobody foresaw, and where: half a node, of whichever thread, is worse than none."""
    traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = printable(f"the node broke down: {type(error).__name__}: {error}{where}")
    print(f"error: {text}", file=sys.stderr, flush=True)
    return CRASHED


def say(node: Node, level: str, text: str) -> None:
    """Log at a level given by name. rclpy refuses a line of code that logs at two levels, hence one line for each."""
    log = node.get_logger()
    if level == "info":
        log.info(text)
    elif level == "warning":
        log.warning(text)
    elif level == "error":
        log.error(text)
    else:
        log.fatal(text)
