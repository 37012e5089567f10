"""Stacked 84×84 pixels, the baseline without perception.

* :class:`StackedPixels`: the transform
* :class:`FrameObservation`, :class:`VectorFrameObservation`: around one env, around a vector env
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from objwrappers.memory import keep_freed_memory
from objwrappers.wrappers.base import FrameTransform, TransformFrames, VectorTransformFrames
from objwrappers.wrappers.resizing import prepare_frames
from objwrappers.wrappers.stacks import FrameStack

__all__ = ["FrameObservation", "StackedPixels", "VectorFrameObservation"]


class StackedPixels(FrameTransform):
    """Grey or colour frames, resized by area and stacked along the channels, newest last.

    Frames that have the size and the colours already are taken as they are. Native ones become
    grey by their own luma, unlike ALE's grey frames, whose luma comes before the maximum of two.

    Args:
        num_envs: Envs with a stack of their own.
        stack_num: Frames in a stack, S.
        img_height: Height h of the observation in pixels.
        img_width: Width w of the observation in pixels.
        grayscale: uint8 (S, h, w) luma if True, else uint8 (3·S, h, w) RGB.
        padding_type: What fills the first stack of an episode: its first frame (``"reset"``) or
            zeros (``"zero"``).
        stack_each_life: A lost life begins a new stack, too.
    """

    def __init__(
        self,
        num_envs: int = 1,
        stack_num: int = 4,
        img_height: int = 84,
        img_width: int = 84,
        grayscale: bool = True,
        padding_type: str = "reset",
        stack_each_life: bool = False,
    ) -> None:
        if img_height < 1 or img_width < 1:
            raise ValueError(
                f"The observation's size must be positive: {img_height} by {img_width}."
            )
        keep_freed_memory()
        self.begins_each_life = stack_each_life
        self._stack = FrameStack(stack_num, num_envs, padding_type)
        self._size = (img_height, img_width)
        self._grayscale = grayscale
        channels = stack_num if grayscale else 3 * stack_num
        self.single_observation_space = gym.spaces.Box(
            0, 255, (channels, img_height, img_width), np.uint8
        )

    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Returns uint8 (n, channels, h, w); see :meth:`FrameTransform.__call__`."""
        small = prepare_frames(frames, *self._size, self._grayscale)
        stacks = self._stack.push(small.transpose(0, 3, 1, 2), envs, fresh)
        return stacks.reshape(len(frames), *self.single_observation_space.shape)  # type: ignore[misc]


class FrameObservation(TransformFrames):
    """One env that gives stacked 84×84 pixels; see :class:`StackedPixels` for the options.

    Example:
        >>> import gymnasium as gym, objwrappers
        >>> gym.make("ObjFrames-Pong-v0").observation_space.shape
        (4, 84, 84)
    """

    def __init__(
        self,
        env: gym.Env,
        stack_num: int = 4,
        img_height: int = 84,
        img_width: int = 84,
        grayscale: bool = True,
        padding_type: str = "reset",
        stack_each_life: bool = False,
        render_mode: str | None = None,
    ) -> None:
        transform = StackedPixels(
            1, stack_num, img_height, img_width, grayscale, padding_type, stack_each_life
        )
        super().__init__(env, transform, render_mode)


class VectorFrameObservation(VectorTransformFrames):
    """A vector env that gives stacked 84×84 pixels; see :class:`StackedPixels`.

    Example:
        >>> import gymnasium as gym, objwrappers
        >>> gym.make_vec("ObjFrames-Pong-v0", num_envs=2).observation_space.shape
        (2, 4, 84, 84)
    """

    def __init__(
        self,
        env: VectorEnv,
        stack_num: int = 4,
        img_height: int = 84,
        img_width: int = 84,
        grayscale: bool = True,
        padding_type: str = "reset",
        stack_each_life: bool = False,
        render_mode: str | None = None,
    ) -> None:
        transform = StackedPixels(
            env.num_envs, stack_num, img_height, img_width, grayscale, padding_type, stack_each_life
        )
        super().__init__(env, transform, render_mode)
