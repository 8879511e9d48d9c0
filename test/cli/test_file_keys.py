"""The keys that people write are documented from the dataclasses that read them."""

import json
from pathlib import Path

import pytest

from myoprosthesis.cli import file_keys

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_page_is_what_the_program_says():
    """Anew: python -c "from myoprosthesis.cli.file_keys import markdown; print(markdown())" > docs/keys.md"""
    assert PAGE.read_text(encoding="utf-8").rstrip("\n") == file_keys.markdown().rstrip("\n")


@pytest.mark.parametrize("name", sorted(file_keys.FILES))
def test_every_key_says_what_it_is(name):
    found = list(file_keys.FILES[name]())
    nested = {"weights", "stages"}
    assert len(found) > 5 and [k for k in found if not k.about and k.name not in nested] == []


def test_the_command_lists_them(command, tmp_path):
    done = command("keys", "session", "--json", str(tmp_path / "k.json"))
    assert done.returncode == 0 and "channel_rate" in done.stdout
    rows = json.loads((tmp_path / "k.json").read_text())["keys"]
    row = next(r for r in rows if r["part"] == "blocks, each" and r["name"] == "catch_rate")
    assert (row["allowed"], row["default"]) == ("0 to 0.5", "0.0")
