"""`myoprosthesis policy film`: a strip of stills, or a film, of a trial that a policy plays."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.cli import render
from myoprosthesis.cli.arguments import argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.picture import ViewArgument, pixels
from myoprosthesis.core.errors import Refused

TASK = "centre_out"
"""Of a policy whose effector has no task with a score."""
POLL_S = 0.1
OVER_S = 10.0
"""Time in which the recording is brought to its end."""


@dataclass(frozen=True, kw_only=True)
class PolicyFilmOptions(ViewArgument):
    """Options of `policy film`."""

    name: str = argument(help="a name, or the path of a policy.onnx", positional=True)
    out: str = argument(help="the file: .png for a strip of stills, .mp4 or .gif for a film", metavar="FILE")
    seed: int = argument(0, "of the trial that is played", low=0)
    seconds: float = argument(0.0, "how much of the trial is shown; 0: all of it", "s", 0.0)
    stills: int = argument(6, "of a .png: how many, evenly over the time", low=1, high=60)
    size: str = argument("200x200", "pixels of each picture", metavar="WxH")


def add(commands: Commands) -> None:
    """Add the command to the group `policy`."""
    commands.add(
        "film",
        run,
        PolicyFilmOptions,
        help="play a trial and draw it",
        description="Plays a trial in simulated time, on the effector and with the task of the policy, and draws it as "
        "`render` does. The card of a policy shows such a strip.",
    )


def run(options: PolicyFilmOptions) -> int:
    """Play, record, draw."""
    from myoprosthesis.envs.played_trials import TASKS, effector_options
    from myoprosthesis.films import film_file
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract
    from myoprosthesis.stack.description import StackOptions, describe
    from myoprosthesis.stack.runner import StackRunner

    film_file.check_ending(Path(options.out))
    pixels(options.size)
    file = store.find(options.name)
    contract = read_contract(file)
    if contract.conditioning:
        raise Refused(
            f"{contract.name!r} decodes EMG: myoprosthesis up emg-hand --policy {contract.name} --record FOLDER, and "
            f"myoprosthesis render FOLDER --out {options.out}"
        )
    task = TASKS.get(contract.effector, TASK)
    with tempfile.TemporaryDirectory(prefix="myoprosthesis-") as folder:
        recording = str(Path(folder) / "trial")
        chosen = StackOptions(
            effector=contract.effector, policy=store.abroad(options.name), task=task, perturbation="null",
            lockstep=True, trials=1, seed=options.seed, namespace=f"film_{uuid.uuid4().hex}", record=recording,
        )  # fmt: skip
        nodes = describe(chosen, {"effector": effector_options(contract, task)})
        with StackRunner(nodes, lambda who, text: None, chosen.namespace) as stack:
            while not stack.wait_until(lambda: stack.status.effector.finished, POLL_S):
                pass
            stack.wait_until(lambda: bool(stack.status.trials), OVER_S)
        drawn = render.RenderOptions(
            recording=recording, topic=f"{chosen.namespace}/state", out=options.out, stills=options.stills,
            size=options.size, end=options.seconds, view=options.view, look_at=options.look_at,
        )  # fmt: skip
        return render.run(drawn)
