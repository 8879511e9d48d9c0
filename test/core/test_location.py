"""Files that options name, as seen from the folder of whoever names them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from myoprosthesis.core.location import anchored, located
from myoprosthesis.core.options import option


@pytest.fixture
def folder(tmp_path):
    for name in ("mine.yaml", "curl_cw", "data/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


CASES = [
    ("path", "mine.yaml", True), ("path", "absent.xml", True), ("path", "robot", True), ("path", "", False),
    ("name", "mine.yaml", True), ("name", "absent.yaml", False), ("name", "curl_cw", False),
    ("name", "data/a.csv", True), ("name", "data/absent.csv", True),
    ("name", "./curl_cw", True), ("name", "{mains_hz: 50, a: b/c}", False),
    ("there", "data", True), ("there", "curl_cw", True), ("there", "libemg_myo", False), ("there", "data/x", True),
    ("name", "x" * 5000, False), ("name", "a\0.yaml", False), ("name", "~nobody_of_that_name/x", False),
]  # fmt: skip


@pytest.mark.parametrize(("how", "value", "taken"), CASES)
def test_what_is_a_path_becomes_absolute_and_a_name_stays_a_name(folder, how, value, taken):
    assert located(value, folder, how) == (str((folder / value).absolute()) if taken else value)


def test_an_absolute_path_and_a_home_are_as_they_are(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert located("/a/b.xml", folder, "path") == "/a/b.xml"
    assert located("~/b.xml", folder, "path") == "/somewhere/b.xml"


def test_a_way_up_is_taken_out_unless_it_leads_elsewhere(folder):
    assert located("data/../mine.yaml", folder, "path") == str(folder / "mine.yaml")
    (folder / "elsewhere" / "deep").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "elsewhere" / "deep")
    (folder / "elsewhere" / "mine.yaml").write_text("another")
    assert Path(located("link/../mine.yaml", folder, "path")).read_text() == "another"


def test_only_options_that_name_files_are_touched(folder):
    @dataclass(frozen=True)
    class Some:
        model: str = option("", file="path")
        kept: tuple[str, ...] = option((), file="path")
        title: str = option("")

    values = {"model": "mine.yaml", "kept": ["a", "b"], "title": "mine.yaml", "strange": "mine.yaml", 3: "mine.yaml"}
    assert anchored(Some, values, folder) == {
        **values, "model": str(folder / "mine.yaml"), "kept": [str(folder / "a"), str(folder / "b")],
    }  # fmt: skip
