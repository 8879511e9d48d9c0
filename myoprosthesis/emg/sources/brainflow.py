"""EMG source for the boards of BrainFlow: OpenBCI Cyton and some twenty more, its synthetic and playback boards."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, SourceError, unknown
from myoprosthesis.core.extras import library
from myoprosthesis.core.options import option
from myoprosthesis.emg.source import EmgBlock, SourceSpec, channel_names, opened, silence
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

MICROVOLT = 1e-6
"""BrainFlow gives EMG in µV."""
COUNTING = {"SYNTHETIC_BOARD": 256, "CYTON_BOARD": 256}
"""Boards whose package number counts samples, with its modulus; the times of others are by arrival."""
BUFFER_S = 20.0
"""Length of BrainFlow's buffer."""
EXPLAINED = {
    "UNABLE_TO_OPEN_PORT_ERROR": "its port cannot be opened: is it plugged in, free, and are you in the group dialout?",
    "BOARD_NOT_READY_ERROR": "it does not answer: is it switched on, and is it the right port?",
    "ANOTHER_BOARD_IS_CREATED_ERROR": "it is in use already by this program",
    "INVALID_ARGUMENTS_ERROR": "it needs other options, such as port, file, mac_address: see BrainFlow's boards",
    "UNSUPPORTED_BOARD_ERROR": "this machine cannot use it",
}


@dataclass(frozen=True)
class BrainFlowOptions:
    """The board, and the parameters by which BrainFlow finds it."""

    board: str = option("synthetic", "BrainFlow's name of the board, such as synthetic, cyton, playback_file, ganglion")
    port: str = option("", "serial port of the board or its dongle", file="there")
    file: str = option("", "recording of BrainFlow that the playback board plays", file="path")
    master: str = option("", "board with which that recording was made")
    parameters: dict[str, str] = option({}, "other input parameters of BrainFlow: mac_address, ip_address, timeout …")
    channels: tuple[str, ...] = option((), "names of the EMG channels; empty: ch1, ch2 …")
    commands: tuple[str, ...] = option((), "commands for the board before it streams, such as x1060110X")
    silence_s: float = option(1.0, "time without samples that is a fault", "s", 0.05, 60.0)
    restart_s: float = option(5.0, "time without samples after which the board is reopened", "s", 0.1, 600.0)


