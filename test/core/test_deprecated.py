"""Former names of parameters work for one release, and say so."""

from myoprosthesis.core import deprecated
from myoprosthesis.stack.description import StackOptions, as_settings, describe


def test_a_former_parameter_is_the_present_one_and_is_said_once(capsys):
    deprecated._notice_once.cache_clear()
    for _ in range(2):
        assert deprecated.present_parameters({"parties": ["task"], "seed": 3}) == {"participants": ["task"], "seed": 3}
    sentence = (
        "deprecated: the parameter parties is called participants now; the old name works until the next release\n"
    )
    assert capsys.readouterr().err == sentence


def test_it_wins_over_what_the_stack_would_choose(tmp_path):
    """From the command line, a file in the short layout and one as ROS reads it."""
    short, ros = tmp_path / "short.yaml", tmp_path / "ros.yaml"
    short.write_text("effector: {parties: [task]}\n")
    ros.write_text("/effector: {ros__parameters: {parties: [task]}}\n")
    for options, settings in (
        ({}, as_settings(["effector.parties=[task]"])),
        ({"params_file": str(short)}, {}),
        ({"params_file": str(ros)}, {}),
    ):
        effector = next(n for n in describe(StackOptions(**options), settings) if n.name == "effector")
        assert effector.parameters["participants"] == ["task"] and "parties" not in effector.parameters
