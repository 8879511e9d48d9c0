"""YAML is plain data of bounded size; every fault is one sentence with the line that it is in."""

import os
import time
import tracemalloc

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files import yaml_text

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("a: 1\nb: [1, 2.5, x]", {"a": 1, "b": [1, 2.5, "x"]}),
        ("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}),
        ("labels: {0: rest, 010: fist}", {"labels": {"0": "rest", "010": "fist"}}),
        ("a: 'two\n\n  lines\twith a tab'", {"a": "two\nlines\twith a tab"}),
    ],
)
def test_plain_data_is_read(text, data):
    assert yaml_text.parse(text, "it") == data


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is there twice"),
        ("b:\n  null: x", "line 2: null cannot be a key"),
        ("on: x", "line 1: on cannot be a key; a word is needed (in quotes"),
        ("? [a]\n: b", "line 1: a list or a mapping cannot be a key"),
        ("[" * 5000, "nest"),
        ("\n".join(" " * k + "a:" for k in range(300)), "line 101: nested more than 100 levels deep"),
        ("a: &x {b: *x}", "line 1: a reference stands inside of what it refers to"),
        ('a: "\\x1b[31m"', r"line 1: '\\x1b[31m' has a control character"),
        ('a: "x\\u202Ey"', "has a control character"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("a: 1\nb: 010", "line 2: YAML reads 010 as a number to the base 8: write it otherwise, or in quotes"),
        ("b: [1:30]", "line 1: YAML reads 1:30 as a number to the base 60"),
        ("b: -1:30.5", "line 1: YAML reads -1:30.5 as a number to the base 60"),
        ("a:\n\t- b", "(YAML takes no tabs before a key: put blanks there)"),
        ("a: 2020-13-40", "month must be in 1..12"),
        ("a: b: c", "mapping values are not allowed"),
        (BOMB, "line 5: with its references written out it has 111111 values; 100000 is the limit"),
    ],
)
def test_anything_else_is_refused_with_one_sentence(text, fault):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        yaml_text.parse(text, "settings.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith("settings.yaml") and fault in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert peak < 1 << 24 and time.process_time() - began < 5


def test_only_regular_files_of_bounded_size_are_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert yaml_text.read(tmp_path / "bom.yaml") == {"name": "x"}
    for name, fault in (
        ("pipe", "is a pipe or a device"), (".", "is a folder"), ("none.yaml", "No such file"),
        ("latin.yaml", "byte 9 is not UTF-8"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=fault):
            yaml_text.read(tmp_path / name)
    with pytest.raises(ConfigError, match="device"):
        yaml_text.read(type(tmp_path)("/dev/zero"))
    monkeypatch.setattr(yaml_text, "LARGEST", 5)
    with pytest.raises(ConfigError, match="has 11 bytes; the limit is 5 bytes"):
        yaml_text.read(tmp_path / "bom.yaml")


def test_a_mapping_is_needed(tmp_path):
    (tmp_path / "list.yaml").write_text("[1, 2]")
    with pytest.raises(ConfigError, match="list.yaml must hold a YAML mapping with: a, b"):
        yaml_text.read_mapping(tmp_path / "list.yaml", keys="a, b")


def test_numbers_that_everybody_reads_alike():
    text = "[0, -0.5, 10, 1_000, 0x1F, 1e-3, 1.0e+3, '010', \"1:30\", 0, 00]"
    assert yaml_text.parse(text.replace(", 00", ""), "a") == [0, -0.5, 10, 1000, 31, "1e-3", 1000.0, "010", "1:30", 0]
    with pytest.raises(ConfigError, match="base 8"):
        yaml_text.parse("[00]", "a")
