"""`myoprosthesis emg sources`, `stream` and `emulate`: where live muscle signals come from."""

from __future__ import annotations

import argparse
import math
import time
from collections import deque
from contextlib import suppress
from dataclasses import MISSING, asdict, fields
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files import yaml_text

POLL_S, REFRESH_S, LEVEL_S = 5e-3, 0.1, 0.25
BAR = 40
BOARDS = ("framed", "ascii", "cyton")


def add(deeds: Any) -> None:
    """Add the deeds."""
    d = deeds.add_parser("sources", help="list sources with their options", description=sources.__doc__)
    d.set_defaults(func=sources)
    d = deeds.add_parser("stream", help="watch a source, or record it", description=stream.__doc__)
    d.add_argument("source", help="a name of `emg sources`")
    d.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option; may be repeated")
    d.add_argument("--seconds", type=float, default=0.0, metavar="S", help="end after so long (default: Ctrl-C)")
    d.add_argument("--lsl", default="", metavar="NAME", help="also send it to LSL (prompts: NAME-markers)")
    d.add_argument("--out", default="", metavar="FILE", help="also record to FILE.csv or FILE.h5")
    add_json(d)
    d.set_defaults(func=stream)
    d = deeds.add_parser("emulate", help="a board that is not there, on a serial port", description=emulate.__doc__)
    d.add_argument("board", choices=BOARDS, help="what it sends")
    d.add_argument("--path", default="", help="name of the port (default: one in a new folder, printed)")
    d.add_argument("--channels", type=int, default=8, help="number of channels (1 to 32)")
    d.add_argument("--rate", type=float, default=1000.0, help="samples per second")
    d.add_argument(
        "--gestures", default="", metavar="NAMES",
        help="send noise as loud as muscles in these gestures, in turn, such as rest,close,open (default: sawtooths, "
        "in which every sample tells its number)",
    )  # fmt: skip
    d.add_argument("--hold", type=float, default=5.0, metavar="S", help="how long each gesture is held (default 5)")
    d.add_argument("--duration", type=float, default=0.0, metavar="S", help="end after so long (default: Ctrl-C)")
    d.set_defaults(func=emulate)


def sources(given: argparse.Namespace) -> int:
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


def opened(name: str, pairs: list[str]) -> Any:
    """A source, open, from its name and NAME=VALUE options; raises `ConfigError` or `SourceError`."""
    from myoprosthesis.core import registry
    from myoprosthesis.core.options import build

    values: dict[str, Any] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise ConfigError(f"--option takes name=value, got {pair!r}")
        values[key] = yaml_text.parse(text, f"--option {key}") if text[:1] in ("{", "[") else text
    make = registry.factory("emg_sources", name)
    source = make(build(registry.options("emg_sources", name), values, f"source {name!r}"))
    source.open()
    return source


