"""The commands of `myoprosthesis` in groups, with examples."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

GROUPS = {
    "run a stack": ("up", "watch", "estop", "resume", "status"),
    "change what runs": ("swap", "rollback", "perturb", "exchange", "refit", "reset", "pause", "go", "step"),
    "experiments": ("session", "report", "record", "replay", "hidden"),
    "policies and training": ("policies", "policy", "train"),
    "EMG and decoders": ("emg", "decode", "calibrate"),
    "hands": ("hand", "emulate"),
    "what there is": ("effectors", "perturbations", "tasks", "keys", "picture", "bench"),
}
"""Every command in one group, in the order in which they are listed."""
EXAMPLES = {
    "up": """
        myoprosthesis up reach                                     an arm reaches, in MuJoCo
        myoprosthesis up reach --lockstep --trials 20 --trials-csv trials.csv
        myoprosthesis up reach --perturbation curl_cw --policy reach_cw --set task.targets=4
        myoprosthesis up emg-hand --hand leap                      recorded EMG moves an emulated hand
        myoprosthesis up emg-hand --hand leap --port /dev/ttyUSB0  or a real one
        """,
    "swap": """
        myoprosthesis swap reach_cw
        myoprosthesis swap policies/mine/policy.onnx
        """,
    "perturb": """
        myoprosthesis perturb curl_cw --gain 10
        myoprosthesis perturb curl_cw --option ramp_s=0.2
        myoprosthesis perturb null
        """,
    "exchange": """
        myoprosthesis exchange ability_hand_model
        myoprosthesis exchange ability_hand --option port=/dev/ttyUSB0
        """,
    "session": """
        myoprosthesis session check curl_adaptation
        myoprosthesis session run curl_adaptation --out recordings/curl
        myoprosthesis session run --resume recordings/curl
        """,
    "report": """
        myoprosthesis report recordings/curl
        """,
    "record": """
        myoprosthesis record recordings/now --seconds 60
        myoprosthesis record --repair recordings/now
        """,
    "replay": """
        myoprosthesis replay recordings/now --info
        myoprosthesis replay recordings/now --topics emg/raw --rate 2
        """,
    "policy": """
        myoprosthesis policy show reach_cw
        myoprosthesis policy verify reach_cw --png paths.png
        """,
    "train": """
        myoprosthesis train reach --curriculum config/curricula/reach_curl.yaml --out policies/mine
        """,
    "emg": """
        myoprosthesis emg info my.csv --rate 1000 --unit uV --png my.png
        myoprosthesis emg stream synthetic
        """,
    "decode": """
        myoprosthesis decode fit recordings/mine --rest rest --out policies/my_decoder
        myoprosthesis decode evaluate recordings/other --decoder policies/my_decoder/policy.onnx
        """,
    "refit": """
        myoprosthesis refit rest close open --out policies/anna
        """,
    "hand": """
        myoprosthesis hand list
        myoprosthesis hand exercise --hand leap --port /dev/ttyUSB0 --speed 0.2
        """,
    "emulate": """
        myoprosthesis emulate leap --path /tmp/hand --fault unplug@10:1
        """,
    "picture": """
        myoprosthesis picture arm26 --out arm.png
        """,
}
HEAD = "examples:\n"


class HelpFormatter(argparse.HelpFormatter):
    """Wraps descriptions, and leaves lists of commands and examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith((HEAD, *GROUPS)):
            return text
        return super()._fill_text(text, width, indent)


class Commands:
    """Takes the place of argparse's own list, which has no groups."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser, self._about = parser, dict[str, str]()
        self._action = parser.add_subparsers(metavar="COMMAND", required=True, prog=parser.prog, help=argparse.SUPPRESS)

    def add_parser(self, name: str, help: str = "", **more: Any) -> argparse.ArgumentParser:
        """A command with one line of `help`."""
        self._about[name] = help
        examples = textwrap.indent(textwrap.dedent(EXAMPLES.get(name, "")).strip(), "  ")
        made: argparse.ArgumentParser = self._action.add_parser(
            name, formatter_class=HelpFormatter, epilog=HEAD + examples if examples else None,
            **{"description": help, **more},
        )  # fmt: skip
        return made

    def listed(self) -> str:
        """Every command with its line, by group; those in no group at the end."""
        grouped = {name for names in GROUPS.values() for name in names}
        rest = {"more": tuple(name for name in self._about if name not in grouped)}
        parts = []
        for title, names in {**GROUPS, **rest}.items():
            lines = [f"  {name:14} {self._about[name]}" for name in names if name in self._about]
            if lines:
                parts.append("\n".join([f"{title}:", *lines]))
        return "\n\n".join(parts)
