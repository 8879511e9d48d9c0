"""The port of a hand and its server: what is written when the owner falls silent, dies, or the server does."""

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
import tty

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.errors import EffectorError
from myoprosthesis.core.serial_errors import explain
from myoprosthesis.effectors.serial_hand import port_server as keeping
from myoprosthesis.effectors.serial_hand.hands import ability_hand
from myoprosthesis.effectors.serial_hand.port_client import START, PortClient, check_latency
from myoprosthesis.effectors.serial_hand.port_server import LastWill, PortServer
from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions
from myoprosthesis.emulators.ability_hand import AbilityHandEmulator
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.emulators.inspire_rh56 import InspireRh56Emulator
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.hands.ability_hand import EXIT_API, PER_RAD, POSITION, Deframer
from myoprosthesis.testing import check_hand_owner
from myoprosthesis.testing.hand_owner import lives

BUSY = 3
"""So many periods may lie between two frames that come one after the other, where a machine is busy."""
SAID = {
    errno.ENOENT: "there is no port /dev/x: ",
    errno.EBUSY: "/dev/x is busy: another program has it open",
    errno.EACCES: "no permission for /dev/x: join the group dialout with `sudo usermod -aG dialout ",
    errno.ENOTTY: "/dev/x cannot be used as a serial port",
}


@pytest.mark.parametrize("code", SAID)
def test_what_is_wrong_with_a_port_is_one_sentence(code):
    assert explain("/dev/x", OSError(code, os.strerror(code)), "hand").startswith(SAID[code])


@pytest.fixture
def line():
    """Both ends of a pseudo-terminal: what the server writes is read at the first, the second is a path."""
    near, far = os.openpty()
    tty.setraw(far)
    yield near, os.ttyname(far)
    os.close(near)
    os.close(far)


def came(near, seconds):
    out, until = b"", time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([near], [], [], left)[0]:
            out += os.read(near, 4096)
    return out


def until(done, seconds=30.0):
    limit = time.monotonic() + seconds
    while not done() and time.monotonic() < limit:
        time.sleep(0.01)
    return done()


def ended(pid, seconds=30.0):
    until = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not lives(pid)


@pytest.mark.parametrize("will", [None, LastWill((b"a" * 90, b"", b"c"), b"bye"), LastWill((b"x",))])
def test_a_write_comes_back_from_its_packet(will):
    assert keeping.unpack_write(keeping.pack_write(b"data", will, 1.5)) == (1.5, b"data", will)


def test_silence_brings_the_will_once_and_nothing_old_follows(line):
    near, path = line
    port = PortClient(path, 115200, silent_s=0.07, lasting_s=0.1)
    port.open()
    begin = time.monotonic()
    port.write(b"go", LastWill((b"1", b"2", b"3"), b"leave"))
    assert select.select([near], [], [], 1)[0] and os.read(near, 10) == b"go"
    assert select.select([near], [], [], 1)[0] and time.monotonic() - begin >= 0.069
    assert came(near, 0.3) == b"12333"  # every 20 ms for 100 ms; the owner lives, so the hand is not given back
    port.write(b"computed before", LastWill((b"x",)))
    assert came(near, 0.05) == b""  # this process does not know yet that its will was done
    port.read()
    assert port.take_stall() >= 0.069 and port.take_stall() == 0.0
    port.write(b"again", None)
    assert came(near, 0.2) == b"again"
    port.close()


def test_the_last_word_is_written_whatever_came_before(line):
    near, path = line
    port = PortClient(path, 115200)
    port.open()
    port.write(b"a", LastWill((b"x",)))
    assert came(near, 0.3) == b"axxxxx"
    port.close(b"leave")  # this process does not know yet that its will was done
    assert came(near, 0.05) == b"leave"


def test_without_a_will_silence_is_no_matter(line):
    near, path = line
    port = PortClient(path, 115200)
    port.open()
    port.write(b"a", LastWill((b"x",)))
    port.write(b"", None)
    assert came(near, 0.25) == b"a"
    port.close()
    assert came(near, 0.1) == b""


