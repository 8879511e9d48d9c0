"""Protocol of what makes a clip of a text, and one that takes them from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.options import option
from myoprosthesis.files import yaml_text


class ClipGenerator(Protocol):
    """Makes a clip of legs of a text, such as a model that was trained on recorded movements and their descriptions.

    Registered under the entry points `myoprosthesis.motion_generators`; its factory takes one options dataclass."""

    def generate(self, text: str) -> Path:
        """A movement that a text describes.

        Args:
            text: what a person wrote, such as "limp on the left".

        Returns:
            The CSV file of a clip with the columns of `motion import`: one cycle of a gait, joints in rad, m. The task
            finds it by its name and hash, in a folder of MYOPROSTHESIS_CLIPS.

        Raises:
            Refused: it can make nothing of this text, with what would work.
        """
        ...


@dataclass(frozen=True)
class FolderOptions:
    """Options of a generator that has made its clips before."""

    folder: str = option("", "folder of clips (.csv), each with its text as `text` in a YAML file of the same name")


class FolderGenerator:
    """Clips that were generated before, by their texts; without a `text` by their names, limp_left as limp left."""

    def __init__(self, options: FolderOptions) -> None:
        """Raises `ConfigError` where there is no such folder."""
        self.folder = Path(options.folder).expanduser()
        if not options.folder or not self.folder.is_dir():
            raise ConfigError(
                f"there is no folder {options.folder!r} of generated clips: give one with --option folder=DIR"
            )

    def generate(self, text: str) -> Path:
        """See `ClipGenerator.generate`: the clip of exactly these words, whatever their case."""
        texts = {_plain(self._text(file)): file for file in sorted(self.folder.glob("*.csv"))}
        if _plain(text) not in texts:
            known = ", ".join(repr(t) for t in texts) or "none"
            raise Refused(f"no clip in {self.folder} was generated for {text!r}; there are clips for: {known}")
        return texts[_plain(text)]

    def _text(self, file: Path) -> str:
        beside = file.with_suffix(".yaml")
        text = yaml_text.read_mapping(beside).get("text") if beside.is_file() else None
        return str(text or file.stem.replace("_", " "))


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!")
