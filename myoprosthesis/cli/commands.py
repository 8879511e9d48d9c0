"""The commands of `myoprosthesis` in groups, with examples."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from myoprosthesis.cli.arguments import Argument, FlagGroup, add_arguments, options_of, typed

GROUPS = {
    "run a stack": ("up", "watch", "estop", "resume", "status"),
    "change what runs": (
        "swap",
        "rollback",
        "perturb",
        "command",
        "switch-effector",
        "refit",
        "reset",
        "pause",
        "continue",
        "step",
    ),
    "experiments": ("session", "report", "record", "replay", "console", "render", "hidden"),
    "policies and training": ("policies", "policy", "evaluate", "train", "motion"),
    "EMG and decoders": ("emg", "decode", "calibrate"),
    "hands": ("hand", "emulate"),
    "what there is": ("effectors", "perturbations", "tasks", "keys", "picture", "bench"),
}
"""Every command in one group, in the order in which they are listed."""
EXAMPLES = {
    "up": """
        myoprosthesis up reach                                     an arm reaches, in MuJoCo
        myoprosthesis up reach --lockstep --trials 20 --trials-csv trials.csv
        myoprosthesis up reach --network --nodes effector          the rest of it on another machine
        myoprosthesis up reach --perturbation curl_cw --policy reach_cw --set task.targets=4
        myoprosthesis up emg-hand --hand leap                      recorded EMG moves an emulated hand
        myoprosthesis up emg-hand --hand leap --port /dev/ttyUSB0  or a real one
        """,
    "watch": "myoprosthesis watch --namespace left --trials 20",
    "estop": "myoprosthesis estop",
    "resume": "myoprosthesis resume",
    "status": "myoprosthesis status --json status.json",
    "swap": """
        myoprosthesis swap reach_cw
        myoprosthesis swap policies/mine/policy.onnx
        """,
    "rollback": "myoprosthesis rollback",
    "perturb": """
        myoprosthesis perturb curl_cw --gain 10
        myoprosthesis perturb curl_cw --option ramp_s=0.2
        myoprosthesis perturb null
        """,
    "command": """
        myoprosthesis command --speed 1.4 --heading 30
        myoprosthesis command "walk at 1.2 m/s for 5 s, then turn left 90°, then slower"
        myoprosthesis command "limp on the left" --generator folder --option folder=clips/generated
        """,
    "switch-effector": """
        myoprosthesis switch-effector ability_hand_model
        myoprosthesis switch-effector ability_hand --option port=/dev/ttyUSB0
        """,
    "reset": "myoprosthesis reset",
    "pause": "myoprosthesis pause",
    "continue": "myoprosthesis continue",
    "step": "myoprosthesis step",
    "session": """
        myoprosthesis session check curl_adaptation
        myoprosthesis session run curl_adaptation --out recordings/curl
        myoprosthesis session run --resume recordings/curl
        """,
    "session run": """
        myoprosthesis session run curl_adaptation --out recordings/curl
        myoprosthesis session run --resume recordings/curl
        """,
    "session check": "myoprosthesis session check curl_adaptation",
    "session list": "myoprosthesis session list",
    "session pause": "myoprosthesis session pause",
    "session continue": "myoprosthesis session continue",
    "report": """
        myoprosthesis report recordings/curl
        myoprosthesis report policy policies/baoding_ccw/policy.onnx --opposite baoding_cw --json figures.json
        myoprosthesis report emg recordings/walk --data people --json emg.json
        myoprosthesis report gait walk --json gait.json
        """,
    "record": """
        myoprosthesis record recordings/now --seconds 60
        myoprosthesis record --repair recordings/now
        myoprosthesis record export recordings/now --csv
        """,
    "console": """
        myoprosthesis console open recordings/now
        myoprosthesis up reach --gui
    """,
    "console open": """
        myoprosthesis console open recordings/now --port 9000
    """,
    "render": """
        myoprosthesis render recordings/now --out film.mp4
        myoprosthesis render recordings/now --out strip.png --stills 8 --begin 2 --end 6
        """,
    "replay": """
        myoprosthesis replay recordings/now --info
        myoprosthesis replay recordings/now --topics emg/raw --rate 2
        """,
    "hidden": "myoprosthesis hidden effect hidden_silence --policy reach_null",
    "hidden axes": "myoprosthesis hidden axes --out axes.npz --count 3",
    "hidden effect": "myoprosthesis hidden effect hidden_silence --set '{units: [3, 4]}'",
    "policies": "myoprosthesis policies --json policies.json",
    "policy": """
        myoprosthesis policy show reach_cw
        myoprosthesis policy verify reach_cw --png paths.png
        myoprosthesis policy film reach_cw --out strip.png
        """,
    "policy film": """
        myoprosthesis policy film reach_cw --out strip.png
        myoprosthesis policy film walk --out walk.mp4 --seconds 10 --size 640x480
        """,
    "evaluate": "myoprosthesis evaluate policies/mine/policy.onnx --episodes 100 --noise 0.2 --json score.json",
    "policy show": "myoprosthesis policy show reach_cw",
    "policy verify": "myoprosthesis policy verify reach_cw --png paths.png",
    "policy import": """
        myoprosthesis policy import sb3 model.zip --vecnormalize env.pkl --env Baoding-v0 --option observation=contest
        myoprosthesis policy import rsl_rl model.pt --activation elu --contract contract.yaml
        myoprosthesis policy import onnx net.onnx --contract contract.yaml
        """,
    "policy import sb3": """
        myoprosthesis policy import sb3 model.zip --vecnormalize env.pkl --env Baoding-v0 --option observation=contest
        myoprosthesis policy import sb3 model.zip --contract contract.yaml --out policies/mine
        """,
    "policy import rsl_rl": "myoprosthesis policy import rsl_rl model.pt --activation elu --contract contract.yaml",
    "policy import onnx": "myoprosthesis policy import onnx net.onnx --contract contract.yaml --out policies/mine",
    "train": "myoprosthesis train reach --curriculum config/curricula/reach_curl.yaml --out policies/mine",
    "train reach": "myoprosthesis train reach --curriculum config/curricula/reach_curl.yaml --out policies/mine",
    "train hand": """
        myoprosthesis train hand --curriculum config/curricula/baoding.yaml --hours 8
        myoprosthesis train hand --curriculum config/curricula/baoding.yaml --resume
        """,
    "train legs": """
        myoprosthesis train legs --curriculum config/curricula/walk.yaml --hours 8
        myoprosthesis train legs --curriculum config/curricula/walk.yaml --resume
        """,
    "motion": "myoprosthesis motion import walk.mot --out motions/mine --licence CC-BY-4.0",
    "motion import": """
        myoprosthesis motion import walk.mot --out motions/mine --licence CC-BY-4.0
        myoprosthesis motion import gait.npz --rate 100 --out motions/mine --symmetric --speed 0.8 1.2 1.6
        """,
    "motion vary": "myoprosthesis motion vary walk_1.2 --out runs/varied --people 48",
    "motion list": "myoprosthesis motion list",
    "train sweep": "myoprosthesis train sweep --batches 32 256 --updates 2000 --out runs/sweep",
    "emg": """
        myoprosthesis emg info my.csv --rate 1000 --unit uV --png my.png
        myoprosthesis emg stream synthetic
        """,
    "emg info": "myoprosthesis emg info my.csv --rate 1000 --unit uV --png my.png",
    "emg sources": "myoprosthesis emg sources",
    "emg stream": "myoprosthesis emg stream synthetic --seconds 10 --out now.csv",
    "emg emulate": "myoprosthesis emg emulate cyton --gestures rest,close,open",
    "decode": """
        myoprosthesis decode fit recordings/mine --rest rest --out policies/my_decoder
        myoprosthesis decode evaluate recordings/other --decoder policies/my_decoder/policy.onnx
        """,
    "decode fit": "myoprosthesis decode fit recordings/mine --rest rest --out policies/my_decoder",
    "decode evaluate": "myoprosthesis decode evaluate recordings/other --decoder policies/my_decoder/policy.onnx",
    "decode adapt": "myoprosthesis decode adapt policies/mine --with today --seconds 20 --out policies/today",
    "decode bench": """
        myoprosthesis decode bench myo_readings --recording-info config/recordings/myo_readings.yaml --csv f.csv
        myoprosthesis decode bench my_data --protocol days --features mav,zc,ssc,wl log_var --models lda mlp
        """,
    "decode compare": "myoprosthesis decode compare --decoders gestures_myo policies/me --hands leap_model --out both",
    "calibrate": "myoprosthesis calibrate anna --emg lsl --rounds 3",
    "refit": "myoprosthesis refit rest close open --out policies/anna",
    "hand": """
        myoprosthesis hand list
        myoprosthesis hand exercise --hand leap --port /dev/ttyUSB0 --speed 0.2
        """,
    "hand list": "myoprosthesis hand list",
    "hand exercise": "myoprosthesis hand exercise --hand leap --port /dev/ttyUSB0 --speed 0.2",
    "hand reboot": "myoprosthesis hand reboot --hand leap --port /dev/ttyUSB0",
    "hand check": "myoprosthesis hand check leap --bytes 100000",
    "emulate": "myoprosthesis emulate leap --path /tmp/hand --fault unplug@10:1",
    "effectors": "myoprosthesis effectors",
    "perturbations": "myoprosthesis perturbations",
    "tasks": "myoprosthesis tasks",
    "keys": "myoprosthesis keys session",
    "picture": "myoprosthesis picture arm26 --out arm.png",
    "bench": "myoprosthesis bench loop --seconds 30 --json loop.json",
}
"""What `--help` of each command shows, by the words of the command."""
HEAD = "examples:\n"
COMMAND_LINE: ContextVar[str] = ContextVar("command_line", default="myoprosthesis")
"""What was typed, as a record of what was run."""


class HelpFormatter(argparse.HelpFormatter):
    """Wraps descriptions, and leaves lists of commands and examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith((HEAD, *GROUPS)):
            return text
        return super()._fill_text(text, width, indent)