def test_a_port_server_that_was_held_up_writes_nothing_old(line):
    near, path = line
    port = PortClient(path, 115200)
    port.open()
    os.kill(port.server_pid, signal.SIGSTOP)
    for _ in range(20):
        port.write(b"old", LastWill((b"w",)))
    time.sleep(0.1)
    port.write(b"new", None)
    os.kill(port.server_pid, signal.SIGCONT)
    assert came(near, 0.3) == b"new"
    port.close()


class Full(PortServer):
    """A server of one end of a socket pair that takes little."""

    def _opened(self):
        self.near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        far.setblocking(False)
        return far


def test_a_dead_target_does_not_wait_in_the_queue():
    """Nobody reads: what the port does not take is not heaped up behind it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = Full(theirs)
    server._open()
    while not server._rest:
        server._put(b"first" * 100)
    rest = server._rest
    for k in range(20):
        server._put(bytes([k]) * 20)
    assert server._rest == rest and (b"first" * 100)[: 500 - len(rest)] + rest == b"first" * 100
    for s in (ours, theirs, server.near, server._port):
        s.close()


def test_the_port_server_is_small():
    """Neither numpy nor anything of this package but itself, and no site packages but pyserial."""
    import serial

    import myoprosthesis

    code = START.replace("; main()", "; import serial; print(*sys.modules)")
    folders = [os.path.dirname(os.path.dirname(m.__file__)) for m in (myoprosthesis, serial)]
    words = [sys.executable, "-I", "-S", "-c", code, *folders]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    foreign = {m.split(".")[0] for m in told if not m.startswith("_")} - set(sys.stdlib_module_names)
    assert foreign == {"myoprosthesis", "serial"}
    folder = "myoprosthesis.effectors.serial_hand"
    ours = {"myoprosthesis", "myoprosthesis.effectors", folder, f"{folder}.port_server"}
    assert {m for m in told if m.startswith("myoprosthesis")} == ours


OWNER = "import sys; from myoprosthesis.testing.hand_owner import move; move(*sys.argv[1:3])"


@pytest.fixture
def owner():
    """Start a process that moves a hand; the number of its server's process. It does not outlive the test."""
    started = []

    def start(name, port):
        process = subprocess.Popen([sys.executable, "-c", OWNER, name, port.path], stdout=subprocess.PIPE, text=True)
        started.append(process)
        server = int(process.stdout.readline())
        time.sleep(0.6)  # in full motion
        return process, server

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


FASTEST_STEP = float(np.max(data_sheets.load("ability_hand").rate_limit)) * data_sheets.load("ability_hand").dt + 0.01
"""rad by which the target of a hand that is followed changes in a period, and a little."""


def targets(port):
    """Times, and targets (rad) of the first joint, of the frames that an emulated Ability Hand heard."""
    frames, out = Deframer(), []
    for then, data in list(port.received):
        for f in frames.parse(data):
            if f[1] & 0xF0 == POSITION:
                out.append((then, int.from_bytes(f[2:4], "little", signed=True) / PER_RAD))
            elif f[1] == EXIT_API:
                out.append((then, np.nan))
    return np.array(out)


def promptly(once, tries=5):
    """The shortest of some measurements of one delay (s): a busy machine holds up one or another, not all."""
    delays = []
    while len(delays) < tries and (not delays or min(delays) >= 0.1):
        delays.append(once())
    return min(delays)


def test_kill_9_of_the_owner_holds_the_hand_within_100_ms_and_gives_it_back(owner):
    assert promptly(lambda: held_after_the_death(owner)) < 0.1


