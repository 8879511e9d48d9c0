"""An R workspace, against bytes that are put together as R Internals, section 1.8, has them."""

import bz2
import contextlib
import gzip
import lzma
import struct

import numpy as np
import pytest

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.files.r_data import NamedTable, read_r

NIL = struct.pack(">i", 254)


def chars(text):
    return struct.pack(">ii", 9, -1) if text is None else struct.pack(">ii", 9, len(text)) + text.encode()


def texts(*values, more=b""):
    flags = 16 | (0x200 if more else 0)
    return struct.pack(">ii", flags, len(values)) + b"".join(map(chars, values)) + more


def pairs(**values):
    """A list of pairs with tags, each a symbol that is new."""
    return b"".join(struct.pack(">i", 2 | 0x400) + struct.pack(">i", 1) + chars(k) + v for k, v in values.items()) + NIL


def reals(values, **more):
    flat = np.asarray(values, float).ravel(order="F")
    out = struct.pack(">ii", 14 | (0x200 if more else 0), flat.size) + flat.astype(">f8").tobytes()
    return out + (pairs(**more) if more else b"")


def whole(*values):
    return struct.pack(f">ii{len(values)}i", 13, len(values), *values)


def listed(**values):
    return struct.pack(">ii", 19 | 0x200, len(values)) + b"".join(values.values()) + pairs(names=texts(*values))


def file(item, version=3):
    head = struct.pack(">iii", version, 0x40000, 0x30500) + (struct.pack(">i", 5) + b"UTF-8") * (version == 3)
    return f"RDX{version}\nX\n".encode() + head + item


TABLE = np.arange(6.0).reshape(2, 3)
PEOPLE = pairs(
    people=listed(
        anna=listed(
            V=reals(TABLE, dim=whole(2, 3), dimnames=struct.pack(">ii", 19, 2) + texts("SO", "TA") + NIL),
            count=whole(3, -(2**31)),
            note=texts("fine", None),
        ),
    ),
    plain=reals(TABLE, dim=whole(2, 3)),
)


def written(tmp_path, data):
    path = tmp_path / "people.RData"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("version", [2, 3])
def test_numbers_texts_and_lists_are_read_by_name(tmp_path, version, pack):
    data = read_r(written(tmp_path, pack(file(PEOPLE, version))))
    anna = data["people"]["anna"]
    assert isinstance(anna["V"], NamedTable) and anna["V"].rows == ("SO", "TA") and anna["V"].columns == ()
    np.testing.assert_array_equal(anna["V"].values, TABLE)
    np.testing.assert_array_equal(data["plain"], TABLE)
    np.testing.assert_array_equal(anna["count"], [3.0, np.nan])
    assert anna["note"] == ["fine", None]


def test_a_sequence_in_short_form_and_a_symbol_that_comes_again(tmp_path):
    about = struct.pack(">i", 2) + struct.pack(">i", 1) + chars("compact_intseq") + NIL
    short = struct.pack(">i", 238) + about + reals([4.0, 1.0, 1.0]) + NIL
    again = struct.pack(">i", 2 | 0x400) + struct.pack(">i", 255 | (1 << 8)) + reals([1.0]) + NIL  # the first symbol
    first = struct.pack(">i", 2 | 0x400) + struct.pack(">i", 1) + chars("a") + short
    data = read_r(written(tmp_path, file(first + again)))
    assert list(data) == ["a"] and data["a"].tolist() == [1.0]
    assert read_r(written(tmp_path, file(pairs(n=short))))["n"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("data", [b"", b"nothing", b"RDX3\nA\n1", b"\x1f\x8bbroken", file(struct.pack(">i", 3)),
                                  file(PEOPLE, 4)])  # fmt: skip
def test_what_is_no_workspace_is_refused(tmp_path, data):
    with pytest.raises(RecordingError, match="people.RData"):
        read_r(written(tmp_path, data))


def test_a_workspace_that_was_cut_or_damaged_is_read_or_refused(tmp_path):
    data, rng = file(PEOPLE), np.random.default_rng(0)
    for n in range(0, len(data), 7):
        with pytest.raises(RecordingError):
            read_r(written(tmp_path, data[:n]))
    for _ in range(300):
        spoiled = bytearray(data)
        spoiled[rng.integers(len(data))] = rng.integers(256)
        with contextlib.suppress(RecordingError):
            read_r(written(tmp_path, bytes(spoiled)))