class Commands:
    """The commands of a parser, each with its options dataclasses, its examples and the function that runs it."""

    def __init__(self, parser: argparse.ArgumentParser, name: str = "") -> None:
        self._parser, self._name, self._about = parser, name, dict[str, str]()
        self._action = parser.add_subparsers(
            metavar="COMMAND", required=True, prog=parser.prog, help=None if name else argparse.SUPPRESS
        )

    def add(
        self,
        name: str,
        run: Callable[..., int],
        *kinds: type,
        help: str,
        description: str = "",
        overrides: Mapping[str, Argument | None] = {},
        partial: Sequence[FlagGroup] = (),
    ) -> argparse.ArgumentParser:
        """Add a command with one line of `help`.

        `run` is called with an instance of each options dataclass in `kinds`, as typed, then, where there are `partial`
        options, with those that were typed, by name; it returns the exit status. A fault in the options is a
        `ConfigError`.
        """
        parser = self._parser_of(name, help, description)
        for kind in kinds:
            add_arguments(parser, kind, overrides)
        for group in partial:
            add_arguments(parser.add_argument_group(group.title), group.kind, dict.fromkeys(group.skip))
        where = f"{self._name} {name}".lstrip()

        def call(namespace: argparse.Namespace) -> int:
            parts: list[Any] = [options_of(kind, namespace, where) for kind in kinds]
            if partial:
                parts.append({k: v for group in partial for k, v in typed(group.kind, namespace).items()})
            return run(*parts)

        parser.set_defaults(kinds=(*kinds, *(group.kind for group in partial)), func=call)
        return parser

    def group(self, name: str, help: str, description: str = "") -> Commands:
        """A command that has commands of its own."""
        return Commands(self._parser_of(name, help, description), f"{self._name} {name}".lstrip())

    def listed(self) -> str:
        """Every command with its line, by group; those in no group at the end."""
        grouped = {name for names in GROUPS.values() for name in names}
        rest = {"more": tuple(name for name in self._about if name not in grouped)}
        parts = []
        for title, names in {**GROUPS, **rest}.items():
            lines = [f"  {name:16} {self._about[name]}" for name in names if name in self._about]
            if lines:
                parts.append("\n".join([f"{title}:", *lines]))
        return "\n\n".join(parts)

    def _parser_of(self, name: str, help: str, description: str) -> argparse.ArgumentParser:
        self._about[name] = help
        examples = textwrap.dedent(EXAMPLES.get(f"{self._name} {name}".lstrip(), "")).strip()
        parser: argparse.ArgumentParser = self._action.add_parser(
            name,
            help=help,
            description=description or help[0].upper() + help[1:] + ".",
            formatter_class=HelpFormatter,
            epilog=HEAD + textwrap.indent(examples, "  ") if examples else None,
        )
        return parser
