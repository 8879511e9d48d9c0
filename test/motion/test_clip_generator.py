"""Clips that were generated before, by their texts."""

import shutil

import pytest

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.way_step import WayStep


@pytest.fixture
def folder(tmp_path):
    for name in ("limp_left", "proud"):
        shutil.copy(motion_clip.find("walk_1.0"), tmp_path / f"{name}.csv")
    (tmp_path / "proud.yaml").write_text("text: walk like a king\n")
    return tmp_path


def test_a_clip_is_found_by_its_text_or_its_name(command_here, folder):
    from myoprosthesis.cli.command import CommandOptions, steps_of

    for text, name in (("Walk like  a king.", "proud"), ("limp left", "limp_left")):
        (step,) = steps_of(CommandOptions(words=text, generator="folder", option=(f"folder={folder}",)))
        assert step == WayStep(clip=name, sha256=motion_clip.read(folder / f"{name}.csv").sha256)


def test_a_text_without_a_clip_is_refused_with_those_that_there_are(folder):
    from myoprosthesis.motion.clip_generator import FolderGenerator, FolderOptions

    with pytest.raises(Refused, match="for 'hop'; there are clips for: 'limp left', 'walk like a king'"):
        FolderGenerator(FolderOptions(str(folder))).generate("hop")
    with pytest.raises(ConfigError, match="no folder '' of generated clips: give one with --option folder=DIR"):
        FolderGenerator(FolderOptions())


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["walk", "--generator", "nobody"], "unknown motion generator 'nobody'"),
        (["--generator", "folder"], "a generator makes a clip of words"),
        (["walk", "--option", "folder=x"], "--option is for a generator"),
        (["walk", "--speed", "1"], "words and --speed were given"),
        ([], "nothing is asked for: give --speed, --heading, --turn, --to, or words"),
        (["--heading", "3", "--turn", "4"], "a heading, or how far to turn"),
    ],
)
def test_the_command_refuses_what_makes_no_sense_before_it_looks_for_a_stack(command_here, words, sentence):
    done = command_here("command", *words)
    assert done.returncode == 2 and sentence in done.stderr
