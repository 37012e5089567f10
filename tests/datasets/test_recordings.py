"""Recordings on disk: what is written comes back, and what was tampered with does not."""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from objwrappers.datasets import shards
from objwrappers.datasets.frames import read_facts
from objwrappers.datasets.recordings import Recording, RecordingWriter

FACTS = {"task": "Pong", "policy": "random", "seed": 0}
STARTS = np.eye(4, 2, dtype=bool)
FUNCTION_SCOPED = [HealthCheck.function_scoped_fixture]


def pixels(seed=0, colours=9, shape=(4, 2, 30, 20)):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    return palette[rng.integers(0, colours, shape)]


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "action": rng.integers(0, 6, (4, 2)),
        "ram": rng.integers(0, 256, (4, 2, 128), np.uint8),
        "reward": rng.normal(size=(4, 2)).astype(np.float32),
        "state": rng.normal(size=(4, 2, 3, 2)),
        "context": rng.integers(0, 2, (4, 2, 1)).astype(bool),
    }


@pytest.fixture
def folder(tmp_path):
    with RecordingWriter(tmp_path / "pong", FACTS) as writer:
        for seed in (0, 1):
            writer.append(pixels(seed), STARTS, arrays(seed))
    return tmp_path / "pong"


def same(block, seed):
    np.testing.assert_array_equal(block.frames, pixels(seed))
    np.testing.assert_array_equal(block.starts, STARTS)
    assert block.arrays.keys() == arrays().keys()
    for name, expected in arrays(seed).items():
        np.testing.assert_array_equal(block.arrays[name], expected)
        assert block.arrays[name].dtype == expected.dtype
    return True


def test_frames_and_arrays_come_back_exactly(folder):
    recording = Recording(folder)
    assert (recording.task, recording.num_steps, recording.num_envs) == ("Pong", 8, 2)
    assert (recording.num_frames, len(recording)) == (16, 2)
    assert recording.facts == FACTS
    assert all(same(block, seed) for seed, block in enumerate(recording))
    assert same(recording[1], 1)
    assert recording.num_bytes == sum(path.stat().st_size for path in folder.glob("*.npz"))


@settings(max_examples=40, deadline=None)
@given(
    frames=hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 4, st.just(3))),
    kind=st.sampled_from(["?", "u1", "<i2", ">i4", "<u8", "<f4", ">f8", "<f2"]),
    extra=st.lists(st.integers(0, 3), max_size=2),
    data=st.data(),
)
def test_any_block_comes_back_exactly(frames, kind, extra, data):
    shape = (*frames.shape[:2], *extra)
    numbers = data.draw(hnp.arrays(np.dtype(kind), shape))
    starts = data.draw(hnp.arrays(np.bool_, frames.shape[:2]))
    with tempfile.TemporaryDirectory() as folder:
        with RecordingWriter(folder, FACTS) as writer:
            writer.append(frames, starts, {"numbers": numbers})
        (block,) = Recording(folder)
    np.testing.assert_array_equal(block.frames, frames)
    np.testing.assert_array_equal(block.starts, starts)
    np.testing.assert_array_equal(block.arrays["numbers"], numbers)
    assert block.arrays["numbers"].dtype == np.dtype(kind).newbyteorder("<")


def test_photographs_are_recorded_without_loss(tmp_path):
    photos = pixels(colours=2**20, shape=(4, 2, 150, 100))
    with RecordingWriter(tmp_path, FACTS) as writer:
        writer.append(photos, STARTS)
        writer.append(pixels(colours=5, shape=(4, 2, 150, 100)), STARTS)
    codecs = []
    for path in sorted(tmp_path.glob("*.npz")):
        with np.load(path) as members:
            codecs.append(json.loads(members["header"].tobytes())["codec"])
    assert codecs == ["rows", "palette"]
    np.testing.assert_array_equal(Recording(tmp_path)[0].frames, photos)


@pytest.mark.parametrize(
    "changed",
    [
        {"action": np.zeros((4, 2), np.int32)},
        {"reward": np.zeros((4, 2, 1), np.float32)},
        {"more": np.zeros((4, 2))},
    ],
)
def test_every_block_has_the_arrays_of_the_first(folder, changed):
    with RecordingWriter(folder, FACTS) as writer:
        with pytest.raises(ValueError, match=f"holds .*'{next(iter(changed))}'"):
            writer.append(pixels(), STARTS, {**arrays(), **changed})
        writer.append(pixels(), STARTS, arrays())
    assert Recording(folder).num_frames == 24


