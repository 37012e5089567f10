"""A trial on disk: the same as its steps, made once, gone on with, by one writer."""

import shutil
import warnings

import cv2
import numpy as np
import pytest

from objwrappers.datasets.atari_head import (
    HumanRecording,
    Step,
    human_recording,
    range_split,
    read_trials,
    write_synthetic,
)
from objwrappers.datasets.atari_head import recording as module
from objwrappers.datasets.atari_head.synthetic import SyntheticTrial
from objwrappers.datasets.recordings import Recording, RecordingWriter


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(module, "_STEPS_PER_SHARD", 16)


@pytest.fixture
def trial(synthetic):
    return read_trials(synthetic["zip"])[3]


def test_a_recording_is_its_trial(small_shards, trial, tmp_path):
    made = human_recording(trial, tmp_path / "made")
    steps = [*trial.steps()]
    assert len(made) == 39 and made.recording.shard_steps == [16, 16, 7]
    assert (made.task, made.name) == ("MsPacman", trial.name)
    frames = np.stack([step.frame for step in steps])
    np.testing.assert_array_equal(made.frames(), frames)
    np.testing.assert_array_equal(np.stack([*made]), frames)
    for part in (slice(14, 35), slice(-2, None), slice(0, 1), slice(16, 32), slice(8, 8)):
        np.testing.assert_array_equal(made.frames(part.start, part.stop), frames[part])
    for t, step in enumerate(steps):
        assert made.numbers[t] == step.number
        for column, value, null in (
            (made.actions, step.action, -1),
            (made.episodes, step.episode_id, -1),
            (made.scores, step.score, np.nan),
            (made.durations, step.duration, np.nan),
            (made.rewards, step.reward, np.nan),
        ):
            np.testing.assert_equal(column[t], null if value is None else value)
        np.testing.assert_array_equal(made.gaze_of(t), step.gaze)
    types = [column.dtype for column in (made.numbers, made.episodes, made.actions, made.gaze)]
    assert types == [np.int32, np.int32, np.int16, np.float32]
    assert {made.scores.dtype, made.durations.dtype, made.rewards.dtype} == {np.dtype(np.float32)}
    assert made.gaze_offsets.dtype == np.int64 and made.gaze_offsets[-1] == len(made.gaze)
    assert np.isnan(made.rewards).any() and (made.actions == -1).any()
    # The second episode begins at frame 21.
    assert np.flatnonzero(made.starts).tolist() == [0, 20]
    arrays = made.recording[1].arrays
    np.testing.assert_array_equal(arrays["action"][:, 0], made.actions[16:32])


def test_small_frames_are_luma_by_area(trial, tmp_path):
    made = human_recording(trial, tmp_path / "made")
    small = made.small_frames
    assert small.dtype == np.uint8 and small.shape == (39, 84, 84) and isinstance(small, np.memmap)
    for frame, expected in zip(small, made, strict=True):
        grey = cv2.cvtColor(expected, cv2.COLOR_RGB2GRAY)
        np.testing.assert_array_equal(
            frame, cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)
        )


def test_it_is_made_once_and_needs_no_dataset_any_more(synthetic, tmp_path, monkeypatch):
    shutil.copytree(synthetic["tar"], tmp_path / "data")
    trial = read_trials(tmp_path / "data")[0]
    made = human_recording(trial)
    monkeypatch.setattr(module, "_record", None)
    assert human_recording(trial).folder == made.folder
    small = np.array(made.small_frames)
    shutil.rmtree(tmp_path / "data")
    for again in (HumanRecording(made.folder), human_recording(made.folder)):
        np.testing.assert_array_equal(again.actions, made.actions)
        np.testing.assert_array_equal(again.small_frames, small)
    assert (made.episodes == -1).all() and np.isnan(made.scores).all()  # an early trial


def test_an_interrupted_one_goes_on(small_shards, trial, tmp_path, monkeypatch):
    whole = human_recording(trial, tmp_path / "whole")
    append = RecordingWriter.append

    def full_disk(writer, *block):
        if len(writer.digests) == 2:
            raise OSError("no space left")
        append(writer, *block)

    monkeypatch.setattr(RecordingWriter, "append", full_disk)
    with pytest.raises(OSError, match="no space left"):
        human_recording(trial, tmp_path / "cut")
    with pytest.raises(ValueError, match="not finished"):
        HumanRecording(tmp_path / "cut")
    first = tmp_path / "cut" / "shard-00000.npz"
    written = first.stat().st_mtime_ns
    monkeypatch.setattr(RecordingWriter, "append", append)
    made = human_recording(trial, tmp_path / "cut")
    assert made.recording.digest == whole.recording.digest and first.stat().st_mtime_ns == written
    np.testing.assert_array_equal(made.gaze, whole.gaze)