def held_after_the_death(owner):
    """The owner is killed: the delay (s) of the first frame after that."""
    with EmulatedPort(AbilityHandEmulator(data_sheets.load("ability_hand"))) as port:
        places = places_of(port)
        process, server = owner("ability_hand", port)
        fingers = port.emulator.motors
        speed = abs(fingers.velocity[0])
        process.kill()
        killed = time.monotonic()
        process.wait()
        assert ended(server)

        def left():  # and not timed out
            after = targets(port)
            return bool((np.isnan(after[:, 1]) & (after[:, 0] > killed)).any()) and not port.emulator.api

        assert until(left)
        told = targets(port)
        after = told[told[:, 0] > killed]
        assert np.isnan(after[-1, 1])
        assert port.emulator.watchdog_events == 0
        held = after[:-1, 1]
        own = 0  # of the owner, which are read late where this process was held up
        while own < len(held) - 1 and held[own] != held[own + 1]:
            own += 1
        steps, held = np.abs(np.diff(held[:own])), held[own:]
        assert (steps <= FASTEST_STEP).all()
        assert 0 < held.size <= 8 and len(set(held[1:])) <= 1
        where = places[told[told[:, 0] <= (after[own - 1, 0] if own else killed)][-1, 0]]
        assert np.abs(held[1:] - where).max(initial=0.0) <= 0.02 + 0.03 * speed  # where it was, not its last target
        assert until(lambda: np.abs(fingers.velocity).max() < 0.05)
        return after[own, 0] - killed


def test_kill_9_of_the_owner_leaves_a_hand_without_watchdog_where_it_is(owner):
    assert promptly(lambda: left_after_the_death(owner)) < 0.1


def left_after_the_death(owner):
    """The owner is killed: the delay (s) of the first frame after that."""
    with EmulatedPort(InspireRh56Emulator(data_sheets.load("inspire_rh56"))) as port:
        process, server = owner("inspire_rh56", port)
        process.kill()
        killed = time.monotonic()
        process.wait()
        assert ended(server)

        def frames():
            return [(t - killed, d[7:19]) for t, d in list(port.received) if t > killed and d[4:7].hex() == "12ce05"]

        assert until(frames)  # what was written before the server's end is read a moment later
        time.sleep(0.05)
        written = frames()
        assert 0 < len(written) <= 8 and len({d for _, d in written[1:]}) <= 1  # the first may be the owner's last
        assert until(lambda: np.abs(port.emulator.motors.velocity).max() < 0.05)
        return written[0][0]


def test_an_owner_that_is_held_up_finds_the_hand_stopped_and_moves_on_without_a_jump(owner):
    with EmulatedPort(AbilityHandEmulator(data_sheets.load("ability_hand"))) as port:
        process, server = owner("ability_hand", port)
        os.kill(process.pid, signal.SIGSTOP)
        assert until(lambda: port.emulator.watchdog_events)
        before = targets(port)
        stays = before[:, 1] == before[-1, 1]
        assert stays[stays.argmax() :].all()  # the fail state, and nothing of the owner after it
        assert until(lambda: abs(port.emulator.motors.velocity[0]) < 0.05)
        assert not port.emulator.api and port.emulator.watchdog_events == 1  # then silence: it stopped by itself
        where = port.emulator.motors.position[0]
        os.kill(process.pid, signal.SIGCONT)
        assert until(lambda: len(targets(port)) > len(before) + 40)
        new = targets(port)[len(before) :]
        slow = new[new[:, 0] < new[0, 0] + 0.09, 1]
        most = np.abs(np.diff(slow)).max(), np.abs(np.diff(new[:, 1])).max()  # rad in a period, or in BUSY of them
        assert abs(slow[0] - where) <= 0.02 and most[0] <= BUSY * (1.0 * 0.005 + 1e-3)
        assert most[1] <= BUSY * (6.0 * 0.005 + 1e-3)
        process.kill()
        process.wait()
        assert ended(server)


