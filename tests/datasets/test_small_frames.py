"""Small frames are made once, of the recording as it is, whoever asks first."""

import json
import multiprocessing
import os
import shutil

import cv2
import numpy as np
import pytest

from objwrappers.datasets import kept
from objwrappers.datasets import small_frames as module
from objwrappers.datasets.frames import read_frames
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.small_frames import small_frames

FACTS = {"task": "Pong"}
STARTS = np.eye(4, 2, dtype=bool)


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (4, 2, 25, 20, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    with RecordingWriter(tmp_path / "pong", FACTS) as writer:
        for seed in (0, 1):
            writer.append(pixels(seed), STARTS)
    return tmp_path / "pong"


@pytest.fixture
def decoded(monkeypatch):
    """Counts the shards that are read."""
    count = []
    read = Recording.__getitem__
    monkeypatch.setattr(Recording, "__getitem__", lambda *a: count.append(1) or read(*a))
    return count


def expected(*seeds, size=(10, 8), grey=False):
    frames = np.concatenate([pixels(seed) for seed in seeds]).reshape(-1, 25, 20, 3)
    if grey:
        frames = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames]
    small = [cv2.resize(f, size[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return np.stack(small).reshape(-1, 2, *size, 1 if grey else 3)


def test_a_second_reader_decodes_nothing(folder, decoded):
    for _ in range(3):
        frames = read_frames(folder, (10, 8))
        np.testing.assert_array_equal(frames.frames, expected(0, 1))
        np.testing.assert_array_equal(frames.starts, np.concatenate([STARTS, STARTS]))
        assert len(decoded) == 2
    assert isinstance(small_frames(Recording(folder), 10, 8)[0], np.memmap)
    np.testing.assert_array_equal(read_frames(folder, (10, 8), cache=False).frames, expected(0, 1))
    assert len(decoded) == 4


def test_exact_halves_are_the_rounded_means_of_four(folder):
    with RecordingWriter(folder.parent / "even", FACTS) as writer:
        writer.append(pixels(3)[:, :, :24], STARTS)
    cells = pixels(3)[:, :, :24].reshape(4, 2, 12, 2, 10, 2, 3).astype(int).sum((3, 5))
    np.testing.assert_array_equal(
        read_frames(folder.parent / "even", (12, 10)).frames, (cells + 2) // 4
    )


def test_sizes_and_grey_are_kept_apart(folder):
    for _ in range(2):
        for size in ((10, 8), (8, 10), (5, 5)):
            np.testing.assert_array_equal(
                read_frames(folder, size).frames, expected(0, 1, size=size)
            )
            np.testing.assert_array_equal(
                read_frames(folder, size, grayscale=True).frames,
                expected(0, 1, size=size, grey=True),
            )


def test_a_recording_that_grew_is_decoded_anew(folder, decoded):
    before = read_frames(folder, (10, 8)).frames
    with RecordingWriter(folder, FACTS) as writer:
        writer.append(pixels(2), STARTS)
    np.testing.assert_array_equal(read_frames(folder, (10, 8)).frames, expected(0, 1, 2))
    assert len(decoded) == 5
    np.testing.assert_array_equal(before, expected(0, 1))  # an older mapping keeps its content
    assert len(list(folder.glob(".small-10x8-rgb"))) == 1


def flip_a_bit(cache):
    path = cache / "frames.npy"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


def cut_off(cache):
    path = cache / "frames.npy"
    path.write_bytes(path.read_bytes()[:-100])


def other_starts(cache):
    np.save(cache / "starts.npy", np.zeros((8, 2), bool))


def other_shape(cache):
    frames = np.load(cache / "frames.npy")
    np.save(cache / "frames.npy", frames.reshape(8, 2, 8, 10, 3))


def other_type(cache):
    path = cache / "frames.npy"
    path.write_bytes(path.read_bytes().replace(b"|u1", b"|i1", 1))


def open_bracket(cache):
    """NumPy raises tokenize.TokenError of this header."""
    path = cache / "frames.npy"
    path.write_bytes(path.read_bytes().replace(b"(8, 2, 10, 8, 3)", b"((((((((((((((((", 1))


def half_a_word(cache):
    """NumPy raises SyntaxError of this header."""
    path = cache / "starts.npy"
    path.write_bytes(path.read_bytes().replace(b"False", b"F lse", 1))


def pickles(cache):
    np.save(cache / "frames.npy", np.array([{}]), allow_pickle=True)


def no_json(cache):
    (cache / "digest.json").write_text("[" * 100_000)


def other_json(cache):
    (cache / "digest.json").write_text(json.dumps([1]))


def missing(cache):
    (cache / "starts.npy").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        cut_off,
        other_starts,
        other_shape,
        other_type,
        open_bracket,
        half_a_word,
        pickles,
        no_json,
        other_json,
        missing,
        shutil.rmtree,
    ],
)
def test_a_damaged_cache_is_made_anew(folder, decoded, damage):
    read_frames(folder, (10, 8))
    damage(folder / ".small-10x8-rgb")
    for _ in range(2):
        frames = read_frames(folder, (10, 8))
        np.testing.assert_array_equal(frames.frames, expected(0, 1))
        np.testing.assert_array_equal(frames.starts, np.concatenate([STARTS, STARTS]))
        assert len(decoded) == 4, "once before the damage, once after it"


def test_damaged_shards_are_noticed_although_their_small_frames_are_kept(folder):
    read_frames(folder, (10, 8))
    path = folder / "shard-00001.npz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"shard-00001.npz is damaged or cut off"):
        read_frames(folder, (10, 8))
    path.unlink()
    with pytest.raises(ValueError, match=r"shard-00001.npz is missing"):
        read_frames(folder, (10, 8))


def test_a_damaged_shard_leaves_no_cache(folder):
    path = folder / "shard-00001.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"shard-00001.npz"):
        read_frames(folder, (10, 8))
    assert not list(folder.glob("*small*/")) and not list(folder.glob(".*small*/"))


def test_without_room_on_disk_frames_are_made_in_memory(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    frames, starts = small_frames(Recording(folder), 10, 8)
    np.testing.assert_array_equal(frames, expected(0, 1))
    np.testing.assert_array_equal(starts, np.concatenate([STARTS, STARTS]))


def test_of_a_folder_that_is_read_only_they_are_kept_in_the_users_cache(
    folder, tmp_path, monkeypatch, decoded
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock = kept.FileLock

    def read_only(path, wait):
        if path.parent == folder:
            raise PermissionError(13, "Permission denied")
        return lock(path, wait)

    monkeypatch.setattr(kept, "FileLock", read_only)
    for _ in range(2):
        np.testing.assert_array_equal(read_frames(folder, (10, 8)).frames, expected(0, 1))
    assert len(decoded) == 2
    assert len(list((tmp_path / "cache").rglob("frames.npy"))) == 1


def _read(folder, results):
    count = []
    read = Recording.__getitem__

    def counting(*arguments):
        count.append(1)
        return read(*arguments)

    Recording.__getitem__ = counting  # type: ignore[method-assign]
    frames, _ = small_frames(Recording(folder), 10, 8)
    results.put((len(count), bool((frames == expected(0, 1)).all())))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_of_several_processes_at_once_one_decodes(folder):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_read, args=(folder, results)) for _ in range(4)]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    assert found == [(0, True), (0, True), (0, True), (2, True)]


@pytest.mark.parametrize("cache", [True, False])
def test_pooled_frames_are_the_maximum_of_two_before_they_are_resized(folder, cache):
    recording = Recording(folder)
    frames, starts = small_frames(recording, 10, 8, grayscale=True, cache=cache, pooled=True)
    whole = np.concatenate([pixels(0), pixels(1)])
    for step in range(8):
        for env in range(2):
            newest, before = (
                cv2.cvtColor(whole[at, env], cv2.COLOR_RGB2GRAY) for at in (step, step - 1)
            )
            pooled = newest if starts[step, env] else np.maximum(newest, before)
            small = cv2.resize(pooled, (8, 10), interpolation=cv2.INTER_AREA)
            if step or starts[step, env]:  # the recording's first frame has none before it
                np.testing.assert_array_equal(frames[step, env, :, :, 0], small)
    plain, _ = small_frames(recording, 10, 8, grayscale=True, cache=cache)
    np.testing.assert_array_equal(plain, expected(0, 1, grey=True))
