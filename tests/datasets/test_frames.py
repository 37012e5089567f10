import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers.datasets.frames import FramePairs, Frames, FrameWriter, SingleFrames, read_frames
from objwrappers.perception.layers import AreaResize

FACTS = {"game": "Pong", "policy": "random", "seed": 0}


def native_frames(steps=4, envs=2, seed=0, colours=100):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    return palette[rng.integers(0, colours, (steps, envs, 210, 160))]


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
    native = torch.from_numpy(np.concatenate([native_frames(seed=0), native_frames(seed=1)]))
    small = (AreaResize(84)(native.flatten(0, 1)) * 255).round().to(torch.uint8)
    assert torch.equal(frames.frames.flatten(0, 1), small.permute(0, 2, 3, 1))


def test_recording_continues_and_refuses_another_game(folder):
    writer = FrameWriter(folder, FACTS)
    assert writer.num_frames == 16
    writer.append(native_frames(), np.zeros((4, 2), bool))
    assert read_frames(folder).frames.shape[0] == 12
    with pytest.raises(ValueError, match=r"holds other frames.*'game': 'Pong'.*MsPacman"):
        FrameWriter(folder, {**FACTS, "game": "MsPacman"})


def test_many_colours_are_kept_and_too_many_refused(tmp_path):
    native = native_frames(colours=300)  # as in Battle Zone, of which max-pooling makes hundreds
    FrameWriter(tmp_path / "many", FACTS).append(native, np.zeros((4, 2), bool))
    small = AreaResize(84)(torch.from_numpy(native).flatten(0, 1)) * 255
    expected = small.round().to(torch.uint8).permute(0, 2, 3, 1)
    assert torch.equal(read_frames(tmp_path / "many").frames.flatten(0, 1), expected)
    with pytest.raises(ValueError, match="colours in one block"):
        too_many = native_frames(colours=200_000)
        FrameWriter(tmp_path / "all", FACTS).append(too_many, np.zeros((4, 2), bool))


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
    assert len(list(folder.iterdir())) == 3


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
def test_damaged_shards_give_a_value_error_or_valid_frames(folder, position, noise):
    path = folder / "shard-00000.npz"
    whole = path.read_bytes()
    start = int(position * len(whole))
    path.write_bytes(whole[:start] + noise + whole[start + len(noise) :])
    try:
        frames = read_frames(folder)
        assert frames.frames.shape == (8, 2, 84, 84, 3)
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
    """Frames whose value is their step."""
    starts = torch.tensor(starts, dtype=torch.bool)
    steps = torch.arange(len(starts), dtype=torch.uint8)
    return Frames(steps[:, None, None, None, None].expand(*starts.shape, 2, 2, 3), starts)


def test_runs_do_not_cross_episodes():
    frames = numbered([[1], [0], [0], [1], [0], [0], [0]])
    assert frames.runs(1)[:, 0].tolist() == [1, 2, 4, 5, 6]
    assert frames.runs(2)[:, 0].tolist() == [2, 5, 6]
    assert frames.runs(1, 1)[:, 0].tolist() == [1, 4, 5]
    with pytest.raises(ValueError, match="No recorded episode lasts 5 steps"):
        frames.runs(4)


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
    borders = torch.tensor([0, 7, 15, 30, 40])
    # No pair straddles a border of both envs: 7 cuts one env, 15 and 30 the other.
    assert not ((source < 7) & (target >= 15)).any()
    assert borders[0] <= source.min()
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