def places_of(port):
    """Where the first joint (rad) is when each chunk comes, by its time; grows with them."""
    receive, places = port.emulator.receive, {}

    def received(data, now):
        places[port.received[-1][0]] = float(port.emulator.motors.position[0])
        return receive(data, now)

    port.emulator.receive = received
    return places


def test_the_death_of_the_port_server_is_a_fault_at_once_and_another_takes_its_place():
    with EmulatedPort(AbilityHandEmulator(data_sheets.load("ability_hand"))) as port:
        places = places_of(port)
        hand = ability_hand(HandOptions(port=port.path))
        guard = GuardedEffector(hand)
        guard.reset(0)
        goal = grips.pose(data_sheets.load("ability_hand"), "power")
        for _ in range(40):
            guard.step(goal)
            time.sleep(0.005)
        first = hand._port.server_pid
        os.kill(first, signal.SIGKILL)
        killed, steps, reasons, back = time.monotonic(), 0, [], None
        while time.monotonic() - killed < 30.0 and not back:
            steps += not lives(first)
            guard.step(goal)
            if guard.reason:
                reasons.append((steps, guard.reason))
            back = not guard.reason and bool(reasons)
            time.sleep(0.005)
        assert reasons[0][0] <= 3 and f"the process that keeps {port.path} ended" in reasons[0][1]
        assert any("(SIGKILL); another is started" in text for _, text in reasons)
        assert back and hand._port.reopened == 1 and hand._port.server_pid not in (0, first)
        times, x = targets(port).T
        here = np.array([places[t] for t in times])
        nearer = np.abs(x[1:] - here[1:]) <= np.abs(x[:-1] - here[1:])  # the target is put to where the hand is
        assert np.where(nearer, 0.0, np.abs(np.diff(x))).max() <= BUSY * (6.0 * 0.005 + 1e-3)
        second = hand._port.server_pid
        guard.close()
        assert ended(second)


def test_a_fork_that_holds_the_socket_does_not_keep_the_port_server_alive(line):
    near, path = line
    code = (
        "import os, sys, time\n"
        "from myoprosthesis.effectors.serial_hand.port_client import PortClient, LastWill\n"
        "port = PortClient(sys.argv[1], 115200); port.open()\n"
        "child = os.fork()\n"
        "if child: print(port.server_pid, child, flush=True)\n"
        "while True:\n"
        "    if child: port.write(b'go', LastWill((b'stop',)))\n"
        "    time.sleep(0.01)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    server, fork = map(int, process.stdout.readline().split())
    assert came(near, 0.2).startswith(b"go")
    try:
        process.kill()
        process.wait()
        assert ended(server)
        written = came(near, 0.1)
        assert written.endswith(b"stop" * 2), written[-40:]
    finally:
        os.kill(fork, signal.SIGKILL)


def test_a_slow_adapter_is_said_with_what_helps(tmp_path):
    for name, latency in (("ttyUSB0", "16\n"), ("ttyUSB1", "1\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "latency_timer").write_text(latency)
    with pytest.raises(EffectorError, match="holds replies back for 16 ms.* udev rules"):
        check_latency("/dev/ttyUSB0", tmp_path)
    check_latency("/dev/ttyUSB1", tmp_path)
    check_latency("/dev/ttyACM0", tmp_path)


@pytest.mark.parametrize("name", registry.names("hand_protocols"))
def test_every_hand_passes_the_check_of_owners(name):
    check_hand_owner(name)


def test_a_pose_is_approached_no_faster_than_a_command():
    with EmulatedPort(AbilityHandEmulator(data_sheets.load("ability_hand"))) as port:
        hand = ability_hand(HandOptions(port=port.path, fail="power"))
        hand.reset(0)
        will = hand._will(time.monotonic())
        frames = Deframer()
        went = [int.from_bytes(frames.parse(f)[0][2:4], "little", signed=True) / PER_RAD for f in will.frames]
        np.testing.assert_allclose(np.diff([0.0, *went]), np.full(5, 6.0 * 0.02), atol=1e-3)
        hand.close()
