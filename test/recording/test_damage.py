"""Recordings that were cut off or damaged: read as far as they go, mended, and never a crash."""

import shutil
import struct
import tracemalloc

import lz4.frame
import numpy as np
import pytest
import zstandard
from mcap.writer import CompressionType

from myoprosthesis.core.errors import RecordingError, UnreadableRecording
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.mcap_file import LARGEST
from myoprosthesis.recording.repair import repair


@pytest.fixture(scope="module")
def whole(tmp_path_factory, write):
    folder = tmp_path_factory.mktemp("whole")
    _, said = write(folder, attachments={"session.yaml": b"name: x\n" * 20})
    return folder, (folder / "recording_0.mcap").read_bytes(), said


def cut(folder, whole, n, name="recording_0.mcap"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(whole[:n])
    return folder


def offsets(size, n=60):
    rng = np.random.default_rng(1)
    return sorted({0, 1, 7, 8, 9, 20, size - 1, size - 8, size - 9, size - 37, *rng.integers(0, size, n).tolist()})


def test_a_recording_cut_off_anywhere_is_read_as_far_as_it_goes_and_mended(tmp_path, whole, told, by_rosbags):
    _, data, said = whole
    chunks = Bag(whole[0]).files[0].chunks
    for n in offsets(len(data)):
        folder = cut(tmp_path / str(n), data, n)
        bag = Bag(folder)
        got = told(bag)
        sound = sum(1 for c in chunks if c.offset + c.length <= n)
        assert got == said[: len(got)] and len(got) >= sum(m[1] <= c.last_ns for m in said for c in chunks[:sound][-1:])
        assert len(bag.faults) == 1 and "recording_0.mcap ends without its index" in bag.faults[0]
        assert sum(t.count for t in bag.topics.values()) == len(got)
        if not got:
            with pytest.raises(UnreadableRecording, match="nothing was changed"):
                repair(folder)
            assert [p.name for p in folder.iterdir()] == ["recording_0.mcap"]
            assert (folder / "recording_0.mcap").read_bytes() == data[:n]
            continue
        (done,) = repair(folder)
        assert done.messages == len(got) and done.unusable_bytes == bag.files[0].unusable <= n
        assert done.original.read_bytes() == data[:n]
        assert sorted(p.name for p in folder.iterdir()) == ["metadata.yaml", "recording_0.mcap", done.original.name]
        mended = Bag(folder)
        assert told(mended) == got and mended.faults == []
        assert mended.attachments() == bag.attachments()
        assert by_rosbags(folder) == [(m[0], m[1], m[3]) for m in got]
        assert repair(folder) == []


def test_the_last_file_is_cut_off_and_those_before_are_not(tmp_path, whole, write, told, by_rosbags):
    shutil.copytree(whole[0], tmp_path / "r")
    _, more = write(tmp_path / "r", ticks=40, first=100)
    last = tmp_path / "r" / "recording_1.mcap"
    last.write_bytes(last.read_bytes()[:-4000])
    bag = Bag(tmp_path / "r")
    got = told(bag)
    assert got[: len(whole[2])] == whole[2] and 0 < len(got) - len(whole[2]) < len(more)
    assert [d.path.name for d in repair(tmp_path / "r")] == ["recording_1.mcap"]
    assert by_rosbags(tmp_path / "r") == [(m[0], m[1], m[3]) for m in got]
    _, third = write(tmp_path / "r", ticks=10, first=200)
    assert told(Bag(tmp_path / "r")) == got + third


@pytest.mark.parametrize("compression", list(CompressionType), ids=lambda c: c.name)
@pytest.mark.parametrize("chunked", [True, False], ids=["chunks", "bare"])
def test_others_recordings_cut_off(tmp_path, compression, chunked, told, library_file):
    said = library_file(tmp_path / "whole.mcap", compression, chunked)
    data = (tmp_path / "whole.mcap").read_bytes()
    most = 0
    for n in offsets(len(data), 15):
        bag = Bag(cut(tmp_path / str(n), data, n, "other.mcap"))
        got = told(bag)
        assert set(got) <= set(said) and [m[1] for m in got] == sorted(m[1] for m in got)
        assert sum(t.count for t in bag.topics.values()) == len(got)
        most = max(most, len(got))
        if got:
            repair(tmp_path / str(n))
        assert told(Bag(tmp_path / str(n))) == got
    assert most == len(said)


def test_bytes_that_changed_cost_their_chunk_and_are_told(tmp_path, whole, told):
    """Flips anywhere: what is read is what was written, or nothing; no error but one sentence."""
    _, data, said = whole
    rng = np.random.default_rng(0)
    losses = 0
    for k in range(150):
        changed = bytearray(data)
        at = int(rng.integers(len(data)))
        changed[at] ^= int(rng.integers(1, 256))
        folder = cut(tmp_path / str(k), bytes(changed), len(data))
        try:
            bag = Bag(folder)
            got = told(bag)
            attached = bag.attachments()
        except RecordingError as error:
            assert "\n" not in str(error)
            continue
        assert {m[1:] for m in got} <= {m[1:] for m in said} | {m[1:] for m in got if at < 600}
        if len(got) < len(said) or not attached:
            losses += 1
            assert bag.faults, at
    assert losses > 20


def test_a_tail_of_zeros_is_no_recording(tmp_path, whole, told):
    """What some file systems leave after the power was cut."""
    _, data, said = whole
    end = Bag(whole[0]).files[0].chunks[5].offset
    folder = cut(tmp_path / "z", data[:end] + bytes(5000), end + 5000)
    bag = Bag(folder)
    got = told(bag)
    assert got == said[: len(got)] and len(got) == 52 and "5000 bytes at its end" in bag.faults[0]
    assert "5000 bytes could not be read" in str(repair(folder)[0])


def test_a_damaged_chunk_in_the_middle_is_told_with_its_messages(tmp_path, whole, told):
    _, data, said = whole
    chunk = Bag(whole[0]).files[0].chunks[3]
    changed = bytearray(data)
    changed[chunk.offset + chunk.length - 20] ^= 0xFF
    folder = cut(tmp_path / "m", bytes(changed), len(data))
    bag = Bag(folder)
    got = told(bag)
    assert len(got) == len(said) - 10 and bag.faults[0].startswith(f"recording_0.mcap: {chunk.length} bytes at")
    folder = cut(tmp_path / "n", bytes(changed), len(data) - 3)
    (done,) = repair(folder)
    assert (done.messages, done.unusable_messages) == (len(said) - 10, 10)
    assert told(Bag(folder)) == got


def test_a_mend_that_was_interrupted_is_begun_anew(tmp_path, whole):
    folder = cut(tmp_path / "i", whole[1], len(whole[1]) // 2)
    (folder / "recording_0.mcap.new").write_bytes(b"half")
    repair(folder)
    assert not (folder / "recording_0.mcap.new").exists() and Bag(folder).faults == []
    with pytest.raises(RecordingError, match="is no recording"):
        repair(tmp_path)


def test_a_foreign_file_among_others_costs_nothing_but_itself(tmp_path, whole, told):
    folder = cut(tmp_path / "f", whole[1], len(whole[1]) // 2)
    (folder / "recording_1.mcap").write_bytes(b"time,emg\n0,1\n")
    before = told(Bag(folder))
    (done,) = repair(folder)
    bag = Bag(folder)
    assert before and told(bag) == before and done.messages == len(before)
    assert len(bag.faults) == 1 and bag.faults[0].endswith("is no MCAP file; nothing of its 13 bytes is used")
    assert (folder / "recording_1.mcap").read_bytes() == b"time,emg\n0,1\n"


def changed(data, at, new):
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("kind", ["opcode", "length", "inner length", "hole", "hole of noise", "private opcode"])
def test_behind_a_bad_place_of_a_cut_off_recording_all_is_read(tmp_path, whole, told, kind):
    """One bad place costs the chunk that it is in; what was not understood is counted and kept beside."""
    _, data, said = whole
    chunks = Bag(whole[0]).files[0].chunks
    third, fourth = chunks[2], chunks[3]
    at = third.offset
    bad = {
        "opcode": changed(data, at, bytes(9)),
        "length": changed(data, at + 8, bytes([data[at + 8] ^ 0x40])),
        "inner length": changed(data, at + 9 + 32 + 4 + 7, b"\x40"),
        "hole": changed(data, at - 30, bytes(third.length)),
        "hole of noise": changed(data, at - 30, np.random.default_rng(3).bytes(third.length)),
        "private opcode": changed(data, at, b"\x86"),
    }[kind][: chunks[8].offset + 30]
    folder = cut(tmp_path / "bad", bad, len(bad))
    bag = Bag(folder)
    got = told(bag)
    lost = [m for m in said if m not in got and m[1] < chunks[8].first_ns]
    assert got == [m for m in said if m in got] and set(lost) <= {m for m in said if m[1] <= fourth.last_ns}
    assert len(lost) <= (0 if kind in ("length", "inner length") else 21)
    assert len(got) >= 70 and bag.faults
    (done,) = repair(folder)
    assert done.messages == len(got) and done.original.read_bytes() == bad
    if lost:
        assert done.unusable_bytes > 100 and "could not be read" in str(done)
    assert told(Bag(folder)) == got


def test_a_hole_in_what_a_topic_is_costs_that_topic_and_is_told(tmp_path, whole, told):
    """The definition of /state is gone, those of other topics are not."""
    _, data, said = whole
    where = data.index(b"/state") - 25
    end = Bag(whole[0]).files[0].chunks[5].offset
    folder = cut(tmp_path / "d", changed(data, where, bytes(40))[:end], end)
    bag = Bag(folder)
    assert {m[0] for m in told(bag)} <= {"/left/target"}
    assert any("because the record that says" in f for f in bag.faults)
    assert bag.files[0].unusable_messages == 50


@pytest.mark.parametrize("at", [8, 300, 1500, 3000])
def test_a_hole_near_the_start_costs_what_is_in_it(tmp_path, write, told, at):
    """What the messages of a topic are is written again as a file grows, so that all others of it are read."""
    bag, said = write(tmp_path / "w", ticks=400, close=False)
    data = (tmp_path / "w" / "recording_0.mcap").read_bytes()
    bag.close()
    folder = cut(tmp_path / "d", changed(data, at, bytes(2048)), len(data))
    (done,) = repair(folder)
    got = told(Bag(folder))
    assert done.messages == len(got) >= len(said) - 100 and {m[0] for m in got} == {"/state", "/left/target"}
    assert got == [m for m in said if m in set(got)]


def test_a_foreign_file_with_the_head_of_a_recording_is_left_as_it_is(tmp_path, whole):
    noise = whole[1][:40] + np.random.default_rng(0).bytes(300_000)
    folder = cut(tmp_path / "n", noise, len(noise))
    with pytest.raises(UnreadableRecording, match="no message of recording_0.mcap can be read; nothing was changed"):
        repair(folder)
    assert [p.name for p in folder.iterdir()] == ["recording_0.mcap"]
    assert (folder / "recording_0.mcap").read_bytes() == noise


def test_repairing_again_keeps_both_originals(tmp_path, whole):
    data = whole[1]
    folder = cut(tmp_path / "o", data, len(data) // 2)
    repair(folder)
    cut(folder, data, len(data) // 3)
    (done,) = repair(folder)
    assert done.original.name == "recording_0.mcap.original2"
    assert sorted(p.stat().st_size for p in folder.glob("*.original*")) == [len(data) // 3, len(data) // 2]


@pytest.mark.parametrize("declared", [1000, 1 << 40])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut off"])
def test_a_chunk_that_grows_is_not_taken_in(tmp_path, whole, told, declared, compression, is_cut):
    """64 MiB in a few KiB: memory is bounded by what the chunk claims to hold, or the chunk is not opened."""
    assert declared < 1 << 20 or declared > LARGEST
    _, data, said = whole
    chunk = Bag(whole[0]).files[0].chunks[4]
    compress = {"zstd": zstandard.ZstdCompressor().compress, "lz4": lz4.frame.compress}[compression]
    packed = compress(bytes(1 << 26))
    name = compression.encode()
    body = struct.pack("<QQQII", chunk.first_ns, chunk.last_ns, declared, 0, len(name)) + name
    body += struct.pack("<Q", len(packed)) + packed
    record = struct.pack("<BQ", 6, len(body)) + body
    bad = data[: chunk.offset] + record
    if is_cut:
        bad = bad[:-1000]
    else:
        bad += data[chunk.offset + chunk.length :]
    folder = cut(tmp_path / "bomb", bad, len(bad))
    tracemalloc.start()
    try:
        got = told(Bag(folder))
        (done,) = repair(folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 24
    assert len(got) == (42 if is_cut else len(said) - 10) and done.messages == len(got)
