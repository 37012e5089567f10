"""However often a recording was interrupted or grew, it is the one that was made at once."""

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.truth import labels_of
from objwrappers.envs.atari import make_atari_vec
from objwrappers.pretraining import play as module
from objwrappers.pretraining.collect import (
    AgentPlay,
    collect,
    frames_folder,
    next_call,
    next_command,
)

RECORDER = Path(__file__).with_name("recorder.py")
FRAMES_PER_SHARD = 256  # of two envs


def load_recorder():
    spec = importlib.util.spec_from_file_location("recorder", RECORDER)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


record = load_recorder().record


def content(folder):
    """Every file but the lock, bit for bit."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".writing"}


@pytest.mark.parametrize("policy", ["random", "agent"])
def test_a_killed_recording_goes_on_as_if_nothing_had_happened(tmp_path, policy):
    record(policy, tmp_path / "whole", 6 * FRAMES_PER_SHARD)
    folder = tmp_path / "killed"
    command = [sys.executable, RECORDER, policy, folder, 1000 * FRAMES_PER_SHARD]
    process = subprocess.Popen([*map(str, command)], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        give_up = time.monotonic() + 60
        while not (folder / "shard-00002.npz").exists():
            assert process.poll() is None and time.monotonic() < give_up
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    recorded = len(Recording(folder))
    assert 2 <= recorded < 6
    record(policy, folder, 6 * FRAMES_PER_SHARD)
    assert content(folder) == content(tmp_path / "whole")
    assert len(content(folder)) == 7


@pytest.mark.parametrize("policy", ["random", "agent"])
def test_a_recording_that_grows_equals_one_made_at_once(tmp_path, policy):
    for count in (1, FRAMES_PER_SHARD + 1, 3 * FRAMES_PER_SHARD):
        record(policy, tmp_path / "grown", count, noise="both")
    record(policy, tmp_path / "whole", 3 * FRAMES_PER_SHARD, noise="both")
    assert content(tmp_path / "grown") == content(tmp_path / "whole")
    recording = Recording(tmp_path / "whole")
    assert recording.num_frames == 3 * FRAMES_PER_SHARD
    assert recording.facts["noise"] == "both"
    steps = np.concatenate([block.frames for block in recording])[:, 0]
    assert len(np.unique(steps.reshape(len(steps), -1), axis=0)) > 200, "nothing repeats itself"


def test_the_recorded_actions_give_the_recorded_frames_and_rewards(tmp_path):
    recording = collect("Breakout", tmp_path, 1024, seed=3, num_envs=2)
    blocks = list(recording)
    frames = np.concatenate([block.frames for block in blocks])
    starts = np.concatenate([block.starts for block in blocks])
    actions, rewards = (
        np.concatenate([block.arrays[name] for block in blocks]) for name in ("action", "reward")
    )
    env = make_atari_vec("Breakout", 2)
    frame, _ = env.reset(seed=int(np.random.default_rng((3, 0)).integers(2**30)))
    done, starting = np.zeros(2, bool), np.ones(2, bool)
    for t in range(len(frames)):
        np.testing.assert_array_equal(frame, frames[t])
        np.testing.assert_array_equal(starts[t], starting)
        frame, reward, terminated, truncated, _ = env.step(actions[t])
        np.testing.assert_array_equal(reward, rewards[t])
        starting, done = done, terminated | truncated
    assert starts.sum() > 2 and rewards.sum() > 0 and rewards.dtype == np.float32


def test_an_agents_recording_starts_where_its_episodes_do(tmp_path):
    recording = record("agent", tmp_path / "a", FRAMES_PER_SHARD)
    starts = recording[0].starts
    # 400 raw frames an episode, four a step: the last frame is seen by nobody.
    assert np.flatnonzero(starts[:, 0]).tolist() == [0, 100]
    assert set(recording[0].arrays) == {"action", "reward"}


def test_the_facts_name_the_agent_and_its_run(tmp_path):
    facts = record("agent", tmp_path / "a", 1).facts
    assert facts == {
        "task": "Breakout",
        "policy": "remembering on ObjFrames-Breakout-v0",
        "seed": 1,
        "agent": {
            "algo": "remembering",
            "env": "ObjFrames-Breakout-v0",
            "run": "Breakout_1",
            "digest": hashlib.sha256(b"weights").hexdigest(),
        },
    }
    assert collect("Pong", tmp_path / "p", 1, num_envs=1).facts == {
        "task": "Pong",
        "policy": "random",
        "seed": 1,
    }


def test_another_policy_seed_game_or_noise_is_refused(tmp_path):
    record("random", tmp_path / "a", FRAMES_PER_SHARD)
    before = content(tmp_path / "a")
    more = 2 * FRAMES_PER_SHARD
    for options, message in (
        ({"seed": 2}, "holds other frames.*'seed': 1"),
        ({"noise": "both"}, "holds other frames.*'noise': 'both'"),
        ({"num_envs": 4}, "holds frames of 2 envs side by side, got those of 4"),
    ):
        with pytest.raises(ValueError, match=message):
            collect("Breakout", tmp_path / "a", more, **{"num_envs": 2, **options})
    with pytest.raises(ValueError, match=r"holds other frames.*'game': 'Breakout'"):
        collect("Pong", tmp_path / "a", more, num_envs=2)
    with pytest.raises(ValueError, match=r"holds other frames.*agent"):
        record("agent", tmp_path / "a", more)
    assert content(tmp_path / "a") == before


def test_an_agent_that_plays_otherwise_than_it_did_is_refused(tmp_path, monkeypatch):
    record("random", tmp_path / "a", FRAMES_PER_SHARD)
    before = content(tmp_path / "a")
    newer = module.make_atari_vec

    def another_emulator(game, num_envs, **options):
        return newer(game, num_envs, **options, repeat_action_probability=0.5)

    monkeypatch.setattr(module, "make_atari_vec", another_emulator)
    with pytest.raises(ValueError, match="cannot go on: shard 0 is not what this seed and policy"):
        record("random", tmp_path / "a", 2 * FRAMES_PER_SHARD)
    assert content(tmp_path / "a") == before


def test_a_recording_in_progress_is_left_alone(tmp_path):
    recording = record("random", tmp_path / "a", FRAMES_PER_SHARD)
    with RecordingWriter(tmp_path / "a", recording.facts):
        with pytest.raises(BlockingIOError, match="being recorded by another process"):
            record("random", tmp_path / "a", 2 * FRAMES_PER_SHARD)
        # There is enough already: nobody needs to write.
        assert record("random", tmp_path / "a", 10).digests == recording.digests


def test_old_recordings_are_used_as_they_are(tmp_path):
    blank = np.zeros((2, 1, 4, 4), np.uint8)
    np.savez(
        tmp_path / "shard-00000.npz",
        palette=np.zeros((1, 3), np.uint8),
        indices=blank,
        starts=np.zeros((2, 1), bool),
    )
    shards = [{"name": "shard-00000.npz", "steps": 2, "envs": 1}]
    index = {"game": "Pong", "policy": "random", "seed": 1, "shards": shards}
    (tmp_path / "frames.json").write_text(json.dumps(index))
    assert collect("Pong", tmp_path, 2).num_frames == 2
    with pytest.raises(ValueError, match="older version and cannot grow"):
        collect("Pong", tmp_path, 3)


def test_other_iterators_can_be_played(tmp_path):
    def play(num_envs, seed, noise):
        frame = np.full((num_envs, 4, 4, 3), seed, np.uint8)
        return iter([(frame + t, np.array([t == 0]), {"t": np.array([t])}) for t in range(200)])

    recording = collect("Pong", tmp_path, 100, num_envs=1, seed=9, agent=AgentPlay("p", {}, play))
    assert recording[0].frames[:, 0, 0, 0, 0].tolist() == list(range(9, 137))
    assert recording[0].arrays["t"][:, 0].tolist() == list(range(128))


def test_what_to_run_next_names_the_folder_that_pretraining_does_not_know(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clean = collect("ms_pacman", num_frames=1, num_envs=1)
    noisy = collect("ms_pacman", num_frames=1, num_envs=1, noise="both")
    elsewhere = collect("MsPacman", tmp_path / "my frames", 1, num_envs=1)
    assert (
        clean.folder == frames_folder("MsPacman") == tmp_path / "cache/objwrappers/frames/MsPacman"
    )
    assert noisy.folder == frames_folder("MsPacman", "both")
    assert next_call(clean) == {"game": "MsPacman"}
    assert next_call(noisy) == {"game": "MsPacman", "frames_folder": noisy.folder}
    assert next_command(clean) == "python zoo/pretrain.py --model motion --game MsPacman"
    assert next_command(noisy, "permakey") == (
        f"python zoo/pretrain.py --model permakey --game MsPacman --frames-folder {noisy.folder}"
    )
    assert next_command(elsewhere).endswith(f"--frames-folder '{tmp_path}/my frames'")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"game": "Pongg"}, "Unknown game 'Pongg'. Did you mean 'Pong'"),
        ({"noise": "all"}, "Unknown noise 'all'"),
        ({"num_frames": 0}, "must be at least 1, got 0 and 8"),
        ({"num_envs": -1}, "must be at least 1, got 12000 and -1"),
        ({"seed": -1}, "seed must not be negative, got -1"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_made(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        collect(**{"game": "Pong", "folder": tmp_path / "new", **options})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("policy", ["random", "agent"])
def test_truth_is_what_the_frames_show(tmp_path, policy):
    record(policy, tmp_path / "truth", 1, truth=True)
    # It grows with its truth, whether that is asked for or not.
    recording = record(policy, tmp_path / "truth", 2 * FRAMES_PER_SHARD)
    labels = labels_of(recording)
    assert set(recording[0].arrays) > {"action", "reward", "boxes", "label", "present", "relevant"}
    for block in recording:
        paddle = block.arrays["present"] & (block.arrays["label"] == labels.index("paddle"))
        assert (paddle.sum(-1) == 1).all()
        boxes = block.arrays["boxes"][paddle].reshape(-1, 4)
        settled = block.arrays["relevant"].any(-1).reshape(-1)
        assert settled.mean() > 0.8
        # The frame is red where the paddle's middle is said to be, and black far from it.
        frames = block.frames.reshape(-1, 210, 160, 3)[settled]
        middle = (boxes[settled, 0] + 1) * 80
        shown = frames[np.arange(len(frames)), 190, middle.astype(int)]
        assert (shown == (200, 72, 72)).all()
        beyond = (middle + np.where(middle < 80, 40, -40)).astype(int)
        assert (frames[np.arange(len(frames)), 190, beyond] == 0).all(-1).mean() > 0.9


def test_single_envs_with_truth_play_as_the_vector_env_does(tmp_path, monkeypatch):
    # Sticky actions are drawn from other seeds by ALE's vector env.
    for name in ("make_atari", "make_atari_vec"):
        maker = partial(getattr(module, name), repeat_action_probability=0.0)
        monkeypatch.setattr(module, name, maker)
    plain, recording = (
        record("random", tmp_path / str(truth), 3 * FRAMES_PER_SHARD, truth=truth)
        for truth in (False, True)
    )
    for block, there in zip(recording, plain, strict=True):
        np.testing.assert_array_equal(block.frames, there.frames)
        np.testing.assert_array_equal(block.starts, there.starts)
        for name, array in there.arrays.items():
            np.testing.assert_array_equal(block.arrays[name], array)


def test_a_recording_without_truth_gets_none_later(tmp_path):
    record("random", tmp_path, 1)
    with pytest.raises(ValueError, match="holds other frames"):
        record("random", tmp_path, 1, truth=True)


def test_truth_goes_on_as_if_nothing_had_happened(tmp_path):
    record("random", tmp_path / "whole", 3 * FRAMES_PER_SHARD, truth=True)
    for count in (1, 3 * FRAMES_PER_SHARD):
        record("random", tmp_path / "grown", count, truth=True)
    assert content(tmp_path / "grown") == content(tmp_path / "whole")


@pytest.mark.slow
def test_independent_frames_are_thinned_and_start_for_themselves(tmp_path):
    options = {"num_envs": 2, "iid": 0.25, "truth": True}
    for count in (1, 2 * FRAMES_PER_SHARD):
        recording = collect("Breakout", tmp_path / "iid", count, **options)
    assert content(tmp_path / "iid") == content(
        collect("Breakout", tmp_path / "whole", 2 * FRAMES_PER_SHARD, **options).folder
    )
    assert all(block.starts.all() for block in recording)
    every = collect("Breakout", tmp_path / "all", 8 * FRAMES_PER_SHARD, num_envs=2, truth=True)
    for env in range(2):
        kept = np.concatenate([block.frames[:, env] for block in recording])
        played = np.concatenate([block.frames[:, env] for block in every])
        boxes = np.concatenate([block.arrays["boxes"][:, env] for block in every])
        where = {frame.tobytes(): i for i, frame in enumerate(played)}
        inside = [where[frame.tobytes()] for frame in kept if frame.tobytes() in where]
        assert len(inside) > 180 and len(set(inside)) > 150
        kept_boxes = np.concatenate([block.arrays["boxes"][:, env] for block in recording])
        np.testing.assert_array_equal(kept_boxes[: len(inside)][0], boxes[inside[0]])
    with pytest.raises(ValueError, match="iid is a probability, above 0 and at most 1, got 0"):
        collect("Breakout", tmp_path / "no", 1, iid=0)


def test_splits_have_folders_and_games_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = {
        split: collect("Pong", None, 1, num_envs=1, split=split)
        for split in ("train", "validation", "test")
    }
    names = [recording.folder.name for recording in made.values()]
    assert names == ["Pong", "Pong-validation", "Pong-test"]
    assert len({recording.digest for recording in made.values()}) == 3
    assert frames_folder("Pong", "both", "test", 0.1).name == "Pong-both-test-iid"
    with pytest.raises(ValueError, match=r"Unknown split 'testing'\. Did you mean 'test'"):
        collect("Pong", tmp_path / "no", 1, split="testing")
    with pytest.raises(ValueError, match="Objects of Carnival are not known"):
        collect("Carnival", tmp_path / "no", 1, truth=True)
    assert not (tmp_path / "no").exists()
