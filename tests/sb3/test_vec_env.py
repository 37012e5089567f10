"""GymVecEnv against SB3's DummyVecEnv of single envs: two paths to the same answer."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecMonitor

import objwrappers  # noqa: F401
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.sb3 import GymVecEnv
from objwrappers.wrappers.base import VectorTransformFrames

NUM_ENVS = 3


@pytest.fixture(scope="module")
def model() -> MotionKeypoints:
    torch.manual_seed(0)
    return MotionKeypoints(num_keypoints=3, width=8).eval().requires_grad_(False)


def pair(env_id: str, **kwargs: Any) -> tuple[GymVecEnv, DummyVecEnv]:
    kwargs["repeat_action_probability"] = 0.0
    vector = GymVecEnv(gym.make_vec(env_id, num_envs=NUM_ENVS, **kwargs))
    return vector, DummyVecEnv([lambda: gym.make(env_id, **kwargs)] * NUM_ENVS)


def assert_same(actual: Any, expected: Any, tolerance: float) -> None:
    if isinstance(expected, dict):
        assert set(actual) == set(expected)
        for key in expected:
            assert_same(actual[key], expected[key], tolerance)
    else:
        assert actual.shape == expected.shape and actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def assert_same_play(
    actual: VecEnv, expected: VecEnv, steps: int, tolerance: float = 0
) -> dict[str, int]:
    """Plays both with the same actions and counts how episodes ended."""
    assert actual.observation_space == expected.observation_space
    assert actual.action_space == expected.action_space
    actual.seed(7), expected.seed(7)
    assert_same(actual.reset(), expected.reset(), tolerance)
    rng = np.random.default_rng(0)
    ends = {"terminated": 0, "truncated": 0}
    for _ in range(steps):
        actions = rng.integers(0, actual.action_space.n, NUM_ENVS)
        (obs, rewards, dones, infos), want = actual.step(actions), expected.step(actions)
        assert_same(obs, want[0], tolerance)
        assert_same(rewards, want[1], 0)
        assert_same(dones, want[2], 0)
        for done, info, want_info in zip(dones, infos, want[3], strict=True):
            assert info["TimeLimit.truncated"] is bool(want_info["TimeLimit.truncated"])
            assert ("terminal_observation" in info) == done
            assert info.get("lives") == want_info.get("lives")
            if done:
                ends["truncated" if info["TimeLimit.truncated"] else "terminated"] += 1
                assert_same(
                    info["terminal_observation"], want_info["terminal_observation"], tolerance
                )
    return ends


@pytest.mark.parametrize(("limit", "how"), [(108_000, "terminated"), (240, "truncated")])
def test_frames_equal_single_envs(limit: int, how: str) -> None:
    ends = assert_same_play(*pair("ObjFrames-Breakout-v0", max_num_frames_per_episode=limit), 250)
    assert ends[how] >= NUM_ENVS


def test_keypoints_and_their_stacks_equal_single_envs(model: MotionKeypoints) -> None:
    # The stack rewrites terminal observations: they must have memory of their own.
    actual, expected = (
        VecFrameStack(VecMonitor(env), 4)
        for env in pair("ObjKeypoints-Breakout-v0", model=model, max_num_frames_per_episode=400)
    )
    assert actual.observation_space["keypoints"].shape == (3, 8)
    assert actual.observation_space["features"].shape == (3, 32)
    ends = assert_same_play(actual, expected, 210, 1e-5)
    assert ends["truncated"] >= 2


def test_gymnasiums_sync_vector_env_equals_single_envs() -> None:
    makers = [lambda: gym.make("CartPole-v1", max_episode_steps=20)] * NUM_ENVS
    ends = assert_same_play(GymVecEnv(SyncVectorEnv(makers)), DummyVecEnv(makers), 100)
    assert ends["terminated"] > 0 and ends["truncated"] > 0


def test_the_others_go_on_while_one_env_is_reset() -> None:
    env, _ = pair("ObjFrames-Breakout-v0")
    env.reset()
    numbers = []
    for _ in range(250):
        _, _, dones, infos = env.step(np.array([1, 2, 3]))
        numbers.append([info["episode_frame_number"] for info in infos])
        if dones.any():
            break
    assert dones.any() and not dones.all()
    _, _, _, infos = env.step(np.array([1, 2, 3]))
    for done, info, before in zip(dones, infos, numbers[-1], strict=True):
        assert info["episode_frame_number"] == (4 if done else before + 4)
        assert "terminal_observation" not in info
    assert env.reset_infos[int(dones.argmax())]["lives"] == 5


@pytest.mark.parametrize("seed", [0, np.int64(3), np.uint32(4), 2**32 - 1])
def test_seeds(seed: Any) -> None:
    env = GymVecEnv(gym.make_vec("ObjFrames-Pong-v0", num_envs=2, noop_max=30))
    actions = np.array([2, 2])

    def play() -> list[np.ndarray]:
        assert env.seed(seed) == [int(seed), int(seed) + 1]
        return [env.reset(), *(env.step(actions)[0] for _ in range(40))]

    first, second = play(), play()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    # Without a new seed the sequence of sticky actions and no-ops goes on.
    again = [env.reset(), *(env.step(actions)[0] for _ in range(40))]
    assert any((a != b).any() for a, b in zip(first, again, strict=True))


class Recorder(VectorEnv):
    """Remembers how it was reset; env i gives its number of steps times (i + 1)."""

    def __init__(self, num_envs: int = 2, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = gym.spaces.Box(0, 1e6, (1,), np.float32)
        self.single_action_space = gym.spaces.Box(-1, 1, (2,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.resets: list[tuple[Any, Any]] = []
        self.difficulty = 1
        self.closed_times = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        self.resets.append((seed, options))
        return np.zeros((self.num_envs, 1), np.float32), {}

    def step(self, actions: np.ndarray) -> Any:
        no = np.zeros(self.num_envs, bool)
        infos = {
            "power": actions[:, 0],
            "bonus": np.array([5, 0]),
            "_bonus": np.array([True, False]),
            "nested": {"depth": np.array([1, 2]), "_depth": np.array([False, True])},
            "words": ["a", "b"],
            "shared": "all",
        }
        rewards = np.ones(self.num_envs, np.int32)
        return np.zeros((self.num_envs, 1), np.float32), rewards, no, no, infos

    def action_masks(self, offset: int = 0) -> list[int]:
        return [offset + i for i in range(self.num_envs)]

    def close(self, **kwargs: Any) -> None:
        self.closed_times += 1


class Wrapped(VectorWrapper):
    """A wrapper that does nothing."""


def test_options_and_seed_reach_the_vector_env_once() -> None:
    inner = Recorder()
    env = GymVecEnv(inner)
    env.seed(5)
    env.set_options({"level": 2})
    env.reset()
    env.reset()
    assert inner.resets == [(5, {"level": 2}), (None, None)]
    env.set_options([{"level": 1}, {"level": 2}])
    with pytest.raises(ValueError, match="same options"):
        env.reset()


def test_infos_are_split_by_their_masks() -> None:
    env = GymVecEnv(Recorder())
    env.reset()
    _, rewards, _, infos = env.step(np.array([[0.5, 0], [-0.5, 0]], np.float32))
    assert rewards.dtype == np.float32
    common = {"shared": "all", "TimeLimit.truncated": False}
    assert infos == [
        {"power": 0.5, "bonus": 5, "nested": {}, "words": "a", **common},
        {"power": -0.5, "nested": {"depth": 2}, "words": "b", **common},
    ]


def test_attributes_and_methods_of_the_vector_env() -> None:
    inner = Recorder()
    env = GymVecEnv(Wrapped(inner))
    assert env.get_attr("difficulty") == [1, 1] and env.get_attr("difficulty", 1) == [1]
    env.set_attr("difficulty", 3)
    assert inner.difficulty == 3
    with pytest.raises(ValueError, match="share the attribute 'difficulty'"):
        env.set_attr("difficulty", 4, indices=[0])
    assert env.env_method("action_masks", 10) == [10, 11]
    assert env.env_method("action_masks", offset=10, indices=1) == [11]
    for access in (env.get_attr, env.env_method, lambda name: env.set_attr(name, 0)):
        with pytest.raises(AttributeError, match="nonsense"):
            access("nonsense")
    assert env.has_attr("difficulty") and not env.has_attr("nonsense")
    assert env.env_is_wrapped(Wrapped) == [True, True]
    assert env.env_is_wrapped(VectorTransformFrames, indices=[0]) == [False]
    env.close()
    assert inner.closed_times == 1


def test_attributes_of_gymnasiums_single_envs() -> None:
    env = GymVecEnv(SyncVectorEnv([lambda: gym.make("CartPole-v1")] * 2))
    assert env.get_attr("gravity", [1]) == [9.8]
    env.set_attr("gravity", 1.6)
    assert env.get_attr("gravity") == [1.6, 1.6]
    assert env.env_is_wrapped(gym.wrappers.TimeLimit) == [True, True]
    assert env.env_is_wrapped(gym.wrappers.ClipReward) == [False, False]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([0.0, 1.0, 2.0]), "integers, got float64"),
        (np.array([0, 1]), r"shape \(3,\), got \(2,\)"),
        (np.array([0, 1, 4]), r"must be in Discrete\(4\), got \[0 1 4\]"),
        (np.array([0, -1, 1]), r"must be in Discrete\(4\)"),
    ],
)
def test_bad_actions(actions: np.ndarray, message: str) -> None:
    env, _ = pair("ObjFrames-Breakout-v0")
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(actions)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_integer_actions_of_any_width(dtype: type) -> None:
    env, _ = pair("ObjFrames-Breakout-v0")
    env.reset()
    observation, *_ = env.step(np.array([0, 1, 2], dtype))
    assert observation.shape == (3, 4, 84, 84)


def test_same_step_autoreset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"next-step or disabled autoreset, got .*SAME_STEP"):
        GymVecEnv(Recorder(mode=AutoresetMode.SAME_STEP))


def test_pictures() -> None:
    env = GymVecEnv(gym.make_vec("ObjFrames-Pong-v0", num_envs=2, render_mode="rgb_array"))
    env.reset()
    images = env.get_images()
    assert [image.shape for image in images] == [(210, 160, 3)] * 2
    np.testing.assert_array_equal(env.render(), np.concatenate(images))
    blind, _ = pair("ObjFrames-Pong-v0")
    blind.reset()
    with pytest.warns(UserWarning, match='render_mode="rgb_array"'):
        assert blind.get_images() == [None] * NUM_ENVS
