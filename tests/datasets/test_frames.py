import json

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers.datasets.frames import FramePairs, Frames, FrameWriter, SingleFrames, read_frames

FACTS = {"game": "Pong", "policy": "random", "seed": 0}


def native_frames(steps=4, envs=2, seed=0, colours=100):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    return palette[rng.integers(0, colours, (steps, envs, 210, 160))]


def resized(native, size=84):
    flat = native.reshape(-1, *native.shape[2:])
    small = [cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in flat]
    return torch.from_numpy(np.stack(small))


@pytest.fixture
def folder(tmp_path):
    writer = FrameWriter(tmp_path, FACTS)
    for seed in (0, 1):
        writer.append(native_frames(seed=seed), np.eye(4, 2, dtype=bool))
    return tmp_path


def test_frames_come_back_exactly_but_for_the_resize(folder):
    frames = read_frames(folder)
    assert frames.frames.shape == (8, 2, 84, 84, 3)
    assert frames.starts.tolist() == 2 * np.eye(4, 2, dtype=bool).tolist()
    native = np.concatenate([native_frames(seed=0), native_frames(seed=1)])
    assert torch.equal(frames.frames.flatten(0, 1), resized(native))


def test_recording_continues_and_refuses_another_game(folder):
    writer = FrameWriter(folder, FACTS)
    assert writer.num_frames == 16
    writer.append(native_frames(), np.zeros((4, 2), bool))
    assert read_frames(folder).frames.shape[0] == 12
    with pytest.raises(ValueError, match=r"holds other frames.*'game': 'Pong'.*MsPacman"):
        FrameWriter(folder, {**FACTS, "game": "MsPacman"})


@pytest.mark.parametrize("colours, codec", [(100, "palette"), (300, "palette"), (2**24, "rows")])
def test_many_colours_are_kept(tmp_path, colours, codec):
    # Max-pooling makes hundreds in Battle Zone; no palette holds those of random pixels.
    native = native_frames(colours=colours)
    FrameWriter(tmp_path, FACTS).append(native, np.zeros((4, 2), bool))
    with np.load(tmp_path / "shard-00000.npz") as arrays:
        assert json.loads(arrays["header"].tobytes())["codec"] == codec
    assert torch.equal(read_frames(tmp_path).frames.flatten(0, 1), resized(native))


def test_no_frames_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python zoo/collect.py --game"):
        read_frames(tmp_path)


def test_a_missing_shard_is_named(folder):
    (folder / "shard-00001.npz").unlink()
    with pytest.raises(ValueError, match=r"shard-00001.npz is missing"):
        read_frames(folder)


def test_a_cut_off_shard_is_named(folder):
    path = folder / "shard-00001.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"shard-00001.npz is damaged or cut off"):
        read_frames(folder)


def test_a_full_disk_leaves_what_was_recorded(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        FrameWriter(folder, FACTS).append(native_frames(), np.zeros((4, 2), bool))
    assert read_frames(folder).frames.shape[0] == 8
    visible = sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
    assert visible == ["frames.json", "shard-00000.npz", "shard-00001.npz"]
    assert not list(folder.glob(".shard*"))


def test_a_shard_never_runs_code(folder):
    class Bomb:
        def __reduce__(self):
            return (open, (str(folder / "exploded"), "w"))

    np.savez(folder / "shard-00000.npz", palette=np.array([Bomb()], object))
    with pytest.raises(ValueError, match=r"shard-00000.npz is damaged"):
        read_frames(folder)
    assert not (folder / "exploded").exists()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.floats(0, 1), noise=st.binary(min_size=1, max_size=40))
def test_damaged_shards_give_a_value_error_or_the_same_frames(folder, position, noise):
    path = folder / "shard-00000.npz"
    whole, whole_frames = path.read_bytes(), read_frames(folder).frames
    start = int(position * len(whole))
    path.write_bytes(whole[:start] + noise + whole[start + len(noise) :])
    try:
        frames = read_frames(folder, cache=False)
        assert torch.equal(frames.frames, whole_frames)
    except ValueError as error:
        assert "shard-00000.npz" in str(error)
    finally:
        path.write_bytes(whole)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["shards", "name", "steps", "envs"]), children, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(index=json_values)
