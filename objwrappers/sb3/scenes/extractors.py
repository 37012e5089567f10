"""What turns the objects of a scene into a state vector, for any Stable-Baselines3 policy.

:class:`SceneRows`: the rows side by side. Who is who is told by the row: rows are of a class, and
tracking keeps an object in its row.
"""

from __future__ import annotations

import gymnasium as gym
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

__all__ = ["SceneRows"]

VELOCITY_SCALE = 20.0
"""Atari's objects move a few native pixels a step, some hundredths of the frame's half."""
SIZE_SCALE = 5.0
"""Sizes are tenths of the frame."""


class SceneRows(BaseFeaturesExtractor):
    """The rows of a scene, flat: place, size, velocity and presence of each; nothing is learned.

    Velocities and sizes are scaled to the order of 1. A row without an object is 0. Stacked frames
    (SB3's VecFrameStack) lie side by side.

    Args:
        observation_space: Of an ObjScene id; without tracking there are no velocities.
        what: z_what of each row as well.
        relative_to: A row, that of the player say: the other places and velocities are relative
            to its own, as long as it is there. None for those of the frame.

    Raises:
        ValueError: Not the observations of an ObjScene id, or no such row.
    """

    def __init__(
        self, observation_space: gym.Space, what: bool = False, relative_to: int | None = None
    ) -> None:
        spaces = observation_space.spaces if isinstance(observation_space, gym.spaces.Dict) else {}
        shapes = {key: box.shape for key, box in spaces.items() if box.shape is not None}
        if not {"boxes", "present", "what"} <= shapes.keys() or len(shapes["boxes"]) != 2:
            raise ValueError(f"This extractor needs an ObjScene id, got {observation_space}.")
        rows, numbers = shapes["boxes"]
        if relative_to is not None and not 0 <= relative_to < rows:
            raise ValueError(f"relative_to must be a row from 0 to {rows - 1}, got {relative_to}.")
        keys = [
            "boxes",
            *(["velocity"] if "velocity" in shapes else []),
            *(["what"] if what else []),
        ]
        width = sum(shapes[key][1] for key in keys) + numbers // 4
        super().__init__(observation_space, rows * width)
        self.rows, self.keys, self.relative_to = rows, keys, relative_to

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Maps boxes (B, R, 4·S), velocity (B, R, 2·S), present (B, S·R), ... → (B, R·F)."""
        present = observations["present"].unflatten(1, (-1, self.rows)).transpose(1, 2)
        stack = present.shape[2]
        there = (present > 0.5).unsqueeze(-1)
        parts = [present.unsqueeze(-1)]
        for key in self.keys:
            values = observations[key].unflatten(2, (stack, -1))
            if key == "boxes":
                parts += [self._relative(values[..., :2], there), values[..., 2:] * SIZE_SCALE]
            elif key == "velocity":
                parts.append(self._relative(values, there) * VELOCITY_SCALE)
            else:
                parts.append(values)
        return (torch.cat(parts, -1) * there).flatten(1)

    def _relative(self, values: Tensor, there: Tensor) -> Tensor:
        """Takes the own values of the row that others are relative to from them, (B, R, S, 2)."""
        row = self.relative_to
        if row is None:
            return values
        own = values[:, row : row + 1] * there[:, row : row + 1]
        others = torch.ones(self.rows, 1, 1, device=values.device)
        others[row] = 0
        return values - own * others