def test_damaged_columns_are_made_anew(trial, tmp_path):
    made = human_recording(trial, tmp_path / "made")
    gaze, path = np.array(made.gaze), made.folder / ".human-play" / "gaze.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or not finished"):
        HumanRecording(made.folder)
    np.testing.assert_array_equal(human_recording(trial, made.folder).gaze, gaze)


def test_a_folder_has_one_trial_and_one_writer(synthetic, trial, tmp_path):
    human_recording(trial, tmp_path / "made")
    with pytest.raises(ValueError, match="holds other frames"):
        human_recording(read_trials(synthetic["zip"])[0], tmp_path / "made")
    with RecordingWriter(tmp_path / "busy", {"task": "MsPacman"}):
        with pytest.raises(BlockingIOError, match="is being recorded"):
            human_recording(trial, tmp_path / "busy")


def test_gaps_begin_anew_and_are_told(tmp_path):
    write_synthetic(tmp_path, "alien", (SyntheticTrial(7),), 20, "folder")
    folder = tmp_path / "alien" / SyntheticTrial(7).name
    (folder / "RZ_1000007_5.png").unlink()
    (folder / "RZ_1000007_15.png").write_bytes(b"broken")
    with pytest.warns(UserWarning, match="rows without a frame: 1 \\(5\\)"):
        made = human_recording(tmp_path, tmp_path / "made")
    assert made.numbers.tolist() == [n for n in range(1, 20) if n not in (5, 15)]
    assert made.numbers[made.starts].tolist() == [1, 6, 11, 16]
    assert range_split(made.numbers, {"a": (4, 7)}) == {"a": range(3, 6)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(human_recording(tmp_path, tmp_path / "made")) == 17


def test_starts_look_past_unknown_episodes():
    episodes = [None, 0, None, 1, None, None, 1, 2]
    numbers = [1, 2, 3, 4, 5, 7, 8, 9]
    starts = module._Starts()
    frame, gaze = np.zeros(0, np.uint8), np.zeros((0, 2), np.float32)
    found = [
        starts(Step(frame, number, episode, None, None, None, None, gaze))
        for number, episode in zip(numbers, episodes, strict=True)
    ]
    assert found == [True, False, False, True, False, True, False, True]


def test_what_cannot_be_recorded(synthetic, tmp_path):
    with pytest.raises(ValueError, match=r"There are 4 trials in .* read_trials\(path\)\[i\]"):
        human_recording(synthetic["zip"])
    write_synthetic(tmp_path, "alien", (SyntheticTrial(7),), 1, "folder")
    with pytest.raises(ValueError, match="Nothing of this trial can be used"):
        human_recording(tmp_path, tmp_path / "made")
    with RecordingWriter(tmp_path / "agent", {"task": "Pong"}) as writer:
        writer.append(np.zeros((2, 1, 210, 160, 3), np.uint8), np.zeros((2, 1), np.bool_))
    with pytest.raises(ValueError, match="is no recording of human play"):
        human_recording(tmp_path / "agent")
    assert Recording(tmp_path / "agent").num_steps == 2


@pytest.mark.slow
def test_the_real_trial(real_data, tmp_path):
    made = human_recording(real_data, tmp_path / "made")
    assert len(made) == 11_500 and made.task == "MsPacman"
    assert made.small_frames.shape == (11_500, 84, 84)
    assert np.flatnonzero(made.starts).tolist() == [0]
    assert np.bincount(made.actions + 1).tolist() == [1220, 0, 0, 2296, 2425, 3352, 2207]
    assert len(made.gaze) == 30_840 and np.isnan(made.rewards).all()
    parts = range_split(made.numbers)
    assert [len(part) for part in parts.values()] == [9_000, 1_000, 1_500]
    # The last row: 3,40.77,43.33,40.76,43.36,40.71,43.27
    expected = np.array([[40.77, 43.33], [40.76, 43.36], [40.71, 43.27]], np.float32)
    np.testing.assert_array_equal(made.gaze_of(11_499), expected)