def test_any_index_gives_a_clear_error(tmp_path, index):
    (tmp_path / "frames.json").write_text(json.dumps(index))
    with pytest.raises((ValueError, FileNotFoundError), match=str(tmp_path)):
        read_frames(tmp_path)


def test_an_index_cannot_point_outside_its_folder(folder):
    index = json.loads((folder / "frames.json").read_text())
    index["shards"][0]["name"] = "../shard-00000.npz"
    (folder / "frames.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="damaged"):
        read_frames(folder)


def numbered(starts):
    """Frames whose first channel is their step and whose second is their env."""
    starts = torch.tensor(starts, dtype=torch.bool)
    steps, envs = (torch.arange(count, dtype=torch.uint8) for count in starts.shape)
    channels = torch.stack(torch.broadcast_tensors(steps[:, None], envs, torch.tensor(0)), -1)
    return Frames(channels[:, :, None, None].byte().expand(*starts.shape, 2, 2, 3), starts)


def test_runs_do_not_cross_episodes():
    frames = numbered([[1], [0], [0], [1], [0], [0], [0]])
    assert frames.runs(1)[:, 0].tolist() == [1, 2, 4, 5, 6]
    assert frames.runs(2)[:, 0].tolist() == [2, 5, 6]
    assert frames.runs(1, 1)[:, 0].tolist() == [1, 4, 5]
    with pytest.raises(ValueError, match="No recorded episode lasts 5 steps"):
        frames.runs(4)
    apart = numbered([[1], [1], [1]])
    assert len(apart.runs(0)) == 3
    for needs_two in (lambda: apart.runs(1), lambda: FramePairs(apart, 2)):
        with pytest.raises(ValueError, match="2 frames in succession are needed, but all are ind"):
            needs_two()


def test_split_keeps_the_order():
    training, validation = numbered([[0]] * 1000).split(0.1)
    assert (len(training.frames), len(validation.frames)) == (900, 100)
    training, validation = numbered([[0]] * 10).split(0.1)
    assert (len(training.frames), len(validation.frames)) == (5, 5)


def test_pairs_stay_in_an_episode_and_repeat_by_step():
    starts = np.zeros((40, 2), bool)
    starts[[0, 15, 30], 0] = True
    starts[[0, 7], 1] = True
    pairs = FramePairs(numbered(starts), batch_size=500, seed=1, max_gap=10)
    batch = pairs[3]
    source, target = (batch[key][:, 0, 0, 0].long() for key in ("source", "target"))
    gaps = target - source
    assert gaps.min() == 1
    assert gaps.max() == 10
    envs = batch["target"][:, 0, 0, 1]
    assert torch.equal(batch["source"][:, 0, 0, 1], envs)
    assert envs.unique().tolist() == [0, 1]
    # The last start at or before each step, counted by hand: env 0, env 1.
    borders = torch.tensor([[0, 15, 30], [0, 7, 7]])[envs.long()]
    first_of_source, first_of_target = (
        torch.where(borders <= step[:, None], borders, 0).amax(1) for step in (source, target)
    )
    assert torch.equal(first_of_source, first_of_target)
    again = FramePairs(numbered(starts), batch_size=500, seed=1, max_gap=10)[3]
    assert torch.equal(batch["target"], again["target"])
    assert not torch.equal(batch["target"], pairs[4]["target"])
    other_rank = FramePairs(numbered(starts), batch_size=500, seed=1, max_gap=10, rank=1)[3]
    assert not torch.equal(batch["target"], other_rank["target"])


def test_single_frames_repeat_and_cover_the_recording():
    pixels = torch.arange(30, dtype=torch.uint8).view(10, 3, 1, 1, 1).expand(10, 3, 4, 4, 3)
    frames = Frames(pixels, torch.zeros(10, 3, dtype=torch.bool))
    batches = SingleFrames(frames, batch_size=16, seed=1)
    assert torch.equal(batches[4]["frames"], SingleFrames(frames, 16, seed=1)[4]["clean"])
    assert not torch.equal(
        batches[4]["frames"], SingleFrames(frames, 16, seed=1, rank=1)[4]["frames"]
    )
    drawn = torch.cat([batches[i]["frames"][:, 0, 0, 0] for i in range(20)])
    assert drawn.unique().tolist() == list(range(30))
