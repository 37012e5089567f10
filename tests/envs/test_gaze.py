"""Frames with predicted gaze: which frames the model sees, what becomes of its prediction."""

import cv2
import gymnasium as gym
import numpy as np
import pytest
import torch
from conformance import EnvConformance

import objwrappers  # noqa: F401
from objwrappers.datasets.atari_head import write_synthetic
from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, synthetic_frame
from objwrappers.envs.atari import make_atari
from objwrappers.envs.gaze_ids import make_gaze, make_gaze_vec
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.wrappers.gaze import LookedAt, peaks

ID = "ObjGaze-MsPacman-v0"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("gaze") / "weights"
    DeconvGaze().save_pretrained(folder)
    return str(folder)


class TestGaze(EnvConformance):
    env_id = ID
    short = {"max_num_frames_per_episode": 60}
    variants = [{}, {"noop_max": 30}]
    tolerance = 1.0  # a rounded grey level: batches are summed in another order

    @pytest.fixture(autouse=True)
    def untrained(self, weights):
        gaze = {"model": "deconv", "weights": weights, "device": "cpu"}
        self.options = {**gaze, "repeat_action_probability": 0.0}


def small(frame):
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("pictures", [False, True])
def test_the_model_sees_every_raw_frame(pictures):
    env = make_atari(
        "Pong", raw_stack=True, pictures=pictures, repeat_action_probability=0.0, noop_max=0
    )
    raw = gym.make(
        "ALE/Pong-v5", frameskip=1, repeat_action_probability=0.0, disable_env_checker=True
    )
    observation, _ = env.reset(seed=3)
    first, _ = raw.reset(seed=3)
    assert observation.shape == (84, 84, 5)
    for k in range(5):
        np.testing.assert_array_equal(observation[..., k], small(first))
    for action in (2, 3, 0, 1):
        observation, *_ = env.step(action)
        frames = [raw.step(action)[0] for _ in range(4)]
        for k, frame in enumerate(frames):
            np.testing.assert_array_equal(observation[..., k], small(frame))
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[-2:]]
        pooled = cv2.resize(np.maximum(*grey), (84, 84), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(observation[..., 4], pooled)


class Spot(DeconvGaze):
    """People look at one cell, and half as often at another."""

    def logits(self, images):
        logits = torch.full((len(images), 84, 84), -30.0)
        logits[:, 20, 60], logits[:, 50, 10] = np.log(2), 0.0
        return logits + 0 * images.sum()


def look(mode):
    transform = LookedAt(Spot(), mode, stack_num=2)
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 84, 84, 5), dtype=np.uint8)
    percepts = transform(frame, np.zeros(1, int), np.ones(1, bool))
    observation = transform.choose(percepts)
    assert transform.single_observation_space.contains(
        observation[0] if mode != "keypoints" else {k: v[0] for k, v in observation.items()}
    )
    return observation, frame[0, ..., 4]


def test_the_gaze_is_a_channel():
    observation, frame = look("channel")
    assert observation.shape == (1, 3, 84, 84)
    np.testing.assert_array_equal(observation[0, :2], [frame, frame])
    gaze = observation[0, 2]
    assert (gaze[20, 60], gaze[50, 10], np.count_nonzero(gaze)) == (255, 128, 2)


def test_a_mask_leaves_a_fifth_of_the_rest():
    observation, frame = look("mask")
    shown = observation[0, 1]
    assert shown[20, 60] == frame[20, 60]
    assert shown[50, 10] == round(0.6 * float(frame[50, 10]))
    others = np.ones((84, 84), bool)
    others[[20, 50], [60, 10]] = False
    np.testing.assert_array_equal(shown[others], (0.2 * frame[others]).round())


def test_what_is_not_looked_at_is_blurred():
    observation, frame = look("foveate")
    blurred = cv2.GaussianBlur(frame, (0, 0), 3.0)
    assert observation[0, 1, 20, 60] == frame[20, 60]
    np.testing.assert_array_equal(observation[0, 1, 70:], blurred[70:])


def test_the_places_looked_at_most_are_keypoints():
    observation, frame = look("keypoints")
    np.testing.assert_array_equal(observation["frames"][0, 1], frame)
    np.testing.assert_allclose(observation["present"][0], [2 / 3, 1 / 3, 0, 0], atol=1e-5)
    expected = [((x + 0.5) / 42 - 1, (y + 0.5) / 42 - 1) for x, y in ((60, 20), (10, 50))]
    np.testing.assert_allclose(observation["keypoints"][0, :2], expected, atol=1e-4)


def test_peaks_keep_their_distance_and_end_where_nothing_is_left():
    density = torch.zeros(1, 84, 84)
    density[0, 10, 10], density[0, 12, 12], density[0, 10, 14] = 0.5, 0.3, 0.2
    places, shares = peaks(density, 3)
    np.testing.assert_allclose(shares[0], [0.8, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(places[0, 1], [14.5 / 42 - 1, 10.5 / 42 - 1], atol=1e-6)
    assert places[0, 2].tolist() == [0, 0]


def test_recorded_play_has_predicted_gaze(tmp_path, weights):
    data = write_synthetic(tmp_path, trials=[SYNTHETIC_TRIALS[1]], frames=30, form="tar")
    seen = []

    class Watching(DeconvGaze):
        def logits(self, images):
            seen.append(images)
            return super().logits(images)

    model = Watching()
    env = gym.make(
        "AtariHead-MsPacman-v0", path=str(data), observe="ObjGaze", model=model, stack_num=1
    )
    env.reset()
    env.step(0)
    for k, number in enumerate((2, 3, 4, 5)):
        expected = small(synthetic_frame(SYNTHETIC_TRIALS[1], number)) / 255
        np.testing.assert_allclose(seen[1][0, k].squeeze(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "chanel"}, "Unknown mode 'chanel'.*'channel'"),
        ({"noise": "both"}, "Unknown option 'noise'"),
        ({"stack_num": 0}, "stack_num must be a positive integer, got 0"),
        ({"model": torch.nn.Linear(2, 2)}, "needs a GazeModule"),
    ],
)
@pytest.mark.parametrize("make", [make_gaze, make_gaze_vec])
def test_bad_input_is_named(weights, make, options, message):
    gaze = {"model": "deconv", "weights": weights, "device": "cpu"}
    with pytest.raises(ValueError, match=message):
        make("MsPacman", **{**gaze, **options})


def test_raw_frames_have_no_bars():
    with pytest.raises(ValueError, match="noise='both': bars"):
        make_atari("Pong", raw_stack=True, noise="both")