def stream(given: argparse.Namespace) -> int:
    """Open a source and show its rate, its faults and how loud each channel is, until it ends."""
    from myoprosthesis.emg.writer import writer

    if not given.seconds >= 0:
        raise ConfigError(f"--seconds {given.seconds}: seconds from 0 on are needed")
    check_writable(given.json)
    source = opened(given.source, given.option)
    if source.spec.about:
        print(f"{source.spec.name}: {source.spec.about}")
    told: dict[str, None] = {}
    begin, out = time.monotonic(), None
    try:
        out = writer(given.out, source.spec) if given.out else None
        outlets = _outlets(given.lsl, source.spec)
        with suppress(KeyboardInterrupt), _Screen(source) as screen:
            while not source.ended and (not given.seconds or time.monotonic() - begin < given.seconds):
                block = source.read()
                if block is not None:
                    screen.hear(block)
                    for outlet in outlets:
                        outlet.push(block)
                    if out is not None:
                        out.write(block)
                if source.fault:
                    told[source.fault] = None
                screen.refresh()
                if block is None:
                    time.sleep(POLL_S)
        timing, spec, fault, levels = source.timing, source.spec, source.fault, screen.levels()
    finally:
        if out is not None:
            out.close()
        source.close()
    seconds = time.monotonic() - begin
    print(f"{timing.samples} samples of {len(spec.channels)} channels in {seconds:.1f} s from {spec.name}")
    for sentence in timing.words(spec.rate):
        print(f"  fault: {sentence}")
    write_json(given.json, {
        "source": asdict(spec), "seconds": seconds, "timing": asdict(timing), "faults": list(told),
        "rms": dict(zip(spec.channels, levels, strict=True)), "out": given.out,
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


class _Screen:
    """Bars that are drawn anew; a line per second where no terminal is."""

    def __init__(self, source: Any) -> None:
        from rich.console import Console
        from rich.live import Live

        self.source = source
        console = Console()
        self._live = Live(console=console, refresh_per_second=1 / REFRESH_S) if console.is_terminal else None
        self._recent: deque[Any] = deque()
        self._loudest, self._next, self._prompt = 1e-30, 0.0, ""

    def __enter__(self) -> _Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def hear(self, block: Any) -> None:
        """Keep the last quarter of a second."""
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
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (REFRESH_S if self._live is not None else 1.0)
        if self._live is not None:
            self._live.update(self._table())
        else:
            unit, levels = self.source.spec.unit, self.levels()
            loud = "  ".join(f"{c} {v:.3g}" for c, v in zip(self.source.spec.channels, levels, strict=True))
            print(f"{self._line()}  rms, {unit}: {loud}", flush=True)

    def _line(self) -> str:
        t = self.source.timing
        words = [f"{t.samples} samples", f"{t.rate:.1f} /s", f"{t.gaps} gaps", self._prompt, self.source.fault]
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


def emulate(given: argparse.Namespace) -> int:
    """Serve a board on a pseudo-terminal until Ctrl-C; the first line is the port's path."""
    from myoprosthesis.core.options import build
    from myoprosthesis.emg.sources.synthetic import SyntheticOptions
    from myoprosthesis.emulators import cyton as cyton_board
    from myoprosthesis.emulators.emg_board import AsciiEmgBoard, Contractions, EmgBoard, FramedEmgBoard, counts
    from myoprosthesis.emulators.emg_board_port import EmgBoardPort

    if not (1 <= given.channels <= 32 and 1 <= given.rate <= 20_000 and given.duration >= 0):
        raise ConfigError("a board has 1 to 32 channels at 1 to 20000 samples/s")
    cyton = given.board == "cyton"
    channels, rate = (cyton_board.CHANNELS, cyton_board.RATE) if cyton else (given.channels, given.rate)
    volts = cyton_board.VOLTS if cyton else 1e-6
    signal: Any = counts
    if given.gestures:
        options = {"channel_count": channels, "rate": rate, "gestures": _names(given.gestures), "hold_s": given.hold}
        signal = Contractions(build(SyntheticOptions, {**options, "rms": 3e-4}, "emg emulate"), volts)
    board: EmgBoard
    if cyton:
        board = cyton_board.CytonEmgBoard(signal)
    elif given.board == "framed":
        board = FramedEmgBoard(channels, rate, signal=signal)
    else:
        board = AsciiEmgBoard(channels, rate, signal=signal)
    with EmgBoardPort(board, given.path) as port:
        print(port.path, flush=True)
        begin, gesture = time.monotonic(), ""
        with suppress(KeyboardInterrupt):
            while not given.duration or time.monotonic() - begin < given.duration:
                if given.gestures and signal.gesture(board.sent / rate) != gesture:
                    gesture = signal.gesture(board.sent / rate)
                    print(f"{time.monotonic() - begin:8.1f} s  {gesture}", flush=True)
                time.sleep(0.1)
        print(f"{port.counts['bytes_out']} bytes sent, {port.counts['bytes_lost']} found no room")
    return 0