def test_what_cannot_be_recorded_is_refused(tmp_path):
    with RecordingWriter(tmp_path, FACTS) as writer:
        for frames, starts, more, message in (
            (pixels().astype(np.float32), STARTS, {}, "must be uint8"),
            (pixels()[..., :1], STARTS, {}, r"\(t, N, H, W, 3\)"),
            (pixels(), STARTS[:3], {}, "starts must be bool"),
            (pixels(), STARTS, {"a/b": np.zeros((4, 2))}, "got 'a/b'"),
            (pixels(), STARTS, {"a": np.zeros((4, 3))}, "a must hold numbers"),
            (pixels(), STARTS, {"a": np.full((4, 2), None)}, "a must hold numbers"),
            (pixels(), STARTS, {"a": np.full((4, 2), 1j)}, "a must hold numbers"),
        ):
            with pytest.raises(ValueError, match=message):
                writer.append(frames, starts, more)
    assert not list(tmp_path.glob("*.npz"))
    with pytest.raises(ValueError, match="name its task"):
        RecordingWriter(tmp_path, {"policy": "random"})
    with pytest.raises(ValueError, match="'shards' is no name"):
        RecordingWriter(tmp_path, {"task": "Pong", "shards": 3})


def test_a_second_writer_is_refused_until_the_first_is_done(folder):
    command = (
        "import sys; from objwrappers.datasets.recordings import RecordingWriter;"
        f"RecordingWriter({str(folder)!r}, {FACTS!r})"
    )

    def other_process():
        result = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
        return result.returncode, result.stderr

    writer = RecordingWriter(folder, FACTS)
    code, error = other_process()
    assert code == 1 and f"{folder} is being recorded by another process" in error
    with pytest.raises(BlockingIOError, match="being recorded"):
        RecordingWriter(folder, FACTS)
    writer.close()
    assert other_process() == (0, "")
    with pytest.raises(ValueError, match="is closed"):
        writer.append(pixels(), STARTS, arrays())


def test_what_a_killed_writer_left_unfinished_is_removed(folder):
    (folder / ".shard-00002.npz.abcdefgh").write_bytes(b"half a shard")
    (folder / ".frames.json.abcdefgh").write_bytes(b"{")
    (folder / "shard-00002.npz").write_bytes(b"a shard that no index names")
    with RecordingWriter(folder, FACTS) as writer:
        writer.append(pixels(2), STARTS, arrays(2))
    assert same(Recording(folder)[2], 2)
    assert not list(folder.glob(".shard*")) and not list(folder.glob(".frames*"))


def test_a_shard_of_another_recording_is_refused(folder, tmp_path):
    for name, facts, seed, message in (
        ("other-play", FACTS, 7, "of another recording"),
        ("other-game", {**FACTS, "task": "Breakout"}, 1, "of 'Breakout'"),
    ):
        with RecordingWriter(tmp_path / name, facts) as writer:
            writer.append(pixels(seed), STARTS, arrays(seed))
        theirs = (tmp_path / name / "shard-00000.npz").read_bytes()
        (folder / "shard-00001.npz").write_bytes(theirs)
        assert same(Recording(folder)[0], 0)
        with pytest.raises(ValueError, match=f"shard-00001.npz.*{message}"):
            Recording(folder)[1]


def test_shards_that_changed_places_are_refused(folder):
    first, second = (folder / f"shard-0000{i}.npz" for i in (0, 1))
    content = first.read_bytes(), second.read_bytes()
    second.write_bytes(content[0])
    first.write_bytes(content[1])
    with pytest.raises(ValueError, match=r"shard-00000.npz.*another recording"):
        Recording(folder)[0]


def rewritten(path, **changes):
    """Replaces members of a shard; a valid archive again, with the old header."""
    with np.load(path) as there:
        members = {**dict(there), **changes}
    with path.open("wb") as file:
        np.savez_compressed(file, **members)


def test_a_changed_shard_is_refused(folder):
    path = folder / "shard-00000.npz"
    changed = arrays()["reward"].copy()
    changed[2, 1] += 1
    rewritten(path, **{"arrays/reward": changed})
    with pytest.raises(ValueError, match=r"shard-00000.npz.*was changed"):
        Recording(folder)[0]


