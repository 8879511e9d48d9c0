import numpy as np
import pytest

from myoprosthesis.core import axes_file
from myoprosthesis.core.errors import ConfigError

RNG = np.random.default_rng(0)
MEAN, VECTORS = RNG.normal(size=7), np.linalg.qr(RNG.normal(size=(7, 3)))[0].T


@pytest.mark.parametrize("name", ["mine.npz", "mine.csv"])
def test_what_is_written_is_read(tmp_path, name):
    axes_file.write(tmp_path / name, MEAN, VECTORS)
    found = axes_file.read(tmp_path / name)
    np.testing.assert_allclose(found.mean, MEAN, rtol=1e-8)
    np.testing.assert_allclose(found.components, VECTORS, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.csv", None, "none.csv cannot be read: No such file"),
        ("mine.txt", b"", r"ends with \.npz or \.csv"),
        ("mine.npz", b"", "cannot be read"),
        ("mine.npz", b"PK\x03\x04 broken", "cannot be read"),
        ("mine.csv", b"", "first row is 'axis'"),
        ("mine.csv", b"axis,0,1\nmean,0,0\n0,1\n", "rows differ in length"),
        ("mine.csv", b"axis,0,1\nmean,0,0\n0,1,x\n", "could not convert"),
        ("mine.csv", b"axis,0,1\nmean,0,0\n0,1,nan\n", "finite"),
        ("mine.csv", b"axis,0,1\nmean,0,0\n0,1,1\n", "orthonormal"),
        ("mine.csv", b"axis,0,1\nmean,0,0\n0,1,0\n1,1,0\n", "orthonormal"),
        ("mine.csv", b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=sentence) as caught:
        axes_file.read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_pickled_arrays_are_not_opened(tmp_path):
    np.savez(tmp_path / "bad.npz", mean=np.array([{}], object), components=np.eye(1))
    with pytest.raises(ConfigError, match="cannot be read"):
        axes_file.read(tmp_path / "bad.npz")


def test_arrays_by_other_names_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", middle=MEAN)
    with pytest.raises(ConfigError, match="mean"):
        axes_file.read(tmp_path / "other.npz")
