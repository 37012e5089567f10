"""One transform of frame batches, two wrappers around it: a single env and a vector env.

* :class:`FrameTransform`: frames of n envs → observations of n envs
* :class:`TransformFrames`: applies it to one env (n = 1)
* :class:`VectorTransformFrames`: applies it to all envs of a vector env at once
* :class:`FrameStack`: the last frames of each env
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

__all__ = ["FrameStack", "FrameTransform", "TransformFrames", "VectorTransformFrames"]

Observation = np.ndarray | dict[str, np.ndarray]
PADDINGS = ("reset", "zero")


class FrameTransform(ABC):
    """Turns the native frames of several envs into their observations, in one call.

    Attributes:
        single_observation_space: The observation space of one env.
        begins_each_life: A lost life (``info["lives"]``) begins anew what the transform remembers.
    """

    single_observation_space: gym.Space
    begins_each_life: bool = False

    @abstractmethod
    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> Observation:
        """Transforms one new frame of each of the given envs.

        Args:
            frames: uint8 (n, H, W, 3), native RGB.
            envs: int (n,), which envs the frames belong to.
            fresh: bool (n,), True where the frame is the first of an episode.

        Returns:
            An array, or a dict of arrays, whose first axis is n.
        """

    def draw(self, frame: np.ndarray, observation: Observation) -> np.ndarray:
        """Returns the picture that ``render()`` shows for one env: here the frame itself."""
        return frame


def select(observation: Observation, index: Any) -> Observation:
    """Returns ``observation[index]``, inside a dict if it is one."""
    if isinstance(observation, dict):
        return {key: value[index] for key, value in observation.items()}
    return observation[index]


def merge(old: Observation, new: Observation, envs: np.ndarray) -> Observation:
    """Returns a copy of ``old`` in which the rows ``envs`` are those of ``new``."""
    if isinstance(old, dict):
        assert isinstance(new, dict)
        return {key: merge(old[key], new[key], envs) for key in old}  # type: ignore[misc]
    merged = old.copy()
    merged[envs] = new
    return merged


class FrameStack:
    """The last ``size`` frames of each env.

    Args:
        size: Frames in a stack, S.
        num_envs: Envs with a stack of their own, N.
        padding_type: What an episode's first stack holds beside its first frame: that frame
            (``"reset"``) or zeros (``"zero"``).

    Raises:
        ValueError: An empty stack or another padding.
    """

    def __init__(self, size: int, num_envs: int, padding_type: str = "reset") -> None:
        if size < 1:
            raise ValueError(f"A stack holds at least one frame, got stack size {size}.")
        if padding_type not in PADDINGS:
            raise ValueError(
                f"padding_type must be one of {', '.join(PADDINGS)}, got {padding_type!r}."
            )
        self.size = size
        self._zero = padding_type == "zero"
        self._num_envs = num_envs
        self._frames: np.ndarray | None = None

    def push(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Adds a frame to the stacks of the given envs.

        Args:
            frames: (n, ...), one frame for each of the given envs.
            envs: int (n,).
            fresh: bool (n,), True where an episode begins.

        Returns:
            (n, S, ...), oldest first.
        """
        if self._frames is None:
            self._frames = np.zeros((self._num_envs, self.size, *frames.shape[1:]), frames.dtype)
        stacks = self._frames[envs]
        stacks[:, :-1] = stacks[:, 1:]
        stacks[:, -1] = frames
        if self._zero:
            stacks[fresh, :-1] = 0
        else:
            stacks[fresh] = frames[fresh, None]
        self._frames[envs] = stacks
        return stacks


class TransformFrames(gym.Wrapper):
    """Replaces the frames of one env by what a :class:`FrameTransform` makes of them.

    Args:
        env: An env whose observations are uint8 (H, W, 3) frames.
        transform: Made for one env.
        render_mode: ``None`` or ``"rgb_array"``: the frame with what was perceived drawn on it.

    Raises:
        ValueError: Any other render mode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(
        self, env: gym.Env, transform: FrameTransform, render_mode: str | None = None
    ) -> None:
        super().__init__(env)
        self.transform = transform
        self.observation_space = transform.single_observation_space
        self._render_mode = check_render_mode(render_mode)
        self.frame: np.ndarray | None = None
        self._observation: Observation | None = None
        self._lives = 0

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """``None`` or ``"rgb_array"``."""
        return self._render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the env; the first frame begins a new episode for the transform too."""
        frame, info = self.env.reset(seed=seed, options=options)
        self._lives = info.get("lives", 0)
        return self._observe(frame, fresh=True), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Steps the env and transforms the new frame."""
        frame, reward, terminated, truncated, info = self.env.step(action)
        lives = info.get("lives", 0)
        fresh = self.transform.begins_each_life and lives < self._lives
        self._lives = lives
        return self._observe(frame, fresh), float(reward), terminated, truncated, info

    def _observe(self, frame: np.ndarray, fresh: bool) -> Observation:
        batch = self.transform(frame[None], np.zeros(1, int), np.array([fresh]))
        self.frame, self._observation = frame, select(batch, 0)
        return self._observation

    def render(self) -> Any:
        """Returns uint8 (H', W', 3), the last frame with its overlay, or None without a mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make.')
            return None
        if self.frame is None or self._observation is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return self.transform.draw(self.frame, self._observation)