def test_a_shard_that_unpacks_to_too_much_is_not_unpacked(folder, monkeypatch):
    unpacked = sum(array.nbytes for array in (pixels(), STARTS, *arrays().values()))
    monkeypatch.setattr(shards, "MAX_BLOCK_BYTES", unpacked + 2000)  # and the arrays' headers
    assert same(Recording(folder)[0], 0)
    path = folder / "shard-00000.npz"
    rewritten(path, ballast=np.zeros(20_000, np.uint8))
    with pytest.raises(ValueError, match=r"shard-00000.npz.*unpacks to"):
        Recording(folder)[0]
    with RecordingWriter(folder, FACTS) as writer:
        with pytest.raises(ValueError, match="record fewer steps"):
            writer.append(pixels(shape=(8, 2, 30, 20)), np.zeros((8, 2), bool), {})


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(folder):
    path = folder / "shard-00000.npz"
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("starts.npy").file_size
    # The archive's own list of contents and the array's head both understate it.
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(bomb, "w", 8) as archive:
        for entry in source.infolist():
            data = source.read(entry)
            archive.writestr(entry.filename, data + bytes(10**7 * (entry.filename[0] == "s")))
    changed = bomb.getvalue().replace(
        (size + 10**7).to_bytes(4, "little"), size.to_bytes(4, "little")
    )
    assert changed != bomb.getvalue()
    path.write_bytes(changed)
    with pytest.raises(ValueError, match=r"shard-00000.npz"):
        Recording(folder)[0]


def test_an_array_that_claims_to_be_huge_is_not_allocated(folder):
    path = folder / "shard-00000.npz"
    huge = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (2**50, 2**10)}
    np.lib.format.write_array_header_1_0(huge, header)
    whole = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(path, "w") as archive:
        for entry in source.infolist():
            data = huge.getvalue() if entry.filename == "starts.npy" else source.read(entry)
            archive.writestr(entry.filename, data)
    with pytest.raises(ValueError, match=r"starts.npy is too short"):
        Recording(folder)[0]


@settings(max_examples=80, deadline=None, suppress_health_check=FUNCTION_SCOPED)
@given(position=st.floats(0, 1), noise=st.binary(min_size=1, max_size=60), cut=st.booleans())
def test_a_damaged_shard_gives_a_value_error_or_the_same_content(folder, position, noise, cut):
    path = folder / "shard-00000.npz"
    whole = path.read_bytes()
    start = int(position * len(whole))
    path.write_bytes(whole[:start] + noise + (b"" if cut else whole[start + len(noise) :]))
    try:
        same(Recording(folder)[0], 0)
    except ValueError as error:
        assert "shard-00000.npz" in str(error)
    finally:
        path.write_bytes(whole)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=FUNCTION_SCOPED)
@given(data=st.data(), value=json_values)
def test_a_changed_index_gives_a_clear_error_or_the_same_content(folder, data, value):
    path = folder / "frames.json"
    whole = path.read_text()
    index = json.loads(whole)
    where = data.draw(st.sampled_from([index, index["shards"][0], index["arrays"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = value
    path.write_text(json.dumps(index))
    try:
        recording = Recording(folder)
        assert len(recording.digest) == 64
        for seed, block in enumerate(recording):
            same(block, seed)
    except ValueError as error:
        assert str(folder) in str(error)
    finally:
        path.write_text(whole)


def test_json_nested_deep_and_what_is_no_file_are_clear_errors(folder):
    (folder / "frames.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"frames.json is damaged"):
        Recording(folder)
    (folder / "frames.json").unlink()
    (folder / "frames.json").mkdir()
    with pytest.raises(FileNotFoundError, match="No frames in"):
        Recording(folder)


def test_the_digest_names_the_content(folder, tmp_path):
    before = Recording(folder).digest
    with RecordingWriter(tmp_path / "again", {**FACTS, "seed": 5}) as writer:
        for seed in (0, 1):
            writer.append(pixels(seed), STARTS, arrays(seed))
    assert Recording(tmp_path / "again").digest == before
    with RecordingWriter(folder, FACTS) as writer:
        writer.append(pixels(2), STARTS, arrays(2))
    assert Recording(folder).digest != before


def test_facts_name_the_game_under_its_older_name_too(folder):
    facts = read_facts(Path(folder))
    assert (facts["task"], facts["game"], len(facts["shards"])) == ("Pong", "Pong", 2)
