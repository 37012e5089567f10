"""The reward of imitation from observation: being where a demonstration is, and no other.

* :class:`Imitation`: what is observed and rewarded, of N envs at once
* :class:`ImitationReward`, :class:`VectorImitationReward`: around one env, around a vector env

After Liu, Gupta, Abbeel and Levine, "Imitation from Observation" (2018): a demonstration is
translated into the imitator's context, and each step is rewarded by how near the frame's features
are to the translation's. The env's own reward is in the info alone.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from objwrappers.names import check_name
from objwrappers.rendering.layout import beside, fitted, titled
from objwrappers.resets import reset_mask
from objwrappers.wrappers.base import check_render_mode, merge, pictures_of, select
from objwrappers.wrappers.guides import Guide, Tracking
from objwrappers.wrappers.stacks import FrameStack

__all__ = ["OBSERVED", "Imitation", "ImitationReward", "VectorImitationReward"]

OBSERVED = ("proprio", "features", "pixels")
PANELS = ("demonstration", "prediction", "imitator")

Observation = np.ndarray | dict[str, np.ndarray]


class Imitation:
    """Observations and rewards of N imitators.

    Args:
        guide: Their targets.
        space: Of one env beneath, a dict of ``pixels`` uint8 (3·S, h, w), ``state`` and
            ``proprio``.
        tracking: The reward.
        observe: ``"proprio"``, the joints' positions and velocities; ``"features"``, those of the
            last S frames; ``"pixels"``, the frames themselves.
        task_state: Add the task's own observation, with the coordinates of its targets.
        time: Add the share of the episode that is over.
        target: Add the features to have after the next action, each with mean 0 and deviation 1.

    Attributes:
        single_observation_space: A Box of numbers; with pixels, uint8 (3·S, h, w), or, with
            something added, a dict of ``pixels`` and ``numbers``.

    Raises:
        ValueError: Nothing else than what is named can be observed.
    """

    def __init__(
        self,
        guide: Guide,
        space: gym.spaces.Dict,
        tracking: Tracking | None = None,
        observe: str = "proprio",
        task_state: bool = False,
        time: bool = True,
        target: bool = False,
    ) -> None:
        check_name("observe", observe, OBSERVED)
        self.guide, self.tracking = guide, tracking or Tracking()
        self._observe, self._task_state, self._time, self._target = (
            *(observe, task_state, time),
            target,
        )
        num_envs = len(guide.steps)
        frames = space["pixels"].shape
        assert frames is not None
        feature_dim = guide.feature_dim
        self._stack = FrameStack(frames[0] // 3, num_envs)
        count = int(time) + target * feature_dim
        for key, used in (("proprio", observe == "proprio"), ("state", task_state)):
            count += used * gym.spaces.flatdim(space[key])
        if observe == "features":
            count += self._stack.size * feature_dim
        numbers = gym.spaces.Box(-np.inf, np.inf, (count,), np.float32)
        self.single_observation_space: gym.Space = numbers
        if observe == "pixels":
            parts = {"pixels": space["pixels"], "numbers": numbers}
            self.single_observation_space = gym.spaces.Dict(parts) if count else space["pixels"]

    def begin(self, seen: dict[str, np.ndarray], envs: np.ndarray, chosen: Any) -> Observation:
        """Begins episodes.

        Args:
            seen: Observations of the given envs, (n, ...) each.
            envs: int (n,).
            chosen: int (n,), their demonstrations.
        """
        frames = _newest(seen["pixels"])
        self.guide.begin(envs, np.asarray(chosen, int), frames)
        return self._choose(seen, envs, self.guide.encode(frames), fresh=True)

    def follow(
        self, seen: dict[str, np.ndarray], envs: np.ndarray
    ) -> tuple[Observation, np.ndarray, dict[str, np.ndarray]]:
        """Judges a step of the given envs.

        Returns:
            Observations; rewards, float64 (n,); ``track_cost``, what they are of, and its parts
            ``feature_cost`` and ``image_cost``.
        """
        frames = _newest(seen["pixels"])
        self.guide.follow(envs)
        features = self.guide.encode(frames)
        costs = {"feature_cost": self.guide.feature_cost(envs, features)}
        cost = costs["feature_cost"]
        if self.tracking.image_weight:
            costs["image_cost"] = self.guide.image_cost(envs, frames)
            cost = cost + self.tracking.image_weight * costs["image_cost"]
        rewards = self.tracking.reward(
            cost, self.guide.steps[envs], self.guide.horizon, self.guide.scale
        )
        observation = self._choose(seen, envs, features, fresh=False)
        return observation, rewards, {"track_cost": cost, **costs}

    def draw(self, picture: np.ndarray, env: int) -> np.ndarray:
        """Returns demonstration, prediction and imitator beside each other.

        Args:
            picture: uint8 (H, W, 3), of the imitator.
            env: Its number.
        """
        guide, size = self.guide, picture.shape[:2]
        predicted = guide.predicted(env)[guide.steps[env]]
        pictures = [fitted(frame, *size) for frame in (guide.demonstrated(env), predicted)]
        return beside(
            [titled(one, name) for one, name in zip([*pictures, picture], PANELS, strict=True)]
        )

    def _choose(
        self, seen: dict[str, np.ndarray], envs: np.ndarray, features: np.ndarray, fresh: bool
    ) -> Observation:
        parts = []
        if self._observe == "proprio":
            parts.append(seen["proprio"])
        elif self._observe == "features":
            stack = self._stack.push(
                self.guide.standardised(features), envs, np.full(len(envs), fresh)
            )
            parts.append(stack.reshape(len(envs), -1))
        if self._task_state:
            parts.append(seen["state"])
        if self._time:
            parts.append((self.guide.steps[envs] / self.guide.horizon)[:, None])
        if self._target:
            parts.append(self.guide.standardised(self.guide.next_targets(envs)))
        numbers = np.concatenate(parts, axis=1, dtype=np.float32) if parts else None
        if self._observe != "pixels":
            assert numbers is not None
            return numbers
        pixels = seen["pixels"].copy()
        return pixels if numbers is None else {"pixels": pixels, "numbers": numbers}


def _newest(pixels: np.ndarray) -> np.ndarray:
    """Returns the newest frames of stacks, uint8 (n, h, w, 3)."""
    return np.ascontiguousarray(pixels[:, -3:].transpose(0, 2, 3, 1))


class ImitationReward(gym.Wrapper):
    """One env that rewards being where a demonstration is.

    Infos have ``track_cost`` and its parts, the ``step``, and what the env beneath tells.

    Args:
        env: Its observations are :class:`Imitation`'s ``seen``, and its reset's info names a
            ``demonstration``; :class:`~objwrappers.envs.demonstrated.DemonstratedEpisodes`, say.
        imitation: Made for one env.
        render_mode: ``None`` or ``"rgb_array"``: demonstration, prediction and imitator.

    Raises:
        ValueError: Another render mode.
    """

    _ONE = np.zeros(1, int)

    def __init__(self, env: gym.Env, imitation: Imitation, render_mode: str | None = None) -> None:
        super().__init__(env)
        self.imitation = imitation
        self.observation_space = imitation.single_observation_space
        self._render_mode = check_render_mode(render_mode)
        # An entry point makes the env that the spec, which Gymnasium sets then, is of.
        self._is_made_by_entry_point = env.spec is None

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]
        """Of the id, whose entry point puts this wrapper around what is beneath it."""
        return self.unwrapped.spec if self._is_made_by_entry_point else super().spec

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """``None`` or ``"rgb_array"``."""
        return self._render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the env, and translates its demonstration."""
        seen, info = self.env.reset(seed=seed, options=options)
        batch = {key: value[None] for key, value in seen.items()}
        observation = self.imitation.begin(batch, self._ONE, [info["demonstration"]])
        return select(observation, 0), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Steps the env, and judges it."""
        seen, _, terminated, truncated, info = self.env.step(action)
        batch = {key: value[None] for key, value in seen.items()}
        observation, rewards, costs = self.imitation.follow(batch, self._ONE)
        told = {name: float(cost[0]) for name, cost in costs.items()}
        info = {**info, **told, "step": int(self.imitation.guide.steps[0])}
        return select(observation, 0), float(rewards[0]), terminated, truncated, info

    def render(self) -> Any:
        """Returns uint8 (H, 3·W, 3), or None without a mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make.')
            return None
        picture = pictures_of(self.env)
        if picture is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return self.imitation.draw(picture, 0)


