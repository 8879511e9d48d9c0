"""Pickles of strangers: arrays and plain data are read, nothing that a pickle names is imported or called."""

import collections
import os
import pickle
import struct
from dataclasses import dataclass

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files import array_pickle
from myoprosthesis.files.array_pickle import PickleRecord


@dataclass
class Statistics:
    mean: np.ndarray
    count: float


NAMED = (f"{__name__}.*",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_are_those_that_were_pickled(protocol):
    arrays = {
        "f8": np.arange(6.0).reshape(2, 3), "f4": np.float32([1, 2]), "columns": np.asfortranarray(np.eye(3)[:2]),
        "swapped": np.arange(3, dtype=">i4"), "empty": np.zeros((0, 4)), "bool": np.array([True, False]),
    }  # fmt: skip
    content = {"arrays": arrays, "number": np.float64(0.5), "more": collections.OrderedDict(a=(1, [2.0, None]))}
    back = array_pickle.read(pickle.dumps(content, protocol), "it")
    assert back["number"] == 0.5 and back["more"] == {"a": (1, [2.0, None])}
    for name, array in arrays.items():
        assert back["arrays"][name].shape == array.shape
        assert np.array_equal(back["arrays"][name], array), name


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_class_that_is_named_becomes_a_record_and_is_not_made(protocol, monkeypatch):
    data = pickle.dumps([Statistics(np.arange(3.0), 4.0)] * 2, protocol)
    monkeypatch.setattr(Statistics, "__setattr__", lambda *a: pytest.fail("the class was used"))
    one, two = array_pickle.read(data, "it", NAMED)
    assert one is two and isinstance(one, PickleRecord) and not isinstance(one, Statistics)
    assert one.name == f"{__name__}.Statistics"
    assert one.attributes["count"] == 4.0 and np.array_equal(one.attributes["mean"], [0, 1, 2])


class Running:
    def __reduce__(self):
        return os.system, ("exit 3",)


class Evaluating:
    def __reduce__(self):
        return eval, ("1/0",)


@pytest.mark.parametrize(
    ("wanted", "name"), [(Running(), "posix.system"), (Evaluating(), "builtins.eval"), (os.getcwd, "posix.getcwd"),
                         (Statistics(np.zeros(1), 1.0), "Statistics")],
)  # fmt: skip
def test_what_wants_more_is_refused_with_its_name(wanted, name):
    with pytest.raises(ConfigError, match=rf"env.pkl wants '.*{name}', which is more than arrays of numbers"):
        array_pickle.read(pickle.dumps({"a": np.zeros(3), "b": wanted}), "env.pkl")


def memo(n):
    return b"\x80\x02K\x01r" + struct.pack("<I", n) + b"."


def forged(shape, code="f8"):
    """An array that says another shape than it has numbers."""
    return pickle.dumps(np.arange(4.0), 2).replace(b"f8", code.encode()).replace(b"K\x04\x85", b"K" + shape + b"\x85")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is no pickle"),
        (b"PK\x03\x04 something", "it is no pickle"),
        (pickle.dumps({"a": 1})[:-3], "it is no pickle"),
        (memo(2**31), "it counts 2147483648 objects in 10 bytes"),
        (forged(b"\x09"), r"it is damaged: an array of \(9,\) has 32 bytes"),
        (forged(b"\x04", "O8"), "it has an array of 'O8'; arrays of numbers are read"),
        (pickle.dumps(np.array([None, "x"], object)), "it has an array of 'O8'"),
        (pickle.dumps(np.zeros(2, [("a", "f4")])), "it has an array of 'V4'"),
        (b"\x80\x02Pid\n.", "it (is no pickle|wants an object from outside)"),
    ],
    ids=["empty", "zip", "cut off", "memo", "size", "objects", "texts", "fields", "outside"],
)
def test_what_is_damaged_is_refused_in_one_sentence(data, sentence):
    with pytest.raises(ConfigError, match=sentence):
        array_pickle.read(data, "it")


def test_random_damage_ends_in_one_sentence_or_in_arrays():
    rng, good = np.random.default_rng(0), pickle.dumps([np.arange(9.0), {"a": np.float32(2)}] * 3, 2)
    for _ in range(3000):
        data = bytearray(good)
        for at in rng.integers(len(data), size=rng.integers(1, 5)):
            data[at] = rng.integers(256)
        try:
            array_pickle.read(bytes(data), "it")
        except ConfigError as error:
            assert str(error).count("\n") == 0
