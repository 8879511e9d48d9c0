"""Options of `myoprosthesis report`."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.cli.arguments import JsonArgument, argument


@dataclass(frozen=True, kw_only=True)
class ReportOptions(JsonArgument):
    """Options of `report`."""

    folders: tuple[str, ...] = argument(
        help="folder of a session; several are compared; policy NAME: analyses of a network that turns something; emg "
        "RECORDING or emg POLICY: muscles of a walk beside people's EMG; gait RECORDING or gait POLICY: its joints and "
        "the force of the ground beside people's",
        positional=True, nargs="+", metavar="[policy|emg|gait] FOLDER",
    )  # fmt: skip
    out: str = argument("", "folder to write (FOLDER/report, or beside the first; or beside the policy)", metavar="DIR")
    seed: int = argument(0, "seed of the bootstrap, or of what trials of a policy draw", low=0)
    trials: int = argument(
        40, "with policy: trials of each direction; with a policy of emg or gait: trials", low=10, high=10_000
    )
    option: tuple[str, ...] = argument(
        (), "with a policy: an option of the task; may be repeated", repeat=True, metavar="NAME=VALUE"
    )
    opposite: str = argument("", "with policy: the policy of the other direction, by default the same", metavar="NAME")
    data: str = argument(
        "",
        "with emg: folder of people's EMG, .RData of musclesyneRgies or a .csv for each person; with gait: folder of a "
        ".csv for each person (by default the person that comes with the package)",
        metavar="FOLDER",
    )
    threads: int = argument(0, "with a policy: for the simulations; 0: one for each processor", low=0)
