"""Frames at the size that their reader wants, by area, as ALE's emulators resize them.

* :func:`prepare_frames`: a batch of frames, grey ones if wanted
* :class:`ResizeFrames`, :class:`VectorResizeFrames`: around one env, around a vector env
"""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorObservationWrapper
from gymnasium.vector.utils import batch_space

from objwrappers.resizing import resize_frames

__all__ = ["ResizeFrames", "VectorResizeFrames", "prepare_frames"]


def prepare_frames(
    frames: np.ndarray, height: int | None, width: int | None, grayscale: bool
) -> np.ndarray:
    """Turns frames into those of a format; frames that are of it are returned as they are.

    Args:
        frames: uint8 (N, H, W, C), C = 1 or 3.
        height: h; None for the height that they have.
        width: w; None for the width that they have.
        grayscale: RGB becomes grey, by its luma.

    Returns:
        uint8 (N, h, w, C'), C' = 1 where grey, else C.
    """
    if grayscale and frames.shape[3] == 3:
        frames = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])[..., None]
    return resize_frames(frames, height or frames.shape[1], width or frames.shape[2])


class ResizeFrames(gym.ObservationWrapper):
    """One env whose frames are resized.

    Args:
        env: An env whose observations are uint8 (H, W, C) frames.
        height: h.
        width: w.

    Attributes:
        picture: The last frame as it was, if it is RGB.
    """

    def __init__(self, env: gym.Env, height: int, width: int) -> None:
        super().__init__(env)
        self._size = height, width
        self.picture: np.ndarray | None = None
        self.observation_space = _resized(env.observation_space, height, width)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """Returns the frame, uint8 (h, w, C)."""
        self.picture = observation if observation.shape[-1] == 3 else None
        return resize_frames(observation[None], *self._size)[0]


class VectorResizeFrames(VectorObservationWrapper):
    """A vector env whose frames are resized.

    Args:
        env: A vector env whose observations are uint8 (N, H, W, C) frames.
        height: h.
        width: w.

    Attributes:
        pictures: The last frames as they were, if they are RGB.
    """

    def __init__(self, env: VectorEnv, height: int, width: int) -> None:
        super().__init__(env)
        self._size = height, width
        self.pictures: np.ndarray | None = None
        self.single_observation_space = _resized(env.single_observation_space, height, width)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def observations(self, observations: np.ndarray) -> np.ndarray:
        """Returns the frames, uint8 (N, h, w, C)."""
        self.pictures = observations if observations.shape[-1] == 3 else None
        return resize_frames(observations, *self._size)


def _resized(space: gym.Space[Any], height: int, width: int) -> gym.spaces.Box:
    assert space.shape is not None
    return gym.spaces.Box(0, 255, (height, width, space.shape[-1]), np.uint8)