class VectorImitationReward(VectorWrapper):
    """A vector env that does the same, with one batch of frames a step.

    Args:
        env: With next-step autoreset.
        imitation: Made for N envs.
        render_mode: ``None`` or ``"rgb_array"``.

    Raises:
        ValueError: Another render mode.
    """

    def __init__(
        self, env: VectorEnv, imitation: Imitation, render_mode: str | None = None
    ) -> None:
        super().__init__(env)
        self.imitation = imitation
        self.single_observation_space = imitation.single_observation_space
        self.observation_space = batch_space(imitation.single_observation_space, env.num_envs)
        self._render_mode = check_render_mode(render_mode)
        self._done = np.zeros(env.num_envs, bool)
        self._observation: Observation | None = None

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """``None`` or ``"rgb_array"``."""
        return self._render_mode

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names."""
        seen, infos = self.env.reset(seed=seed, options=options)
        mask = reset_mask(options)
        fresh = np.ones(self.num_envs, bool) if mask is None else np.asarray(mask)
        self._done = self._done & ~fresh
        self._begin(seen, infos, fresh)
        return self._observation, infos

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps all envs, and judges those that were not reset instead."""
        seen, _, terminated, truncated, infos = self.env.step(actions)
        fresh, rewards = self._done, np.zeros(self.num_envs)
        (envs,) = np.nonzero(~fresh)
        if len(envs):
            part = {key: value[envs] for key, value in seen.items()}
            observation, rewards[envs], costs = self.imitation.follow(part, envs)
            told = {**costs, "step": self.imitation.guide.steps[envs]}
            for name, values in told.items():
                infos[name] = np.zeros(self.num_envs, values.dtype)
                infos[name][envs] = values
                infos[f"_{name}"] = ~fresh
            self._put(observation, envs)
        self._begin(seen, infos, fresh)
        self._done = terminated | truncated
        return self._observation, rewards, terminated, truncated, infos

    def _begin(self, seen: dict[str, np.ndarray], infos: dict[str, Any], fresh: np.ndarray) -> None:
        (envs,) = np.nonzero(fresh)
        if len(envs):
            part = {key: value[envs] for key, value in seen.items()}
            chosen = np.asarray(infos["demonstration"])[envs]
            self._put(self.imitation.begin(part, envs, chosen), envs)

    def _put(self, observation: Observation, envs: np.ndarray) -> None:
        if len(envs) == self.num_envs:
            self._observation = observation
        else:
            assert self._observation is not None
            self._observation = merge(self._observation, observation, envs)

    def render(self) -> tuple[Any, ...] | None:
        """Returns one uint8 (H, 3·W, 3) picture for each env, or None without a mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make_vec.')
            return None
        pictures = pictures_of(self.env)
        if pictures is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return tuple(self.imitation.draw(picture, i) for i, picture in enumerate(pictures))
