"""Recorded play against the env that streams it: the same observations on the same frames."""

import numpy as np
import pytest
import torch
from scenes import named_blobs
from stable_baselines3.common.vec_env import VecFrameStack

import objwrappers  # noqa: F401
from objwrappers.agents.demonstrations import demonstrations, split_frames
from objwrappers.agents.envs import make_env
from objwrappers.datasets.atari_head import human_recording, read_trials, write_synthetic
from objwrappers.datasets.atari_head.synthetic import SyntheticTrial
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.perception.motion_keypoints import MotionKeypoints

FRAMES = 40
TRIALS = (SyntheticTrial(202, "JAW"), SyntheticTrial(137))  # the second one is for validation


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_synthetic(tmp_path_factory.mktemp("head"), trials=TRIALS, frames=FRAMES)


@pytest.fixture(scope="module")
def recordings(folder, tmp_path_factory):
    places = tmp_path_factory.mktemp("recordings")
    trials = sorted(read_trials(folder), key=lambda trial: -trial.trial_id)
    return [human_recording(trial, places / trial.name) for trial in trials]


def streamed(folder, observe, first, frame_stack=None, **options):
    """Frame number → observation and action of an agent that begins on frame ``first``."""
    options = {"path": str(folder), "trials": [202], "observe": observe, **options}
    wrappers = () if frame_stack is None else ((lambda env: VecFrameStack(env, frame_stack)),)
    env = make_env("AtariHead-MsPacman-v0", 1, options, wrappers=wrappers)
    env.unwrapped.set_options({"trial": 202, "frame": first})
    observation, info = env.reset(), env.unwrapped.reset_infos[0]
    found = {}
    while True:
        seen = (
            {key: value[0].copy() for key, value in observation.items()}
            if isinstance(observation, dict)
            else observation[0].copy()
        )
        found[info["frame_number"]] = seen, info.get("human_action", -1)
        observation, _, dones, infos = env.step(np.zeros(1, int))
        info = infos[0]
        if dones[0]:
            env.close()
            return found


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize("options", [{}, {"padding_type": "zero", "stack_num": 3}])
def test_pixels_are_those_that_an_agent_sees(folder, recordings, first, options):
    """From the first frame of all, and from one between: that agent saw nothing before."""
    data = demonstrations(recordings[0], "ObjFrames-MsPacman-v0", options)
    expected = streamed(folder, "ObjFrames", first, **options)
    assert len(expected) >= 4
    stack = options.get("stack_num", 4)
    for number, (pixels, action) in expected.items():
        step = int(np.flatnonzero(recordings[0].numbers == number)[0])
        assert data.actions[step] == action
        if first == 1 or number - 4 * (stack - 1) > first:
            found = data.batch(np.array([step]))["observations"][0].numpy()
            np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("frame_stack", [None, 2])
def test_keypoints_are_those_that_an_agent_sees(folder, recordings, tmp_path, frame_stack):
    torch.manual_seed(0)
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(tmp_path / "weights")
    options = {"weights": str(tmp_path / "weights"), "device": "cpu"}
    data = demonstrations(recordings[0], "ObjKeypoints-MsPacman-v0", options, frame_stack)
    expected = streamed(folder, "ObjKeypoints", 1, frame_stack, **options)
    for number, (percepts, _) in expected.items():
        step = int(np.flatnonzero(recordings[0].numbers == number)[0])
        found = data.batch(np.array([step]))["observations"]
        assert found.keys() == percepts.keys()
        for key, value in percepts.items():
            np.testing.assert_allclose(found[key][0].numpy(), value, atol=1e-5)


def test_tracked_scenes_are_those_that_an_agent_sees(folder, recordings):
    """Each of the four ways to act once in four frames has tracks of its own."""
    options = {"model": named_blobs(threshold=0.9)}
    data = demonstrations(recordings[0], "ObjScene-MsPacman-v0", options)
    fastest = 0.0
    for number, (percepts, _) in streamed(folder, "ObjScene", 1, **options).items():
        step = int(np.flatnonzero(recordings[0].numbers == number)[0])
        found = data.batch(np.array([step]))["observations"]
        assert found.keys() == percepts.keys()
        for key, value in percepts.items():
            np.testing.assert_allclose(found[key][0].float().numpy(), value, atol=1e-5)
        fastest = max(fastest, np.abs(percepts["velocity"]).max())
    assert fastest > 0.1  # the square's 4 pixels a frame are 0.2 of the screen's half a step