class VectorTransformFrames(VectorWrapper):
    """Replaces the frames of a vector env by what a :class:`FrameTransform` makes of them.

    The transform is called once per step with the frames of all envs. A partial reset
    (``reset(options={"reset_mask": mask})``) transforms the frames of the envs reset and leaves
    the other observations as they are.

    Args:
        env: A vector env whose observations are uint8 (N, H, W, 3) frames, with next-step
            autoreset or none.
        transform: Made for N envs.
        render_mode: ``None`` or ``"rgb_array"``.

    Raises:
        ValueError: Another render mode, or an autoreset mode that hides terminal frames.
    """

    def __init__(
        self, env: VectorEnv, transform: FrameTransform, render_mode: str | None = None
    ) -> None:
        super().__init__(env)
        autoreset = env.metadata.get("autoreset_mode")
        if autoreset not in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED):
            raise ValueError(
                f"Perception needs next-step or disabled autoreset, but the vector env has "
                f"{autoreset}; make it with autoreset_mode=AutoresetMode.NEXT_STEP."
            )
        # A copy: ALE writes its autoreset mode into the dict that all vector envs share.
        self.metadata = {**env.metadata, **TransformFrames.metadata}
        self.transform = transform
        self.single_observation_space = transform.single_observation_space
        self.observation_space = batch_space(transform.single_observation_space, env.num_envs)
        self._render_mode = check_render_mode(render_mode)
        self._done = np.zeros(env.num_envs, bool)
        self._lives = np.zeros(env.num_envs, int)
        self.frames: np.ndarray | None = None
        self._observation: Observation | None = None

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """``None`` or ``"rgb_array"``."""
        return self._render_mode

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names.

        Returns:
            The observations of all envs and ALE's infos.

        Raises:
            gymnasium.error.ResetNeeded: A partial reset before the first full one.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None and self._observation is None:
            raise gym.error.ResetNeeded("A partial reset needs a full reset() before it.")
        frames, info = self.env.reset(seed=seed, options=options)
        self.frames = frames
        self._count_lives(info, mask)
        if mask is None:
            self._observation = self._transform_all(np.ones(self.num_envs, bool))
            self._done = np.zeros(self.num_envs, bool)
        elif mask.any():
            (envs,) = np.nonzero(mask)
            new = self.transform(frames[envs], envs, np.ones(len(envs), bool))
            assert self._observation is not None
            self._observation = merge(self._observation, new, envs)
            self._done = self._done & ~mask
        return self._observation, info

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps all envs and transforms their frames in one batch."""
        self.frames, rewards, terminated, truncated, info = self.env.step(actions)
        fresh = self._done
        if self.transform.begins_each_life:
            before = self._lives
            self._count_lives(info)
            fresh = fresh | (self._lives < before)
        self._observation = self._transform_all(fresh)
        self._done = terminated | truncated
        return self._observation, rewards, terminated, truncated, info

    def _count_lives(self, info: dict[str, Any], mask: np.ndarray | None = None) -> None:
        if self.transform.begins_each_life and "lives" in info:
            self._lives = np.where(True if mask is None else mask, info["lives"], self._lives)

    def _transform_all(self, fresh: np.ndarray) -> Observation:
        assert self.frames is not None
        return self.transform(self.frames, np.arange(self.num_envs), fresh)

    def render(self) -> tuple[Any, ...] | None:
        """Returns one uint8 (H', W', 3) picture for each env, or None without a render mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make_vec.')
            return None
        if self.frames is None or self._observation is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return tuple(
            self.transform.draw(frame, select(self._observation, i))
            for i, frame in enumerate(self.frames)
        )


def check_render_mode(render_mode: str | None) -> str | None:
    """Returns the mode; raises ValueError for one that is neither None nor ``"rgb_array"``."""
    if render_mode not in (None, "rgb_array"):
        raise ValueError(f'render_mode must be None or "rgb_array", got {render_mode!r}.')
    return render_mode