class BrainFlow:
    """EMG source for a BrainFlow board (`EmgSource`), in V."""

    def __init__(self, options: BrainFlowOptions) -> None:
        self.options, self.ended = options, False
        self._shim: Any = None
        self._board: Any = None
        self._spec: SourceSpec | None = None
        self._base = TimeBase(1.0)
        self._last_sample_s = 0.0
        self._reason = ""
        self._worker: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def spec(self) -> SourceSpec:
        """From BrainFlow's description of the board."""
        return opened(self._spec, f"the board {self.options.board}")

    @property
    def timing(self) -> SourceTiming:
        """By the board's package number where it counts samples, else by arrival."""
        return self._base.timing

    @property
    def fault(self) -> str:
        """No samples come, and the board is reopened."""
        if self._spec is None:
            return ""
        o, board, why = self.options, f"the board {self.options.board}", f" ({self._reason})" if self._reason else ""
        return silence(board, self._last_sample_s, o.silence_s, self.timing.samples, f"it is opened again{why}")

    def open(self) -> None:
        """Connect and start, which takes a few seconds; raises `SourceError`, `ConfigError`."""
        self.close()
        self._shim = library("brainflow.board_shim", "brainflow", "the source brainflow")
        self._shim.BoardShim.disable_board_logger()
        description, number = self._describe()
        rows = description.get("emg_channels") or []
        if not rows:
            raise ConfigError(f"the board {self.options.board} has no EMG channels")
        self._rows, self._modulo = np.array(rows), COUNTING.get(self._name(number), 0)
        self._counter, self._stamp = description["package_num_channel"], description["timestamp_channel"]
        channels, rate = channel_names(self.options.channels, len(rows)), float(description["sampling_rate"])
        self._board = self._start()
        about = f"{description['name']} by BrainFlow" + (
            ": a synthetic signal, not of a person" if "synthetic" in description["name"].lower() else ""
        )
        self._base = TimeBase(rate)
        self._closing.clear()
        self._last_sample_s, self._reason = time.monotonic(), ""
        self._spec = SourceSpec(f"brainflow {self.options.board}", channels, rate, "V", about)

    def read(self) -> EmgBlock | None:
        """The samples in BrainFlow's buffer."""
        if self._spec is None or self._worker is not None and self._worker.is_alive():
            return None
        try:
            data = self._board.get_board_data()
        except self._shim.BrainFlowError as error:
            data, self._reason = np.zeros((0, 0)), _code(error)
        now, now_ns = time.monotonic(), time.time_ns()
        if not data.size:
            if now - self._last_sample_s > self.options.restart_s:
                self._worker = threading.Thread(target=self._reopen, name="brainflow", daemon=True)
                self._worker.start()
            return None
        # BrainFlow's own thread stamps the arrival of each sample, which is more exact than the time now
        waited = min(max(0.0, 1e-9 * now_ns - float(data[self._stamp, -1])), BUFFER_S)
        self._last_sample_s, self._reason = now, ""
        times, new = self._sample_times(data, now - waited)
        samples = np.ascontiguousarray(data[self._rows].T[new]) * MICROVOLT
        if not len(samples):
            return None
        arrival_ns = now_ns - round(1e9 * waited)
        stamps = self._base.stamps_ns(times[new], now - waited, arrival_ns)
        return EmgBlock(samples, times[new], stamps, arrival_ns)

    def close(self) -> None:
        """Stop and release the board."""
        self._closing.set()
        if self._worker is not None:
            self._worker.join()
            self._worker = None
        self._release()
        self._spec = None

    def _sample_times(self, data: NDArray[np.float64], arrival: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        if self._modulo:
            return self._base.by_counter(data[self._counter].astype(np.int64), self._modulo, arrival)
        return self._base.by_arrival(data.shape[1], arrival)

    def _describe(self) -> tuple[dict[str, Any], int]:
        """BrainFlow's description and number of the board that sends the samples."""
        o, numbers = self.options, {b.name: b.value for b in self._shim.BoardIds}
        number = self._number(o.board, numbers)
        if self._name(number) in ("PLAYBACK_FILE_BOARD", "STREAMING_BOARD"):
            if not o.master:
                raise ConfigError(f"the board {o.board} needs the board that it replays (master), such as cyton")
            number = self._number(o.master, numbers)
        return self._shim.BoardShim.get_board_descr(number), number

    def _number(self, name: str, numbers: dict[str, int]) -> int:
        known = {n.removesuffix("_BOARD").lower(): v for n, v in numbers.items() if n != "NO_BOARD"}
        plain = name.lower().removesuffix("_board")
        if plain not in known:
            raise unknown("board of BrainFlow", name, known)
        return known[plain]

    def _name(self, number: int) -> str:
        return str(self._shim.BoardIds(number).name)

    def _start(self) -> Any:
        o, shim = self.options, self._shim
        numbers = {b.name: b.value for b in shim.BoardIds}
        inputs = shim.BrainFlowInputParams()
        inputs.serial_port, inputs.file = o.port, o.file
        if o.master:
            inputs.master_board = self._number(o.master, numbers)
        for key, value in o.parameters.items():
            if not hasattr(inputs, key):
                raise unknown("input parameter of BrainFlow", key, vars(inputs))
            setattr(inputs, key, type(getattr(inputs, key))(value))
        try:
            board = shim.BoardShim(self._number(o.board, numbers), inputs)
            board.prepare_session()
        except shim.BrainFlowError as error:
            code = _code(error)
            raise SourceError(f"the board {o.board} cannot be opened: {EXPLAINED.get(code, code)}") from error
        try:
            for command in o.commands:
                board.config_board(command)
            description, _ = self._describe()
            board.start_stream(int(BUFFER_S * description["sampling_rate"]))
        except shim.BrainFlowError as error:
            with contextlib.suppress(shim.BrainFlowError):
                board.release_session()
            raise SourceError(f"the board {o.board} does not start: {_code(error)}") from error
        return board

    def _release(self) -> None:
        board, self._board = self._board, None
        if board is None:
            return
        for stop in (board.stop_stream, board.release_session):
            with contextlib.suppress(self._shim.BrainFlowError):
                stop()

    def _reopen(self) -> None:
        """Reopen the board, in a thread since an attempt takes seconds, until it succeeds."""
        self._release()
        while not self._closing.wait(0.2):
            try:
                self._board = self._start()
            except (SourceError, ConfigError) as error:
                self._reason = str(error)
                continue
            self._last_sample_s = time.monotonic()
            return


def _code(error: Any) -> str:
    """BrainFlow's name of an error."""
    with contextlib.suppress(Exception):
        from brainflow.exit_codes import BrainFlowExitCodes

        return str(BrainFlowExitCodes(error.exit_code).name)
    return str(error)
