"""Parts of zip files of strangers: sizes are checked before anything is decompressed."""

import io
import warnings
import zipfile

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.zip_archive import ZipArchive


def packed(parts, kind=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", kind) as file:
        warnings.simplefilter("ignore")
        for name, data in parts:
            file.writestr(name, data)
    return out.getvalue()


def test_a_part_is_what_was_packed(tmp_path):
    (tmp_path / "a.zip").write_bytes(packed([("one", b"1" * 1000), ("two", b"")]))
    archive = ZipArchive.open(tmp_path / "a.zip")
    assert archive.names == ("one", "two")
    assert archive.read("one", 1000) == b"1" * 1000
    assert archive.read("two", 0) == b""


def test_a_bomb_is_refused_by_its_size_before_it_is_decompressed():
    data = packed([("data", bytes(50_000_000))])
    assert len(data) < 100_000
    with pytest.raises(ConfigError, match=r"data in x.zip has 48 MiB once it is decompressed; the limit is 1 MiB"):
        ZipArchive(data, "x.zip").read("data", 1 << 20)


def lying():
    """A zip file whose part says that it has 10 bytes, and has a million."""
    data = bytearray(packed([("data", bytes(1_000_000))]))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        where = data.index(mark) + at
        data[where : where + 4] = (10).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no zip", r"x.zip is no zip file, or a damaged one \(6 bytes\)"),
        (packed([("data", b"a")])[:40], "is no zip file, or a damaged one"),
        (packed([("data", b"a"), ("data", b"b")]), "has the part 'data' twice"),
        (packed([("other", b"a")]), "x.zip has no part 'data'; there are: other"),
        (packed([("data", b"abc" * 99)], zipfile.ZIP_STORED).replace(b"abc", b"abd", 1), "data in x.zip is damaged"),
        (lying(), "data in x.zip is damaged"),
    ],
    ids=["text", "cut off", "twice", "missing", "changed", "lying"],
)
def test_what_is_none_is_refused_in_one_sentence(data, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ZipArchive(data, "x.zip").read("data", 1 << 20)
