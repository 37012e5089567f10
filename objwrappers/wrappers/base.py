"""One transform of frame batches, two wrappers around it: a single env and a vector env.

* :class:`FrameTransform`: frames of n envs → observations of n envs
* :class:`TransformFrames`: applies it to one env (n = 1)
* :class:`VectorTransformFrames`: applies it to all envs of a vector env at once
* :func:`pictures_of`: native frames in colour, to be looked at
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from objwrappers.resets import reset_mask
from objwrappers.wrappers.stacks import FrameStack

__all__ = [
    "FrameStack",
    "FrameTransform",
    "TransformFrames",
    "VectorTransformFrames",
    "pictures_of",
]

Observation = np.ndarray | dict[str, np.ndarray]


class FrameTransform(ABC):
    """Turns the frames of several envs into their observations, in one call.

    Attributes:
        single_observation_space: The observation space of one env.
        begins_each_life: A lost life (``info["lives"]``) begins anew what the transform remembers.
    """

    single_observation_space: gym.Space
    begins_each_life: bool = False

    @property
    def digests(self) -> dict[str, str]:
        """Name → SHA-256 of all that it was told about the game, whose change changes meanings."""
        return {}

    @abstractmethod
    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> Observation:
        """Transforms one new frame of each of the given envs.

        Args:
            frames: uint8 (n, h, w, C), RGB or grey, C = 3 or 1; of native size, or of the size
                that the transform wants.
            envs: int (n,), which envs the frames belong to.
            fresh: bool (n,), True where the frame is the first of an episode.

        Returns:
            An array, or a dict of arrays, whose first axis is n: what was perceived, from which
            :meth:`choose` makes the observation.
        """

    def choose(self, percepts: Observation) -> Observation:
        """Returns the part of what was perceived that is the observation: here all of it."""
        return percepts

    def draw(self, frame: np.ndarray, percepts: Observation) -> np.ndarray:
        """Returns the picture that ``render()`` shows for one env: here a copy of the frame.

        Args:
            frame: uint8 (H, W, 3), native RGB.
            percepts: Of the env, whatever its observation has of them.
        """
        return frame.copy()


def select(observation: Observation, index: Any) -> Observation:
    """Returns ``observation[index]``, inside a dict if it is one."""
    if isinstance(observation, dict):
        return {key: value[index] for key, value in observation.items()}
    return observation[index]


def chosen(percepts: Observation, space: gym.Space) -> dict[str, np.ndarray]:
    """Returns those of the percepts that an observation space, a Dict, has."""
    assert isinstance(percepts, dict) and isinstance(space, gym.spaces.Dict)
    return {key: percepts[key] for key in space}


def merge(old: Observation, new: Observation, envs: np.ndarray) -> Observation:
    """Returns a copy of ``old``, arrays or tensors, in which the rows ``envs`` are of ``new``."""
    if isinstance(old, dict):
        assert isinstance(new, dict)
        return {key: merge(old[key], new[key], envs) for key in old}  # type: ignore[misc]
    merged = old.copy() if isinstance(old, np.ndarray) else old.clone()
    merged[envs] = new
    return merged


def pictures_of(env: Any) -> np.ndarray | None:
    """Returns the native RGB frames that a layer of an env keeps for looking at.

    Args:
        env: One env or a vector env; the outermost layer with an attribute ``picture``, uint8
            (H, W, 3), or ``pictures``, uint8 (N, H, W, 3), is asked.

    Returns:
        The picture or pictures; None where no layer keeps them.
    """
    name = "pictures" if isinstance(env, VectorEnv) else "picture"
    layer = env
    while layer is not None:
        pictures = getattr(layer, name, None)
        if pictures is not None:
            return pictures
        layer = layer.env if isinstance(layer, gym.Wrapper | VectorWrapper) else None
    return None


class TransformFrames(gym.Wrapper):
    """Replaces the frames of one env by what a :class:`FrameTransform` makes of them.

    Args:
        env: An env whose observations are uint8 (h, w, C) frames. Where they are small or grey, a
            layer of it keeps the native ``picture``, if pictures are wanted.
        transform: Made for one env.
        render_mode: ``None`` or ``"rgb_array"``: the native frame with what was perceived drawn
            on it.

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
        self._frame: np.ndarray | None = None
        self._percepts: Observation | None = None
        self._lives = 0
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
        self._frame, self._percepts = frame, select(batch, 0)
        return self.transform.choose(self._percepts)

    @property
    def percepts(self) -> Any:
        """What the transform perceived last, those beside the observation among them."""
        return self._percepts

    @property
    def picture(self) -> np.ndarray | None:
        """The last frame, native RGB uint8 (H, W, 3) if it is kept; None before a reset."""
        kept = pictures_of(self.env)
        return self._frame if kept is None else kept

    def render(self) -> Any:
        """Returns uint8 (H', W', 3), the last frame with its overlay, or None without a mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make.')
            return None
        picture = self.picture
        if picture is None or self._percepts is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return self.transform.draw(picture, self._percepts)


class VectorTransformFrames(VectorWrapper):
    """Replaces the frames of a vector env by what a :class:`FrameTransform` makes of them.

    The transform is called once per step with the frames of all envs. A partial reset
    (``reset(options={"reset_mask": mask})``) transforms the frames of the envs reset and leaves
    the other observations as they are.

    Args:
        env: A vector env whose observations are uint8 (N, h, w, C) frames, with next-step
            autoreset or none. Where they are small or grey, a layer of it keeps the native
            ``pictures``, if pictures are wanted.
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
        self._everyone = np.arange(env.num_envs)
        self._frames: np.ndarray | None = None
        self._percepts: Observation | None = None

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
        mask = reset_mask(options)
        if mask is not None:
            if self._percepts is None:
                raise gym.error.ResetNeeded("A partial reset needs a full reset() before it.")
            mask = np.asarray(mask)
            options = {**(options or {}), "reset_mask": mask}
        frames, info = self.env.reset(seed=seed, options=options)
        self._frames = frames
        self._count_lives(info, mask)
        if mask is None:
            self._percepts = self._transform_all(np.ones(self.num_envs, bool))
            self._done = np.zeros(self.num_envs, bool)
        elif mask.any():
            (envs,) = np.nonzero(mask)
            new = self.transform(frames[envs], envs, np.ones(len(envs), bool))
            assert self._percepts is not None
            self._percepts = merge(self._percepts, new, envs)
            self._done = self._done & ~mask
        assert self._percepts is not None
        return self.transform.choose(self._percepts), info

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps all envs and transforms their frames in one batch."""
        self._frames, rewards, terminated, truncated, info = self.env.step(actions)
        fresh = self._done
        if self.transform.begins_each_life:
            before = self._lives
            self._count_lives(info)
            fresh = fresh | (self._lives < before)
        self._percepts = self._transform_all(fresh)
        self._done = terminated | truncated
        observation = self.transform.choose(self._percepts)
        return observation, rewards, terminated, truncated, info

    def _count_lives(self, info: dict[str, Any], mask: np.ndarray | None = None) -> None:
        if self.transform.begins_each_life and "lives" in info:
            self._lives = np.where(True if mask is None else mask, info["lives"], self._lives)

    def _transform_all(self, fresh: np.ndarray) -> Observation:
        assert self._frames is not None
        return self.transform(self._frames, self._everyone, fresh)

    @property
    def percepts(self) -> Any:
        """What the transform perceived last, those beside the observation among them."""
        return self._percepts

    @property
    def pictures(self) -> np.ndarray | None:
        """The last frames, native RGB uint8 (N, H, W, 3) if kept; None before a reset."""
        kept = pictures_of(self.env)
        return self._frames if kept is None else kept

    def render(self) -> tuple[Any, ...] | None:
        """Returns one uint8 (H', W', 3) picture for each env, or None without a render mode."""
        if self._render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make_vec.')
            return None
        pictures = self.pictures
        if pictures is None or self._percepts is None:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return tuple(
            self.transform.draw(picture, select(self._percepts, i))
            for i, picture in enumerate(pictures)
        )


def check_render_mode(render_mode: str | None) -> str | None:
    """Returns the mode; raises ValueError for one that is neither None nor ``"rgb_array"``."""
    if render_mode not in (None, "rgb_array"):
        raise ValueError(f'render_mode must be None or "rgb_array", got {render_mode!r}.')
    return render_mode
