"""`myoprosthesis bench`: ratios within one run, each to a limit measured beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myoprosthesis.bench import training
from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json

COMPILE = "compile the loop; auto does where there is a C++ compiler"
PARTS = ("loop", "swap", "training", "env", "emg", "recording", "console")


@dataclass(frozen=True, kw_only=True)
class BenchOptions(JsonArgument):
    """Options of `bench`."""

    part: str = argument("all", "what to measure", choices=(*PARTS, "all"), positional=True)
    seconds: float = argument(60.0, "length of the real-time part", "s")
    hours: float = argument(1.0, "EMG that is decoded offline, recording that is read", "h")
    swaps: int = argument(1000, "number of swaps", low=1)
    motornet_python: str = argument(
        "",
        "a Python in which motornet 0.3.0 is installed (an environment of its own; it is GPL); without it there is no "
        "ratio",
        metavar="PATH",
    )
    compile: str = argument("auto", COMPILE, choices=("auto", "on", "off"))
    training_seconds: float = argument(10.0, "time to measure each size of batch, after warming up", "s")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "bench",
        run,
        BenchOptions,
        help="measure loop, swaps, training, environments, EMG to hand, recording, and console",
        description=__doc__ or "",
    )


def run(options: BenchOptions) -> int:
    """Measure, print, write."""
    from myoprosthesis.cli.table_console import table_console

    check_writable(options.json)
    figures: dict[str, Any] = {}
    for part in PARTS if options.part == "all" else (options.part,):
        figures |= _measure(part, options)
        table_console().print(_table(figures, part))
        write_json(options.json, figures)
    return 0


def _measure(part: str, options: BenchOptions) -> dict[str, Any]:
    if part == "loop":
        from myoprosthesis.bench import lockstep, realtime

        return {"lockstep": lockstep.measure(), "realtime": realtime.measure(options.seconds)}
    if part == "swap":
        from myoprosthesis.bench import swap

        return swap.measure(options.swaps)
    if part == "emg":
        from myoprosthesis.bench import emg

        return {"emg": emg.measure(options.seconds / 2, 3600 * options.hours)}
    if part == "recording":
        from myoprosthesis.bench import recording

        return {"recording": recording.measure(options.seconds / 2, hours=options.hours)}
    if part == "console":
        from myoprosthesis.bench import console

        return {"console": console.measure(options.seconds)}
    if part == "env":
        from myoprosthesis.bench import env

        return {"env": env.measure(options.training_seconds)}
    from myoprosthesis.bench import ppo

    gradient = training.measure(options.motornet_python, options.compile, options.training_seconds)
    return {**gradient, "ppo": ppo.measure(options.training_seconds)}


def _table(f: dict[str, Any], part: str) -> Any:
    from myoprosthesis.cli.table import FigureTable

    table = FigureTable("figure", "measured", "limit", "ratio", title=f"bench {part}")
    if part == "loop":
        a, b = f["lockstep"], f["realtime"]
        table.add_row(
            f"lockstep tick, {a['effector']}, {a['muscles']} muscles, {a['names']} names", f"{a['tick_us']:.0f} µs",
            f"{a['floor_us']:.0f} µs: ping-pong {a['ping_us']:.0f}, physics {a['physics_us']:.0f}, "
            f"network {a['network_us']:.0f}", f"{a['ratio_to_floor']:.2f}",
        )  # fmt: skip
        table.add_row(
            f"missed ticks of {b['ticks']} at {b['rate_hz']:.0f} Hz", str(b["missed_ticks"]),
            f"{b['empty_missed_ticks']} (empty loop)", "",
        )  # fmt: skip
        table.add_row(
            "lateness p99", f"{b['lateness_p99_ms']:.3f} ms", f"{b['empty_lateness_p99_ms']:.3f} ms (empty loop)",
            f"{b['lateness_ratio']:.2f}",
        )  # fmt: skip
    elif part == "swap":
        table.add_row(
            f"missed ticks during {f['swaps']} swaps", f"{f['missed_ticks']} of {f['ticks']}",
            f"{f['quiet_missed_ticks']} of {f['quiet_ticks']} without swaps", "",
        )  # fmt: skip
        table.add_row(
            "blocks of time with swaps, against those without: more / as many / fewer missed ticks",
            "{more} / {as_many} / {fewer}".format(**f["pairs"]), "", f"p {f['pairs']['p']:.2f}",
        )  # fmt: skip
        table.add_row("largest step above the bound", f"{f['step_over_bound']:.2g}", "0", "")
        table.add_row(
            "request to played", f"p50 {f['swap_ms']['p50']:.0f} ms, p99 {f['swap_ms']['p99']:.0f} ms", "", ""
        )
    elif part == "env":
        for name, row in f["env"].items():
            table.add_row(
                f"control steps per second on one core, {name}, {row['simulations']} simulations",
                f"{row['steps_per_s']:.0f}", f"{row['bare_steps_per_s']:.0f} (bare physics)",
                f"{row['ratio_to_bare']:.2f}",
            )  # fmt: skip
    elif part == "emg":
        e = f["emg"]
        what = f"{e['channels']} channels at {e['rate_hz']:.0f} Hz"
        for begin, key in (("taken", "latency_ms"), ("arrived", "latency_since_arrival_ms")):
            table.add_row(
                f"sample {begin} to bytes p99, {what}", f"{e[key]['p99']:.2f} ms (p50 {e[key]['p50']:.2f})",
                f"{e['latency_limit_ms']:.1f} ms: a period of the link + 3",
                f"{e[key]['p99'] / e['latency_limit_ms']:.2f}",
            )  # fmt: skip
        table.add_row(
            "one decision, median", f"{e['decision_ms']['p50']:.3f} ms", "0.2 ms",
            f"{e['decision_ms']['p50'] / 0.2:.2f}",
        )  # fmt: skip
        table.add_row(
            f"{e['offline_s'] / 60:.0f} minutes offline", f"{e['offline_x_real_time']:.0f} × real time",
            "50 × real time", f"{e['offline_x_real_time'] / 50:.1f}",
        )  # fmt: skip
        table.add_row("memory that grew meanwhile", f"{e['memory_growth_mib']:.1f} MiB", "", "")
    elif part == "console":
        c = f["console"]
        without, page = c["without"], c["one_page"]
        table.add_row("processor, no page", f"{c['no_page']['cpu_share']:.1%}", "1 % of a core", "")
        table.add_row(
            f"processor, one page at {page['frames_per_s']:.0f} frames/s",
            f"{page['cpu_share']:.1%}",
            "6 % of a core",
            "",
        )
        table.add_row(
            f"missed ticks of {page['ticks']} at {c['rate_hz']:.0f} Hz, one page", str(page["missed_ticks"]),
            f"{without['missed_ticks']} of {without['ticks']} without a console", "",
        )  # fmt: skip
        table.add_row(
            "lateness p99, one page", f"{page['lateness_p99_ms']:.3f} ms",
            f"{without['lateness_p99_ms']:.3f} ms without a console", f"{c['lateness_ratio']:.2f}",
        )  # fmt: skip
        table.add_row("from click to stopped, p99", f"{c['stop_ms']['p99']:.1f} ms", "100 ms", "")
    elif part == "recording":
        a, b, kill, read = (f["recording"][k] for k in ("lockstep", "realtime", "kill", "reading"))
        table.add_row(
            f"lockstep ticks per second, recorded, {a['effector']}", f"{a['recorded_ticks_per_s']:.0f}",
            f"{a['thrown_away_ticks_per_s']:.0f} thrown away, {a['nobody_ticks_per_s']:.0f} without",
            f"{a['ratio']:.2f}",
        )  # fmt: skip
        for topic, n in b["topics"].items():
            what = f"messages of {topic} at {b['rate_hz']:.0f} Hz, {b['effector']}"
            table.add_row(what, f"{n['recorded']} recorded", f"{n['sent']} sent", f"{n['recorded'] / n['sent']:.4f}")
        table.add_row(
            f"lost when killed, of {len(kill['lost_ms'])}", f"at most {kill['largest_ms']:.0f} ms", "100 ms",
            f"{kill['largest_ms'] / 100:.2f}",
        )  # fmt: skip
        table.add_row(
            f"reading {read['hours']:g} h, {read['messages']} messages, {read['mib']:.0f} MiB",
            f"{read['read_s']:.1f} s", "60 s", f"{read['read_s'] / 60:.2f}",
        )  # fmt: skip
    else:
        for key, row in f.items():
            if isinstance(row, dict) and "batches_per_s" in row:
                ratio = row.get("ratio_to_motornet")
                table.add_row(
                    key.replace("_", " "), f"{row['batches_per_s']:.2f} batches/s",
                    f"{row['motornet_batches_per_s']:.2f} (MotorNet)" if row.get("motornet_batches_per_s") else "–",
                    f"{ratio:.1f}" if ratio else "–",
                )  # fmt: skip
        p = f["ppo"]
        table.add_row(
            f"PPO, Baoding balls, {p['simulations']} simulations", f"{p['samples_per_s']:.0f} samples/s",
            f"{p['bare_samples_per_s']:.0f} (bare physics); {p['collect_us']:.0f} µs a sample collecting, "
            f"{p['update_us']:.0f} µs updating", f"{p['samples_per_s'] / p['bare_samples_per_s']:.2f}",
        )  # fmt: skip
        for count, rate in p["ray_collectors"].items():
            ratio = f"{rate / p['samples_per_s']:.2f}"
            table.add_row(
                f"the same with {count} Ray collectors", f"{rate:.0f} samples/s", "that of one process", ratio
            )
    return table
