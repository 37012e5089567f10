"""Recordings of before there were digests and arrays."""

import json

import numpy as np
import pytest

from objwrappers.datasets.frames import FrameWriter, read_facts
from objwrappers.datasets.recordings import Recording

STARTS = np.eye(4, 2, dtype=bool)
FACTS = {"task": "Pong", "policy": "random", "seed": 0}


def pixels(seed=0, colours=9, shape=(4, 2, 30, 20)):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    return palette[rng.integers(0, colours, shape)]


@pytest.fixture
def old_folder(tmp_path):
    """As written before there were digests and arrays."""
    index = {"game": "Pong", "policy": "random", "seed": 0, "shards": []}
    (tmp_path / "old").mkdir()
    for seed in (0, 1):
        codes, indices = np.unique(pixels(seed).reshape(-1, 3), axis=0, return_inverse=True)
        indices = indices.astype(np.uint8).reshape(4, 2, 30, 20)
        name = f"shard-{seed:05d}.npz"
        np.savez_compressed(tmp_path / "old" / name, palette=codes, indices=indices, starts=STARTS)
        index["shards"].append({"name": name, "steps": 4, "envs": 2})
    (tmp_path / "old" / "frames.json").write_text(json.dumps(index, indent=1))
    return tmp_path / "old"


def test_old_recordings_are_read_but_do_not_grow(old_folder):
    recording = Recording(old_folder)
    assert (recording.task, recording.num_frames) == ("Pong", 16)
    for seed, block in enumerate(recording):
        np.testing.assert_array_equal(block.frames, pixels(seed))
        np.testing.assert_array_equal(block.starts, STARTS)
        assert block.arrays == {}
    assert read_facts(old_folder)["game"] == "Pong"
    with pytest.raises(ValueError, match="older version and cannot grow"):
        FrameWriter(old_folder, FACTS)
    recording.check_facts(FACTS)
    with pytest.raises(ValueError, match=r"holds other frames.*'noise'"):
        recording.check_facts({**FACTS, "noise": "both"})


def test_the_digest_names_the_content_of_old_ones_too(old_folder):
    before = Recording(old_folder).digest
    path = old_folder / "shard-00000.npz"
    with np.load(path) as old:
        content = {**old, "starts": ~old["starts"]}
    np.savez_compressed(path, **content)
    assert Recording(old_folder).digest != before
