"""Objects as the player sees them: relations to it, and a map around it.

* :class:`PlayerView`: tracked objects → relations and an egocentric map beside them
* :class:`EgocentricMap`: the map
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from objwrappers.perception.roles import HARMFUL, Roles
from objwrappers.rendering.maps import draw_map
from objwrappers.wrappers.base import FrameTransform, Observation, chosen
from objwrappers.wrappers.tracking import Track
from objwrappers.wrappers.tracks import oldest_row

__all__ = ["CELLS", "CELL_PX", "PLANES", "EgocentricMap", "PlayerView"]

CELLS = 21
"""Of a side of the map; the player is in the middle one."""
CELL_PX = 4
"""Side of a cell, native pixels."""
PLANES = ("walls", "what vanishes", "harmful", "other objects")
"""Of the map."""

SAME = 25  # grey levels of 255: what differs less is still there

Arrays = dict[str, np.ndarray]


class PlayerView(FrameTransform):
    """Adds to tracked objects what they are to the player.

    ``relative`` float32 (R, 4): place and velocity of each row relative to the player's own, in
    units of [-1, 1] and a step; 0 in rows without an object, and everywhere where the player is
    not seen. ``map`` uint8 (4, 21, 21): see :class:`EgocentricMap`; 0 where the player is not
    seen.

    Args:
        track: Whose classes are those of the roles.
        roles: Of the game.
        relations: Give ``relative``.
        map: Give ``map``; frames are native then.
        pictures: Gives native frames of all envs, uint8 (N, H, W, 3), for the map where the model
            reads something else than frames.

    Raises:
        ValueError: No player was found in the game.
    """

    def __init__(
        self,
        track: Track,
        roles: Roles,
        relations: bool,
        map: bool,
        pictures: Callable[[], np.ndarray] | None = None,
    ) -> None:
        if roles.player is None:
            raise ValueError(
                f"No player was found in {roles.task}, so that nothing is relative to it: leave "
                f"relations and map out, or look for it in a longer play: {roles.command}"
            )
        self._track, self._roles = track, roles
        rows = np.repeat(np.arange(len(roles.classifier.rows)), roles.classifier.rows)
        self._own = np.flatnonzero(rows == roles.player)
        self._map = EgocentricMap(roles) if map else None
        self._pictures = pictures
        spaces = dict(track.single_observation_space.spaces)  # type: ignore[attr-defined]
        if relations:
            spaces["relative"] = gym.spaces.Box(-np.inf, np.inf, (len(rows), 4), np.float32)
        if map:
            shape = len(PLANES), CELLS, CELLS
            spaces["map"] = gym.spaces.Box(0, 255, shape, np.uint8)
        self.single_observation_space = gym.spaces.Dict(spaces)

    @property
    def digests(self) -> dict[str, str]:
        """Those of the model, and of the roles."""
        return {**self._track.digests, "roles": self._roles.digest}

    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> Arrays:
        """Returns the percepts of :class:`Track`, and ``relative``, ``map``, ``player``.

        ``player`` float32 (n, R) is 1 in the player's row.
        """
        percepts = self._track(frames, envs, fresh)
        row, seen = oldest_row(percepts["age"], self._own)
        percepts["player"] = np.zeros_like(percepts["present"])
        percepts["player"][np.flatnonzero(seen), row[seen]] = 1
        space: Any = self.single_observation_space
        if "relative" in space.spaces:
            state = np.concatenate([percepts["boxes"][..., :2], percepts["velocity"]], -1)
            own = np.take_along_axis(state, row[:, None, None], 1)
            there = (percepts["age"] > 0) & seen[:, None]
            percepts["relative"] = np.where(there[..., None], state - own, np.float32(0))
        if self._map is not None:
            native = frames if self._pictures is None else self._pictures()[envs]
            percepts["map"] = self._map(native, percepts, row, seen)
        return percepts

    def choose(self, percepts: Observation) -> Observation:
        """Returns what is in the observation space."""
        return chosen(percepts, self.single_observation_space)

    def draw(self, frame: np.ndarray, percepts: Observation) -> np.ndarray:
        """Returns the frame with the objects drawn on it, and the map beside it."""
        assert isinstance(percepts, dict)
        drawn = self._track.draw(frame, percepts)
        return draw_map(drawn, percepts["map"]) if "map" in percepts else drawn


class EgocentricMap:
    """What is around the player: four planes of 21×21 cells of 4×4 native pixels.

    A cell is the share of it that is wall; that is still there of what vanishes when it is
    touched; that is covered by the boxes of objects that harm; and of all others. A byte of 255 is
    all of the cell. Beyond the frame there is wall.

    Args:
        roles: With a player and a scenery.

    Raises:
        ValueError: A game of which no scenery is known.
    """

    def __init__(self, roles: Roles) -> None:
        walls, vanishing = roles.walls, roles.vanishing
        if not walls.any() and not vanishing.any():
            raise ValueError(
                f"Nothing in {roles.task} is known to stand still, of which a map could be made: "
                f"leave map out, or look at a longer play: {roles.command}"
            )
        height, width = roles.frame_size
        self._size = height, width
        self._half = CELLS * CELL_PX // 2
        margin = self._half + CELL_PX
        self._margin = margin
        around = np.pad(walls.astype(np.int32), margin, constant_values=1)
        self._walls = np.pad(around.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        self._y, self._x = np.nonzero(vanishing)
        self._whole = roles.whole[self._y, self._x]
        labels = np.repeat(np.arange(len(roles.harm)), roles.classifier.rows)
        self._harmful = (roles.harm.numpy() >= HARMFUL)[labels]

    def __call__(
        self, frames: np.ndarray, percepts: Arrays, row: np.ndarray, seen: np.ndarray
    ) -> np.ndarray:
        """Draws the maps of n envs.

        Args:
            frames: uint8 (n, H, W, 3), native.
            percepts: ``boxes`` (n, R, 4) and ``age`` (n, R).
            row: int (n,), the player's.
            seen: bool (n,), whether it is there.

        Returns:
            uint8 (n, 4, 21, 21).
        """
        height, width = self._size
        if frames.shape[1:3] != self._size:
            raise ValueError(
                f"The map is made of native frames, {height} by {width}, got {frames.shape[1:3]}."
            )
        boxes = percepts["boxes"]
        centres = (boxes[..., :2] + 1) * np.array([width / 2, height / 2], np.float32)
        sizes = boxes[..., 2:] * np.array([width, height], np.float32)
        own = np.take_along_axis(centres, row[:, None, None], 1)[:, 0]
        inside = np.clip(np.rint(own), 0, [width - 1, height - 1]).astype(int)
        corner = inside - self._half
        maps = np.zeros((len(frames), len(PLANES), CELLS, CELLS), np.float32)
        maps[:, 0] = self._share(self._walls, corner + self._margin)
        maps[:, 1] = self._still_there(frames, corner)
        low = centres - sizes / 2 - corner[:, None]
        covers = [_overlap(low[..., k], low[..., k] + sizes[..., k]) for k in (0, 1)]
        others = (percepts["age"] > 0) & (np.arange(len(self._harmful)) != row[:, None])
        for plane, rows in ((2, self._harmful), (3, ~self._harmful)):
            across, down = (cover * (others & rows)[..., None] for cover in covers)
            maps[:, plane] = np.einsum("nry,nrx->nyx", down, across)
        maps[~seen] = 0
        return np.rint(255 * np.minimum(maps, 1)).astype(np.uint8)

    @staticmethod
    def _share(table: np.ndarray, corner: np.ndarray) -> np.ndarray:
        """Means of cells from a summed area table, float (n, 21, 21)."""
        edges = np.arange(CELLS + 1) * CELL_PX
        x, y = corner[:, :1] + edges, corner[:, 1:] + edges
        sums = table[y[:, :, None], x[:, None]]
        return np.diff(np.diff(sums, axis=1), axis=2) / CELL_PX**2

    def _still_there(self, frames: np.ndarray, corner: np.ndarray) -> np.ndarray:
        """Shares of cells of what vanishes and has not, float (n, 21, 21)."""
        near = frames[:, self._y, self._x].astype(np.int16)
        there = np.abs(near - self._whole).max(-1) <= SAME
        x = (self._x - corner[:, :1]) // CELL_PX
        y = (self._y - corner[:, 1:]) // CELL_PX
        there &= (x >= 0) & (x < CELLS) & (y >= 0) & (y < CELLS)
        env, pixel = np.nonzero(there)
        cell = (env * CELLS + y[env, pixel]) * CELLS + x[env, pixel]
        counts = np.bincount(cell, minlength=len(frames) * CELLS**2)
        return counts.reshape(len(frames), CELLS, CELLS) / CELL_PX**2


def _overlap(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Shares of the cells of a side that intervals cover, float32 (n, R, 21)."""
    edges = (np.arange(CELLS) * CELL_PX).astype(np.float32)
    covered = np.minimum(high[..., None], edges + CELL_PX) - np.maximum(low[..., None], edges)
    return np.maximum(covered, 0) / CELL_PX
