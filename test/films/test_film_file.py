"""Films and strips are written as asked, and read again by other libraries."""

import av
import numpy as np
import pytest
from PIL import Image

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.films import film_file

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]


def images(n=4, shape=(48, 64)):
    return [np.full((*shape, 3), COLOURS[k % 4], np.uint8) for k in range(n)]


def test_a_strip_has_its_stills_side_by_side_on_white(tmp_path):
    film_file.write(tmp_path / "s.png", iter(images(8)), 30.0)
    sheet = np.asarray(Image.open(tmp_path / "s.png"))
    assert sheet.shape == (2 * 48 + film_file.GAP, 6 * 64 + 5 * film_file.GAP, 3)
    for k in range(8):
        top, left = (k // 6) * (48 + film_file.GAP), (k % 6) * (64 + film_file.GAP)
        assert (sheet[top : top + 48, left : left + 64] == COLOURS[k % 4]).all()
    assert (sheet[60:, 2 * (64 + film_file.GAP) :] == 255).all()


def test_a_gif_lasts_as_long_as_its_frame_rate_says(tmp_path):
    film_file.write(tmp_path / "f.gif", images(30), 30.0)
    film = Image.open(tmp_path / "f.gif")
    lengths = []
    for k in range(film.n_frames):
        film.seek(k)
        lengths.append(film.info["duration"])
        shown = np.asarray(film.convert("RGB"))[5, 5].astype(int)
        assert np.abs(shown - COLOURS[k % 4]).max() < 8
    assert film.n_frames == 30 and sum(lengths) == 1000


def test_an_mp4_has_every_picture_at_its_time(tmp_path):
    film_file.write(tmp_path / "f.mp4", iter(images(10, (49, 65))), 25.0)
    with av.open(str(tmp_path / "f.mp4")) as film:
        (stream,) = film.streams.video
        frames = list(film.decode(video=0))
        assert stream.average_rate == 25 and (stream.width, stream.height) == (64, 48)
    assert [round(f.time * 25) for f in frames] == list(range(10))
    for k, frame in enumerate(frames):
        assert np.abs(frame.to_ndarray(format="rgb24")[20, 20].astype(int) - COLOURS[k % 4]).max() < 25


def test_a_caption_is_written_into_the_corner_and_nowhere_else():
    plain = np.full((120, 160, 3), 255, np.uint8)
    written = film_file.captioned(plain, "  1.25 s   trial 2 µ")
    assert (plain == 255).all() and written.shape == plain.shape
    assert (written[:20] < 128).any() and (written[30:] == 255).all()


def test_another_ending_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(ConfigError, match="a film ends with .mp4 or .gif, a strip of stills with .png"):
        film_file.check_ending(tmp_path / "film.avi")


def test_a_film_that_breaks_off_leaves_the_old_file(tmp_path):
    def broken():
        yield images()[0]
        raise ConfigError("no more")

    (tmp_path / "f.gif").write_bytes(b"old")
    with pytest.raises(ConfigError, match="no more"):
        film_file.write(tmp_path / "f.gif", broken(), 30.0)
    assert (tmp_path / "f.gif").read_bytes() == b"old"
