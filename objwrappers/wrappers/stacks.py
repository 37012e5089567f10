"""The last frames of each env."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["FrameStack"]

PADDINGS = ("reset", "zero")


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
        stacks = np.empty((len(frames), *self._frames.shape[1:]), frames.dtype)
        # A slice of all envs is no copy, as fancy indices would be.
        chosen: Any = slice(None) if len(envs) == self._num_envs else envs
        stacks[:, :-1] = self._frames[chosen, 1:]
        stacks[:, -1] = frames
        if fresh.any():
            stacks[fresh, :-1] = 0 if self._zero else frames[fresh, None]
        self._frames[chosen] = stacks
        return stacks
