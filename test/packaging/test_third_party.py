"""A package of somebody else's that follows README's steps: an effector, a policy, a term of its
observation, a task and a perturbation, in a stack.

Its effector has no endpoint, its task a moving goal and a judge of its own; nothing of ours to derive from.
"""

import json
import os
import sys
import textwrap

import pytest

from myoprosthesis.core.errors import ContractError
from myoprosthesis.policies.onnx_policy import read_contract

PACKAGE = {
    "slider": """
        from dataclasses import dataclass

        import numpy as np

        from myoprosthesis.core.channels import Channels
        from myoprosthesis.core.effector_spec import EffectorSpec
        from myoprosthesis.core.effector_state import EffectorState


        @dataclass(frozen=True)
        class SliderOptions:
            dt: float = 0.01


        class Slider:
            '''A carriage on a rail that goes where it is told.'''

            def __init__(self, options: SliderOptions) -> None:
                command = Channels("position", ("carriage",), "rad", (-1.0,), (1.0,))
                self.spec = EffectorSpec("slider", options.dt, command, ("carriage",), fail="hold", rate_limit=200.0,
                                         resettable=True, pausable=True, deterministic=True)

            def reset(self, seed):
                return self._state(0, 0.0)

            def step(self, command, imposed):
                return self._state(self._tick + 1, float(command[0]))

            def close(self):
                pass

            def _state(self, tick, x):
                speed = 0.0 if tick == 0 else (x - self._x) / self.spec.dt
                self._tick, self._x = tick, x
                return EffectorState(self.spec, tick * self.spec.dt, np.array([[x], [speed], [0.0]]), np.array([x]))
    """,
    "tasks": """
        from dataclasses import dataclass

        import numpy as np

        from myoprosthesis.core.errors import Refused
        from myoprosthesis.core.goal import OrbitGoal
        from myoprosthesis.core.nanoseconds import ns
        from myoprosthesis.core.trial_plan import TrialPlan
        from myoprosthesis.core.trial_record import TrialResult


        @dataclass(frozen=True)
        class ToAndFroOptions:
            far: float = 0.4
            seed: int = 0


        class ToAndFro:
            '''Be where the target was a period ago.'''

            channels = {"target/x": "m", "target/phase": "rad"}

            def __init__(self, options: ToAndFroOptions) -> None:
                self.options = options

            def needs(self, spec):
                if "carriage" not in spec.channels:
                    raise Refused("there is no carriage on a rail")
                return ("carriage",)

            def for_effector(self, spec):
                return self

            def plan(self, trial, from_ns):
                phase = np.random.default_rng((self.options.seed, trial)).uniform(0.0, 6.0)
                goal = OrbitGoal((0.0, 0.0, 0.0), (self.options.far, 0.0), 1.0, phase)
                target = tuple(goal.at(0.0)[f"target/{axis}"][0] for axis in "xyz")
                times = (trial, from_ns, from_ns + ns(0.5))
                return TrialPlan(*times, (0.0, 0.0, 0.0), target, from_ns, label="to and fro", goals=(goal,))

            def judge(self, record):
                wanted = record.goal("target/x")[:-1].astype(np.float32)
                apart = np.abs(record.columns("carriage")[1:].astype(np.float32) - wanted)
                figures = {"score": 1.0 - float(apart.mean()), "samples_judged": len(apart)}
                return TrialResult(bool(apart.max() == 0.0), figures)

            def done(self, record):
                return len(record.time_ns) == 41
    """,
    "fields": """
        from dataclasses import dataclass

        from myoprosthesis.core.perturbation_plan import PerturbationEntry
        from myoprosthesis.perturbations.kind import PerturbationTiming


        @dataclass(frozen=True)
        class LagOptions(PerturbationTiming):
            delay_s: float = 0.02


        def lag(options: LagOptions, trial):
            '''The policy sees the carriage late.'''
            return (options.entry(trial, "observation", "delay", {"carriage": options.delay_s}),)
    """,
    "terms": """
        from dataclasses import dataclass

        from myoprosthesis.core.observation_term import TermInput


        @dataclass(frozen=True)
        class OppositeOptions:
            channel: str = "target/x"


        class Opposite:
            '''The other side of where the goal is.'''

            size, lookback_s = 1, 0.0

            def __init__(self, options: OppositeOptions) -> None:
                self.channel = options.channel
                self.inputs = [TermInput(options.channel, unit="m", source="goal")]

            def observe(self, past):
                return -past.goal((self.channel,))
    """,
    "policy": """
        import sys
        from pathlib import Path

        import numpy as np
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        from myoprosthesis.core.contract import METADATA_KEY, Contract
        from myoprosthesis.core.observation_term import RegisteredTerm, Term
        from my_package.slider import Slider, SliderOptions

        spec = Slider(SliderOptions()).spec
        opposite = RegisteredTerm("opposite", "opposite", {"channel": "target/x"})
        see = (Term("carriage", ("carriage",), "position", "rad"), opposite)
        contract = Contract("slide", "slider", see, spec.command, spec.dt)
        rows = lambda name, n: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n])
        weights = numpy_helper.from_array(np.array([[0.0], [-1.0]], np.float32), "weights")
        graph = helper.make_graph([helper.make_node("MatMul", ["observation", "weights"], ["action"])], "slide",
                                  [rows("observation", 2)], [rows("action", 1)], [weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
        out = Path(sys.argv[1]) / "slide" / "policy.onnx"
        out.parent.mkdir(parents=True)
        onnx.save(model, out)
    """,
}
CHECKS = """
    from myoprosthesis.testing import check_effector, check_perturbation, check_policy, check_task, check_term
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from my_package.fields import LagOptions, lag
    from my_package.slider import Slider, SliderOptions
    from my_package.tasks import ToAndFro, ToAndFroOptions

    check_effector(lambda: Slider(SliderOptions()), 2.0)
    check_task(ToAndFro(ToAndFroOptions()), spec=Slider(SliderOptions()).spec)
    check_perturbation(lag, LagOptions())
    check_term("opposite", {"channel": "target/x"})
    check_policy(lambda: OnnxPolicy("policies/slide/policy.onnx"))
"""
ENTRY_POINTS = """
    [myoprosthesis.effectors]
    slider = my_package.slider:Slider
    [myoprosthesis.tasks]
    to_and_fro = my_package.tasks:ToAndFro
    [myoprosthesis.terms]
    opposite = my_package.terms:Opposite
    [myoprosthesis.perturbations]
    lag = my_package.fields:lag
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory, run_python):
    """A folder with the package installed beside ours: its modules, and the metadata that pip would write."""
    folder = tmp_path_factory.mktemp("theirs")
    source, info = folder / "my_package", folder / "my_package-1.0.dist-info"
    source.mkdir()
    info.mkdir()
    (source / "__init__.py").touch()
    for name, text in PACKAGE.items():
        (source / f"{name}.py").write_text(textwrap.dedent(text))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(ENTRY_POINTS))
    run_python(folder, "-m", "my_package.policy", str(folder / "policies"))
    return folder


@pytest.fixture(scope="module")
def run_python():
    import subprocess

    def run(folder, *words):
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
        return done.stdout

    return run


def test_its_components_pass_the_shared_checks(package, run_python):
    run_python(package, "-c", textwrap.dedent(CHECKS))


def test_its_components_are_listed_with_their_options(package, run_python):
    for kind, name in (("effectors", "slider"), ("tasks", "to_and_fro"), ("perturbations", "lag")):
        assert f"{name}  " in run_python(package, "-m", "myoprosthesis.cli.main", kind)


def test_its_contract_has_format_2_and_is_refused_where_its_term_is_unknown(package, run_python):
    read = "from myoprosthesis.policies.onnx_policy import read_contract; from pathlib import Path"
    path = package / "policies" / "slide" / "policy.onnx"
    words = f"{read}; print(read_contract(Path({str(path)!r})).to_json())"
    assert json.loads(run_python(package, "-c", words))["format"] == 2
    with pytest.raises(ContractError, match="'opposite' of kind 'opposite': unknown term 'opposite'"):
        read_contract(path)


def test_its_components_run_in_a_stack(package, run_python, tmp_path):
    figures = tmp_path / "figures.json"
    words = ["--effector", "slider", "--policy", "slide", "--task", "to_and_fro", "--perturbation", "lag"]
    said = run_python(
        package, "-m", "myoprosthesis.cli.main", "up", "--lockstep", "--trials", "3", *words, "--json", str(figures)
    )
    got = json.loads(figures.read_text())
    assert got["trials"] == 3 and got["ticks"] == 150 and got["trials_lost"] == 0, said
    assert [t["label"] for t in got["by_trial"]] and got["restarts"] == {} and got["guard_events"] == {}
    # the carriage was at each tick where the task, by its own plan, has the target of the tick before, bit for bit
    assert got["conditions"][0]["figures"] == {"score": 1.0, "samples_judged": 40.0}
    assert [(t["success"], t["score"], t["samples_judged"]) for t in got["by_trial"]] == [(True, 1.0, 40)] * 3, got
    (condition,) = got["conditions"]
    assert (condition["policy"], condition["perturbation"], condition["trials"]) == ("slide", "lag", 3)
