"""Does an object keep its row? Identity switches over successive steps.

* :class:`Step`: rows of an observation, and the objects by identity
* :class:`Switches`, :func:`switches`: how often an object moves to another row
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from objwrappers.metrics.detection import CLOSE, closeness

__all__ = ["Step", "Switches", "switches"]


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        rows: int (N,), rows of the observation that show an object.
        boxes: (N, 4), what they show, native pixels.
        identities: M names, each of one object, the same from step to step.
        truth: (M, 4), where these are.
    """

    rows: np.ndarray
    boxes: np.ndarray
    identities: Sequence[Hashable]
    truth: np.ndarray


@dataclass(frozen=True)
class Switches:
    """Counts over steps; add to pool them.

    Attributes:
        switches: An object is in another row than where it was last.
        matched: Objects in a row, summed over steps.
        steps: Steps counted.
    """

    switches: int = 0
    matched: int = 0
    steps: int = 0

    def __add__(self, other: Switches) -> Switches:
        """Pools the counts of two sets of steps."""
        return Switches(
            self.switches + other.switches,
            self.matched + other.matched,
            self.steps + other.steps,
        )

    @property
    def per_100_steps(self) -> float:
        """Switches in 100 steps, all objects together; NaN without steps, or without objects."""
        return 100 * self.switches / self.steps if self.matched else float("nan")


def switches(steps: Sequence[Step]) -> Switches:
    """Counts identity switches as CLEAR MOT does (Bernardin & Stiefelhagen 2008, section 2.1).

    An object stays with its row as long as the row's box is close to it, even if another is
    closer. The others are matched by distance, nearest first. An object that was out of sight and
    comes back in another row is a switch, too.

    Args:
        steps: In succession, of one episode.
    """
    last: dict[Hashable, int] = {}
    switched, matched = 0, 0
    for step in steps:
        now = _match(step, last)
        switched += sum(last.get(identity, row) != row for identity, row in now.items())
        matched += len(now)
        last |= now
    return Switches(switched, matched, len(steps))


def _match(step: Step, last: dict[Hashable, int]) -> dict[Hashable, int]:
    """Returns identity → row."""
    boxes = np.asarray(step.boxes, float).reshape(-1, 4)
    truth = np.asarray(step.truth, float).reshape(-1, 4)
    close = closeness(boxes, truth) > CLOSE
    distance = np.linalg.norm(boxes[:, None, :2] - truth[None, :, :2], axis=-1)
    pairs = np.argwhere(close)
    stays = [last.get(step.identities[j]) == step.rows[i] for i, j in pairs]
    # Those that stay come first, then the nearest.
    order = np.lexsort((distance[close], ~np.array(stays, bool)))
    rows: set[int] = set()
    matched: dict[Hashable, int] = {}
    for i, j in pairs[order].tolist():
        row, identity = int(step.rows[i]), step.identities[j]
        if row not in rows and identity not in matched:
            rows.add(row)
            matched[identity] = row
    return matched
