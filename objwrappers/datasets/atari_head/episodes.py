"""Games within trials: where each begins and ends, by the labels alone.

* :class:`Episode`, :func:`find_episodes`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from objwrappers.datasets.atari_head.labels import Labels
from objwrappers.datasets.atari_head.reports import COLUMNS
from objwrappers.datasets.atari_head.trials import Trial
from objwrappers.names import check_name

__all__ = ["KINDS", "Episode", "find_episodes"]

KINDS = ("game", "trial")
"""What an episode is."""


class Episode(NamedTuple):
    """A part of a trial, frames ``first`` to ``last``.

    Attributes:
        trial: Which it lies in.
        first: Number of its first frame.
        last: Number of its last frame.
        ends: The game is over with it; otherwise the recording is.
    """

    trial: Trial
    first: int
    last: int
    ends: bool


def find_episodes(trials: Sequence[Trial], kind: str = "game") -> list[Episode]:
    """Returns the episodes of trials, in their order.

    Rows whose episode is ``null`` belong to the one before them; where no row tells it, the whole
    trial is one.

    Args:
        trials: Their labels are read.
        kind: ``"game"``, the dataset's episodes, or ``"trial"``, all of a trial.

    Raises:
        ValueError: No such kind.
    """
    check_name("kind of episodes", kind, KINDS)
    return [
        Episode(trial, *bounds)
        for trial in trials
        for labels in [trial.labels()]
        if labels is not None and len(labels.numbers)
        for bounds in _bounds(labels, kind)
    ]


def _bounds(labels: Labels, kind: str) -> list[tuple[int, int, bool]]:
    numbers = labels.numbers
    ids = labels.values[:, COLUMNS.index("episode_id")]
    known = np.flatnonzero(~np.isnan(ids))
    changes = np.zeros(0, int)
    if kind == "game" and len(known):
        changes = known[1:][np.diff(ids[known]) != 0]
    firsts = [0, *changes.tolist()]
    lasts = [*(changes - 1).tolist(), len(numbers) - 1]
    return [
        (int(numbers[first]), int(numbers[last]), last < len(numbers) - 1)
        for first, last in zip(firsts, lasts, strict=True)
    ]
