"""What every id of the package must do, as one class of tests.

A family of ids passes it by a subclass that names one of its ids and the options that make the id
deterministic.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

import objwrappers  # noqa: F401
from objwrappers.registration import family_of, task_of

NUM_ENVS = 2


def rows(observation: Any, index: Any) -> Any:
    if isinstance(observation, dict):
        return {key: value[index] for key, value in observation.items()}
    return observation[index]


def assert_same(actual: Any, expected: Any, tolerance: float = 0.0) -> None:
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            assert_same(actual[key], expected[key], tolerance)
    else:
        assert actual.shape == expected.shape and actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


class EnvConformance:
    """One family of ids.

    Attributes:
        env_id: One of its ids.
        options: That make it deterministic but for its seed.
        short: That end an episode after at most ``episode_steps`` steps.
        variants: Options with which, too, one env equals the vector env.
        episode_steps: See ``short``.
        tolerance: Between one env's observations and rewards and the vector env's: a batch may be
            rounded otherwise.
        bad_actions: That one env must refuse.
    """

    env_id: str
    options: dict[str, Any] = {}
    short: dict[str, Any] = {}
    variants: list[dict[str, Any]] = [{}]
    episode_steps: int = 20
    tolerance: float = 0.0
    bad_actions: list[Any] = [-1, 10_000, 0.5, None, [0, 0]]

    def make_single(self, **options: Any) -> gym.Env:
        return gym.make(self.env_id, disable_env_checker=True, **{**self.options, **options})

    def make_vector(self, num_envs: int = NUM_ENVS, **options: Any) -> Any:
        return gym.make_vec(self.env_id, num_envs=num_envs, **{**self.options, **options})

    def actions(self, env: Any, count: int, seed: int = 0) -> list[Any]:
        space = getattr(env, "single_action_space", env.action_space)
        space.seed(seed)
        return [space.sample() for _ in range(count)]

    def test_it_is_a_row_of_the_table(self) -> None:
        family = family_of(self.env_id)
        assert family is not None and family.id_of(task_of(self.env_id)) == self.env_id
        spec = gym.spec(self.env_id)
        assert (spec.entry_point, spec.vector_entry_point) == (
            family.entry_point,
            family.vector_entry_point,
        )
        assert set(self.options) | set(self.short) <= {*family.options, *family.single_options}

    def test_observations_are_in_the_space(self) -> None:
        single, vector = self.make_single(), self.make_vector()
        assert vector.single_observation_space == single.observation_space
        assert vector.single_action_space == single.action_space
        assert vector.observation_space.shape == (
            None
            if single.observation_space.shape is None
            else (NUM_ENVS, *single.observation_space.shape)
        )
        assert single.observation_space.contains(single.reset(seed=0)[0])
        assert vector.observation_space.contains(vector.reset(seed=0)[0])
        for action in self.actions(single, 5):
            observation, reward, terminated, truncated, info = single.step(action)
            assert single.observation_space.contains(observation)
            assert isinstance(reward, float) and isinstance(info, dict)
            assert isinstance(terminated, bool) and isinstance(truncated, bool)
            both = vector.step(np.array([action] * NUM_ENVS))
            assert vector.observation_space.contains(both[0])
            assert [part.shape for part in both[1:4]] == [(NUM_ENVS,)] * 3
            assert both[1].dtype == np.float64
            assert both[2].dtype == both[3].dtype == bool

    def test_a_seed_repeats_everything(self) -> None:
        env = self.make_vector()
        taken = [np.array([action] * NUM_ENVS) for action in self.actions(env, 12)]
        plays = []
        for _ in range(2):
            plays.append([env.reset(seed=5)[0], *(env.step(action)[0] for action in taken)])
        for first, again in zip(*plays, strict=True):
            assert_same(again, first)

    def test_one_env_equals_the_vector_env_through_the_ends_of_episodes(self) -> None:
        for variant in self.variants:
            options = {**self.short, **variant}
            singles = [self.make_single(**options) for _ in range(NUM_ENVS)]
            vector = self.make_vector(**options)
            both, _ = vector.reset(seed=3)
            for i, env in enumerate(singles):
                assert_same(env.reset(seed=3 + i)[0], rows(both, i), self.tolerance)
            done, ends = [False] * NUM_ENVS, 0
            for action in self.actions(vector, 3 * self.episode_steps):
                both, rewards, terminated, truncated, _ = vector.step(np.array([action] * NUM_ENVS))
                for i, env in enumerate(singles):
                    if done[i]:  # this step of the vector env was a reset
                        observation, done[i] = env.reset()[0], False
                        ends += 1
                    else:
                        observation, reward, over, cut, _ = env.step(action)
                        assert abs(reward - rewards[i]) <= self.tolerance
                        assert (over, cut) == (terminated[i], truncated[i])
                        done[i] = over or cut
                    assert_same(observation, rows(both, i), self.tolerance)
            assert ends >= NUM_ENVS, "episodes are longer than the test says"

    def test_autoreset_is_next_step(self) -> None:
        assert self.make_vector().metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP

    def test_a_partial_reset_is_a_next_step_reset_at_once_and_leaves_the_others_alone(self) -> None:
        plain, partial = self.make_vector(**self.short), self.make_vector(**self.short)
        plain.reset(seed=3)
        partial.reset(seed=3)
        for action in self.actions(plain, 3 * self.episode_steps):
            taken = np.array([action] * NUM_ENVS)
            expected, observation = plain.step(taken), partial.step(taken)
            assert_same(observation[0], expected[0])
            done = expected[2] | expected[3]
            if done.all():
                break
        assert done.all(), "episodes are longer than the test says"
        terminal = observation[0]
        before = rows(terminal, slice(None))
        kept = (
            {k: v.copy() for k, v in before.items()} if isinstance(before, dict) else before.copy()
        )
        first, _ = partial.reset(options={"reset_mask": np.array([True, False])})
        assert_same(rows(first, 1), rows(kept, 1))
        assert_same(terminal, kept)  # what was handed out stays as it was
        assert_same(rows(first, 0), rows(plain.step(taken)[0], 0), self.tolerance)
        both, _ = partial.reset(options={"reset_mask": np.array([False, True])})
        assert_same(rows(both, 0), rows(first, 0))

    def test_an_observation_handed_out_is_the_readers_own(self) -> None:
        vector, other = self.make_vector(), self.make_vector()
        given, _ = vector.reset(seed=1)
        expected, _ = other.reset(seed=1)
        for part in given.values() if isinstance(given, dict) else [given]:
            part[:] = 0
        for action in self.actions(vector, 3):
            taken = np.array([action] * NUM_ENVS)
            given, expected = vector.step(taken)[0], other.step(taken)[0]
            assert_same(given, expected)

    def test_pictures_are_the_readers_own_and_alike_alone_and_among_others(self) -> None:
        single = self.make_single(render_mode="rgb_array")
        vector = self.make_vector(render_mode="rgb_array")
        with pytest.raises(gym.error.ResetNeeded):
            single.render()
        with pytest.raises(gym.error.ResetNeeded):
            vector.render()
        single.reset(seed=1)
        vector.reset(seed=0)
        for action in self.actions(single, 3):
            picture, pictures = single.render(), vector.render()
            assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
            assert len(pictures) == NUM_ENVS
            np.testing.assert_array_equal(pictures[1], picture)
            shown = picture.copy()
            picture[:] = 0
            pictures[1][:] = 0
            np.testing.assert_array_equal(single.render(), shown)
            np.testing.assert_array_equal(vector.render()[1], shown)
            single.step(action)
            vector.step(np.array([action] * NUM_ENVS))

    def test_pictures_change_no_observation(self) -> None:
        plain, shown = self.make_vector(), self.make_vector(render_mode="rgb_array")
        assert_same(shown.reset(seed=2)[0], plain.reset(seed=2)[0], self.tolerance)
        for action in self.actions(plain, 8):
            taken = np.array([action] * NUM_ENVS)
            assert_same(shown.step(taken)[0], plain.step(taken)[0], self.tolerance)

    def test_its_spec_survives_json_and_makes_the_same_env(self) -> None:
        env = self.make_single(**self.short)
        spec = EnvSpec.from_json(env.spec.to_json())
        assert spec == env.spec
        again = gym.make(spec)
        assert_same(again.reset(seed=4)[0], env.reset(seed=4)[0])
        vector = self.make_vector(**self.short)
        assert EnvSpec.from_json(vector.spec.to_json()) == vector.spec

    def test_bad_actions_are_refused_and_change_nothing(self) -> None:
        single, vector, other = self.make_single(), self.make_vector(), self.make_vector()
        single.reset(seed=1)
        vector.reset(seed=0)
        other.reset(seed=0)
        (good,) = self.actions(vector, 1)
        for bad in self.bad_actions:
            with pytest.raises(ValueError, match=r"[Aa]ctions?"):
                single.step(bad)
            with pytest.raises(ValueError, match=r"[Aa]ctions?|inhomogeneous"):
                vector.step([good, bad])
        for count in (1, NUM_ENVS + 1):
            with pytest.raises(ValueError, match="shape"):
                vector.step(np.array([good] * count))
        taken = np.array([good] * NUM_ENVS)
        expected = other.step(taken)[0]
        assert_same(vector.step(taken)[0], expected)
        assert_same(single.step(good)[0], rows(expected, 1), self.tolerance)

    def test_a_step_needs_a_reset(self) -> None:
        single, vector = self.make_single(), self.make_vector()
        (action,) = self.actions(single, 1)
        with pytest.raises(gym.error.ResetNeeded):
            single.step(action)
        with pytest.raises(gym.error.ResetNeeded):
            vector.step(np.array([action] * NUM_ENVS))
        with pytest.raises(gym.error.ResetNeeded):
            vector.reset(options={"reset_mask": np.array([True, False])})

    def test_a_negative_seed_and_an_unknown_option_are_refused(self) -> None:
        for env in (self.make_single(), self.make_vector()):
            with pytest.raises((ValueError, gym.error.Error), match=r"[Ss]eed"):
                env.reset(seed=-1)
        for make in (self.make_single, self.make_vector):
            with pytest.raises(ValueError, match="Unknown option 'nonsense'"):
                make(nonsense=1)
