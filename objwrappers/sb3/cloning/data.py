"""Recorded play as a policy learns from it: observations put together as batches are drawn.

* :class:`Demonstrations`: observations of all frames, unstacked, and the actions that followed
* :class:`Several`: those of several recordings, as if they were one
* :class:`Draw`: which samples a batch has, by its step
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from objwrappers.metrics.gaze_maps import GazeSamples, Sigma
from objwrappers.names import check_name

__all__ = ["BALANCES", "Demonstrations", "Draw", "Several"]

BALANCES = ("none", "sampling", "weights")
"""What makes rare actions count: nothing; drawing them as often as others; or their loss."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Demonstrations:
    """T frames of recorded play, each with what an agent would have observed on it.

    An agent acts once in ``skip`` frames. Here each frame is one on which it might: its stack then
    has the observations ``skip``, 2 · ``skip``, … frames before.

    Attributes:
        observations: Name → (T, ...), of one frame each; the name is ``""`` where observations
            are no dict.
        begins: int (T,), the first frame of those that an agent who observes this one has
            observed in the same episode, in steps of ``skip``.
        actions: int (T,), an agent's number of what was done on the frame, -1 where unknown.
        previous: int (T,), what was done on the frame before, -1 where unknown or none.
        earlier: int (T,), what was done ``skip`` frames before, -1 where unknown or none.
        skip: Frames from one observation to the next.
        stack: Observations in a stack, S.
        axes: Name → the axis of an observation along which it is stacked, from the left or, if
            negative, from the right.
        padded: Before an episode's first observation there are zeros; otherwise that observation.
        gaze: Of T frames, or None.
        sigma: Of the maps of gaze.

    Raises:
        ValueError: Parts are not of as many frames.
    """

    observations: Arrays
    begins: np.ndarray
    actions: np.ndarray
    previous: np.ndarray
    earlier: np.ndarray
    skip: int = 4
    stack: int = 1
    axes: dict[str, int] | None = None
    padded: bool = False
    gaze: GazeSamples | None = None
    sigma: Sigma = "authors"

    def __post_init__(self) -> None:
        parts = [self.begins, self.actions, self.previous, self.earlier]
        counts = [len(part) for part in (*parts, *self.observations.values())]
        counts += [] if self.gaze is None else [len(self.gaze)]
        if len({*counts}) > 1:
            told = ", ".join(map(str, counts))
            raise ValueError(f"All parts must be of as many frames, got {told}.")

    def __len__(self) -> int:
        """Returns the number of frames, T."""
        return len(self.actions)

    def batch(self, steps: np.ndarray, with_gaze: bool = False) -> dict[str, Any]:
        """Returns samples.

        Args:
            steps: int (N,), frames.
            with_gaze: With people's maps; gaze must be known.

        Returns:
            ``observations``, a tensor or a dict of them, (N, ...); ``actions`` int64 (N,); and
            ``map`` float32 (N, 84, 84), the density of gaze during the frames that the stack is
            made of, with ``weight`` (N,), 0 where nobody looked at the screen.
        """
        steps = np.asarray(steps, np.int64)
        found = {name: self._stacked(name, steps) for name in self.observations}
        batch: dict[str, Any] = {
            "observations": found[""] if "" in found else found,
            "actions": torch.from_numpy(self.actions[steps].astype(np.int64)),
        }
        if with_gaze:
            batch["map"], batch["weight"] = self._looked_at(steps)
        return batch

    def _before(self, steps: np.ndarray, stack: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the frames (N, S) observed last, the oldest first, and which there are."""
        wanted = steps[:, None] - self.skip * np.arange(stack)[::-1]
        begins = self.begins[steps][:, None]
        return np.maximum(wanted, begins), wanted >= begins

    def _stacked(self, name: str, steps: np.ndarray) -> Tensor:
        array = self.observations[name]
        if self.stack == 1:
            return torch.from_numpy(np.ascontiguousarray(array[steps]))
        frames, there = self._before(steps, self.stack)
        parts = array[frames]
        if self.padded:
            parts = parts * there.reshape(*there.shape, *[1] * (array.ndim - 1)).astype(array.dtype)
        axis = (self.axes or {}).get(name, 0)
        axis = axis + 1 if axis >= 0 else axis
        return torch.from_numpy(np.concatenate([*parts.swapaxes(0, 1)], axis))

    def _looked_at(self, steps: np.ndarray) -> tuple[Tensor, Tensor]:
        assert self.gaze is not None
        newest, _ = self._before(steps, self.stack)
        # An observation is the maximum of a frame and the one before it.
        pairs = np.stack([np.maximum(newest - 1, self.begins[steps][:, None]), newest], -1)
        seen = self.gaze[torch.from_numpy(pairs.reshape(-1))]
        together = GazeSamples(seen.points, seen.offsets[:: pairs[0].size])
        return together.maps(self.sigma)


class Several:
    """Demonstrations one after the other; frames are counted through.

    Args:
        parts: At least one.

    Attributes:
        actions, previous, earlier: See :class:`Demonstrations`.
        offsets: int (P,), the first frame of each part.
    """

    def __init__(self, parts: Sequence[Demonstrations]) -> None:
        self._parts = list(parts)
        self.actions = np.concatenate([part.actions for part in parts])
        self.previous = np.concatenate([part.previous for part in parts])
        self.earlier = np.concatenate([part.earlier for part in parts])
        self.offsets = np.cumsum([0, *(len(part) for part in parts)])[:-1]

    def batch(self, steps: np.ndarray, with_gaze: bool = False) -> dict[str, Any]:
        """Returns samples in the order of the steps; see :meth:`Demonstrations.batch`."""
        owner = np.searchsorted(self.offsets, steps, side="right") - 1
        order = np.argsort(owner, kind="stable")
        found = [
            self._parts[i].batch(steps[owner == i] - self.offsets[i], with_gaze)
            for i in np.unique(owner)
        ]
        if len(found) == 1:
            return found[0]
        back = torch.from_numpy(np.argsort(order))
        batch: dict[str, Any] = {}
        for key, value in found[0].items():
            if isinstance(value, dict):
                batch[key] = {k: torch.cat([one[key][k] for one in found])[back] for k in value}
            else:
                batch[key] = torch.cat([one[key] for one in found])[back]
        return batch


class Draw:
    """Which samples the batch of a step has: always the same ones, so that a training can go on.

    Without a balance all samples come once before one comes again.

    Args:
        steps: int (n,), the samples.
        actions: int (n,), theirs.
        batch_size: N; at most n are drawn without a balance.
        balance: A name of :data:`BALANCES`.
        seed: Of the drawing.

    Raises:
        ValueError: No samples, or no such balance.
    """

    def __init__(
        self,
        steps: np.ndarray,
        actions: np.ndarray,
        batch_size: int,
        balance: str = "none",
        seed: int = 0,
    ) -> None:
        check_name("balance", balance, BALANCES)
        if not len(steps):
            raise ValueError("There are no frames with a known action to learn from.")
        self._steps, self._seed = np.asarray(steps), seed
        self._size = min(batch_size, len(steps))
        self._chances = None
        if balance == "sampling":
            rarity = 1 / np.bincount(actions)[actions]
            self._chances = rarity / rarity.sum()
        self._round = (-1, np.zeros(0, int))

    @property
    def per_round(self) -> int:
        """Batches in which each sample comes once."""
        return len(self._steps) // self._size

    def __getitem__(self, step: int) -> np.ndarray:
        """Returns the samples of a step, int (N,)."""
        if self._chances is not None:
            rng = np.random.default_rng((self._seed, step))
            return rng.choice(self._steps, self._size, p=self._chances)
        number, place = divmod(step, self.per_round)
        if self._round[0] != number:
            rng = np.random.default_rng((self._seed, number))
            self._round = number, rng.permutation(self._steps)
        return self._round[1][place * self._size :][: self._size]