@pytest.mark.parametrize("mode", ["channel", "keypoints"])
def test_foretold_gaze_is_that_of_all_raw_frames(folder, recordings, tmp_path, mode):
    torch.manual_seed(0)
    DeconvGaze().save_pretrained(tmp_path / "weights")
    weights = str(tmp_path / "weights")
    options = {"model": "deconv", "weights": weights, "device": "cpu", "mode": mode}
    data = demonstrations(recordings[0], "ObjGaze-MsPacman-v0", options)
    expected = streamed(folder, "ObjGaze", 1, **options)
    for number, (percepts, _) in expected.items():
        step = int(np.flatnonzero(recordings[0].numbers == number)[0])
        found = data.batch(np.array([step]))["observations"]
        if mode == "channel":
            assert found.shape == (1, 5, 84, 84) and found.dtype == torch.uint8
            np.testing.assert_array_equal(found[0, :4], percepts[:4])
            # Sums of single precision may round to the next level.
            np.testing.assert_allclose(found[0, 4].float(), percepts[4].astype(float), atol=1)
        else:
            assert found.keys() == percepts.keys()
            np.testing.assert_allclose(found["keypoints"][0], percepts["keypoints"], atol=1e-4)
    with pytest.raises(ValueError, match=r"no frame_stack \(2\)"):
        demonstrations(recordings[0], "ObjGaze-MsPacman-v0", {**options, "mode": "mask"}, 2)


def test_what_was_done_before_is_known_within_an_episode_alone(recordings):
    recording = recordings[0]
    data = demonstrations(recording, "ObjFrames-MsPacman-v0", {"full_action_space": True})
    np.testing.assert_array_equal(data.actions, recording.actions)
    starts = np.flatnonzero(recording.starts)
    assert len(starts) == 2
    assert (data.previous[starts] == -1).all()
    for start in starts:
        np.testing.assert_array_equal(data.earlier[start : start + 4], [-1] * 4)
    inside = np.flatnonzero(~recording.starts)
    np.testing.assert_array_equal(data.previous[inside], data.actions[inside - 1])
    second = starts[1]
    np.testing.assert_array_equal(data.earlier[second + 4 :], data.actions[second : len(data) - 4])
    np.testing.assert_array_equal(
        data.begins[second : second + 9], second + np.array([0, 1, 2, 3, 0, 1, 2, 3, 0])
    )


def test_confounded_frames_show_what_was_done_on_the_frame_before(recordings):
    options = {"confounded": True}
    data = demonstrations(recordings[0], "ObjFrames-MsPacman-v0", options)
    plain = demonstrations(recordings[0], "ObjFrames-MsPacman-v0", {})
    ours, theirs = data.observations[""], plain.observations[""]
    np.testing.assert_array_equal(ours[:, 0, 4:], theirs[:, 0, 4:])
    for step in range(len(data)):
        expected = np.zeros((4, 84), np.uint8)
        if data.previous[step] >= 0:
            expected[:, 9 * data.previous[step] :][:, :9] = 255
        np.testing.assert_array_equal(ours[step, 0, :4], expected)
    assert (data.previous >= 0).sum() > 30


def test_parts_share_no_frame_and_leave_out_what_reaches_into_another(recordings):
    parts, split = split_frames(recordings, "auto", 3)
    assert split == "official"
    assert [len(own) for own in parts["test"]] == [0, 39]
    assert parts["train"][0].tolist() == [*range(35)] and not len(parts["train"][1])
    assert parts["validation"][0].tolist() == [38]
    parts, split = split_frames(recordings[:1], "auto", 2)
    assert split == "tail"
    assert [parts[name][0].tolist() for name in ("train", "validation", "test")] == [
        [*range(31)],
        [33, 34],
        [37, 38],
    ]


@pytest.mark.parametrize(
    ("split", "chosen", "message"),
    [
        ("ofcial", slice(None), "Unknown split 'ofcial'. Did you mean 'official'"),
        ("official", slice(1), "'official' leaves no frames of 202.* for test"),
        ("ranges", slice(None), "of one trial, got 2"),
        ("ranges", slice(1), "no frame from 9001 to 10000"),
    ],
)
def test_splits_that_leave_a_part_empty_are_refused(recordings, split, chosen, message):
    with pytest.raises(ValueError, match=message):
        split_frames(recordings[chosen], split)


@pytest.mark.parametrize(
    ("options", "frame_stack", "message"),
    [
        ({"noise": "both"}, None, "People saw no bars: noise='none', got 'both'"),
        ({"grayscale": False}, None, "grayscale=True, got False"),
        ({}, 4, "give stack_num"),
        ({"stack_nm": 2}, None, "Unknown option 'stack_nm'"),
    ],
)
def test_options_that_a_recording_cannot_follow_are_refused(
    recordings, options, frame_stack, message
):
    with pytest.raises(ValueError, match=message):
        demonstrations(recordings[0], "ObjFrames-MsPacman-v0", options, frame_stack)
