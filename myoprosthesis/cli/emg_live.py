"""`myoprosthesis emg sources`, `stream` and `emulate`: where live muscle signals come from."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.live_screen import LiveScreen
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import counted
from myoprosthesis.files import yaml_text

POLL_S, REFRESH_S, LINE_S, LEVEL_S = 5e-3, 0.1, 1.0, 0.25
BAR = 40
BOARDS = ("framed", "ascii", "cyton")


@dataclass(frozen=True, kw_only=True)
class StreamOptions(JsonArgument):
    """Options of `emg stream`."""

    source: str = argument(help="a name of `emg sources`", positional=True)
    option: tuple[str, ...] = argument((), "an option; may be repeated", repeat=True, metavar="NAME=VALUE")
    seconds: float = argument(0.0, "end after this long; 0: at Ctrl-C", "s", 0.0)
    lsl: str = argument("", "also send it to LSL (prompts: NAME-markers)", metavar="NAME")
    out: str = argument("", "also record to FILE.csv or FILE.h5", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """Options of `emg emulate`."""

    board: str = argument(help="kind of board", choices=BOARDS, positional=True)
    path: str = argument("", "name of the port; by default in a new folder, printed")
    channels: int = argument(8, "number of channels", low=1, high=32)
    rate: float = argument(1000.0, "samples per second", "Hz", 1, 20_000)
    gestures: str = argument(
        "",
        "send noise with the amplitudes of muscles in these gestures, in turn, such as rest,close,open; without them, "
        "sawtooths in which every sample contains its number",
        metavar="NAMES",
    )
    hold: float = argument(5.0, "how long each gesture is held", "s", 0.0)
    duration: float = argument(0.0, "end after this long; 0: at Ctrl-C", "s", 0.0)


def add(commands: Commands) -> None:
    """Add the commands."""
    commands.add("sources", sources, help="list sources with their options", description=sources.__doc__ or "")
    commands.add("stream", stream, StreamOptions, help="watch a source, or record it", description=stream.__doc__ or "")
    commands.add(
        "emulate", emulate, BoardOptions, help="an emulated board on a serial port", description=emulate.__doc__ or ""
    )


def sources() -> int:
    """Print the names of all sources, what they are, and their options."""
    import inspect

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from myoprosthesis.core import registry

    console = Console(highlight=False)
    for name in registry.names("emg_sources"):
        make = registry.factory("emg_sources", name)
        about = (inspect.getdoc(inspect.getmodule(make)) or inspect.getdoc(make) or "").partition("\n")[0]
        console.print(Text.assemble((name, "bold"), f"  {about}"))
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
        for head in ("  option", "default", "range", "what it is"):
            table.add_column(head, overflow="fold")
        for f in fields(registry.options("emg_sources", name)):
            table.add_row(*map(Text, ("  " + f.name, _default(f), _range(f), f.metadata.get("help", ""))))
        console.print(table)
        console.print()
    return 0


def _default(f: Any) -> str:
    """The default of an option as it is typed."""
    value = f.default if f.default is not MISSING else f.default_factory() if f.default_factory is not MISSING else None
    unit = f.metadata.get("unit", "")
    if value is None:
        return "needed"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, dict, str)):
        return ", ".join(value) if isinstance(value, tuple) else str(value or "")
    return f"{value:g} {unit if unit != '1' else ''}".strip()


def _range(f: Any) -> str:
    """What an option may be; empty: anything."""
    bounds = f.metadata["bounds"]
    if bounds.choices:
        return " | ".join(bounds.choices)
    if math.isfinite(bounds.low) and math.isfinite(bounds.high):
        return f"{bounds.low:g} … {bounds.high:g}"
    return f"from {bounds.low:g} on" if math.isfinite(bounds.low) else ""


def opened(name: str, pairs: Sequence[str]) -> Any:
    """A source, open, from its name and NAME=VALUE options; raises `ConfigError` or `SourceError`."""
    from myoprosthesis.core import registry
    from myoprosthesis.core.options import assignments, build

    values = {
        key: yaml_text.parse(text, f"--option {key}") if text[:1] in ("{", "[") else text
        for key, text in assignments(pairs, "--option").items()
    }
    make = registry.factory("emg_sources", name)
    source = make(build(registry.options("emg_sources", name), values, f"source {name!r}"))
    source.open()
    return source


def stream(options: StreamOptions) -> int:
    """Open a source and show its rate, its faults and the RMS amplitude of each channel, until it ends."""
    from myoprosthesis.emg.writer import writer

    check_writable(options.json)
    source = opened(options.source, options.option)
    if source.spec.about:
        print(f"{source.spec.name}: {source.spec.about}")
    faults: dict[str, None] = {}
    begin, out = time.monotonic(), None
    try:
        out = writer(options.out, source.spec) if options.out else None
        outlets = _outlets(options.lsl, source.spec)
        with suppress(KeyboardInterrupt), _Screen(source) as screen:
            while not source.ended and (not options.seconds or time.monotonic() - begin < options.seconds):
                block = source.read()
                if block is not None:
                    screen.hear(block)
                    for outlet in outlets:
                        outlet.push(block)
                    if out is not None:
                        out.write(block)
                if source.fault:
                    faults[source.fault] = None
                screen.refresh()
                if block is None:
                    time.sleep(POLL_S)
        timing, spec, fault, rms = source.timing, source.spec, source.fault, screen.rms.values()
    finally:
        if out is not None:
            out.close()
        source.close()
    seconds = time.monotonic() - begin
    print(f"{timing.samples} samples of {len(spec.channels)} channels in {seconds:.1f} s from {spec.name}")
    for sentence in timing.words(spec.rate):
        print(f"  fault: {sentence}")
    write_json(options.json, {
        "source": asdict(spec), "seconds": seconds, "timing": asdict(timing), "faults": list(faults),
        "rms": dict(zip(spec.channels, rms or [None] * len(spec.channels), strict=True)), "out": options.out,
    })  # fmt: skip
    if fault and source.ended:
        raise ConfigError(fault)
    if not timing.samples:
        raise ConfigError(fault or f"no sample came from {spec.name} in {seconds:.1f} s")
    return 0


def _outlets(name: str, spec: Any) -> list[Any]:
    if not name:
        return []
    from myoprosthesis.emg.outlet import Outlet, PromptMarkers

    return [Outlet(spec, name), PromptMarkers(f"{name}-markers")]


class _Rms:
    """Root mean square about the mean of all samples so far, per channel, those that are missing left out."""

    def __init__(self) -> None:
        self._n: Any = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, samples: Any) -> None:
        """More samples, (n, n_channels), joined as in Chan et al. 1983 (doi 10.1080/00031305.1983.10483115)."""
        import numpy as np

        there = np.isfinite(samples)
        n = there.sum(axis=0)
        x = np.where(there, samples, 0.0)
        mean = x.sum(axis=0) / np.maximum(n, 1)
        squares = (np.where(there, samples - mean, 0.0) ** 2).sum(axis=0)
        both = np.maximum(self._n + n, 1)
        self._squares = self._squares + squares + (mean - self._mean) ** 2 * self._n * n / both
        self._mean = self._mean + (mean - self._mean) * n / both
        self._n = self._n + n

    def values(self) -> list[float | None]:
        """By channel, None for one without samples; nothing before the first block."""
        import numpy as np

        if isinstance(self._n, int):
            return []
        rms = np.sqrt(self._squares / np.maximum(self._n, 1))
        return [float(v) if n else None for v, n in zip(rms, self._n, strict=True)]


class _Screen(LiveScreen):
    """Bars that are drawn again and again; a line per second where no terminal is."""

    def __init__(self, source: Any) -> None:
        from rich.console import Console

        console = Console()
        super().__init__(console, console.is_terminal, REFRESH_S, LINE_S)
        self.source = source
        self._recent: deque[Any] = deque()
        self.rms = _Rms()
        self._loudest, self._prompt = 1e-30, ""

    def hear(self, block: Any) -> None:
        """Keep the last quarter of a second."""
        self.rms.add(block.samples)
        self._recent.append(block)
        self._prompt = block.prompt
        wanted = LEVEL_S * self.source.spec.rate
        while sum(map(len, self._recent)) - len(self._recent[0]) > wanted:
            self._recent.popleft()

    def levels(self) -> list[float]:
        """Root mean square about the mean, per channel."""
        import numpy as np

        if not self._recent:
            return [0.0] * len(self.source.spec.channels)
        return [float(v) for v in np.concatenate([b.samples for b in self._recent]).std(axis=0)]

    def refresh(self) -> None:
        """Draw, at most ten times a second."""
        self.redraw(self._table, self._write_line)

    def _write_line(self) -> bool:
        unit, levels = self.source.spec.unit, self.levels()
        rms = "  ".join(f"{c} {v:.3g}" for c, v in zip(self.source.spec.channels, levels, strict=True))
        print(f"{self._line()}  rms, {unit}: {rms}", flush=True)
        return True

    def _line(self) -> str:
        t = self.source.timing
        words = [f"{t.samples} samples", f"{t.rate:.1f} /s", counted(t.gaps, "gap"), self._prompt, self.source.fault]
        return "  ".join(w for w in words if w)

    def _table(self) -> Any:
        from myoprosthesis.cli.table import FigureTable

        spec, levels = self.source.spec, self.levels()
        self._loudest = max(self._loudest * 0.98, *levels)
        table = FigureTable(title=spec.name, caption=self._line())
        for head in ("channel", f"rms, {spec.unit}", "level"):
            table.add_column(head)
        for channel, level in zip(spec.channels, levels, strict=True):
            n = round(BAR * level / self._loudest)
            table.add_row(channel, f"{level:.3g}", "█" * n + " " * (BAR - n))
        return table


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def emulate(options: BoardOptions) -> int:
    """Serve a board on a pseudo-terminal until Ctrl-C; the first line is the port's path."""
    from myoprosthesis.core.options import build
    from myoprosthesis.emg.sources.synthetic import SyntheticOptions
    from myoprosthesis.emulators import cyton as cyton_board
    from myoprosthesis.emulators.emg_board import AsciiEmgBoard, Contractions, EmgBoard, FramedEmgBoard, counts
    from myoprosthesis.emulators.emg_board_port import EmgBoardPort

    cyton = options.board == "cyton"
    channels, rate = (cyton_board.CHANNELS, cyton_board.RATE) if cyton else (options.channels, options.rate)
    volts = cyton_board.VOLTS if cyton else 1e-6
    signal: Any = counts
    if options.gestures:
        values = {"channel_count": channels, "rate": rate, "gestures": _names(options.gestures), "hold_s": options.hold}
        signal = Contractions(build(SyntheticOptions, {**values, "rms": 3e-4}, "emg emulate"), volts)
    board: EmgBoard
    if cyton:
        board = cyton_board.CytonEmgBoard(signal)
    elif options.board == "framed":
        board = FramedEmgBoard(channels, rate, signal=signal)
    else:
        board = AsciiEmgBoard(channels, rate, signal=signal)
    with EmgBoardPort(board, options.path) as port:
        print(port.path, flush=True)
        begin, gesture = time.monotonic(), ""
        with suppress(KeyboardInterrupt):
            while not options.duration or time.monotonic() - begin < options.duration:
                if options.gestures and signal.gesture(board.sent / rate) != gesture:
                    gesture = signal.gesture(board.sent / rate)
                    print(f"{time.monotonic() - begin:8.1f} s  {gesture}", flush=True)
                time.sleep(0.1)
        print(f"{port.counts['bytes_out']} bytes sent, {port.counts['bytes_lost']} found no room")
    return 0
