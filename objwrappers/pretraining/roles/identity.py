"""Classes that are one thing of several looks: a ball that takes the colour of what it passes.

* :func:`turnings`: how often an object of one class goes on as one of another
* :func:`one_thing`: which classes are the same thing
* :func:`merge`: a play in terms of the merged classes
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from objwrappers.pretraining.roles.play import Play

__all__ = ["merge", "one_thing", "turnings"]

SAME_PLACE_PX = 12.0  # in x and y: as far as a ball flies in a step
FEW = 10  # turnings
MOSTLY = 0.5  # share of a class's turnings that are into its other look
TOGETHER = 0.15  # of how often two classes would be seen at once by chance
RARELY = 0.02  # share of the steps with a class in which there are two of it


def turnings(play: Play) -> np.ndarray:
    """Counts where an object ends and one of another class begins in its place.

    Returns:
        int (C, C), from the class of the row to that of the column.
    """
    goes_on = ~play.first[1:, :, None]
    ends = play.found[:-1] & ~play.found[1:] & goes_on
    begins = play.found[1:] & (play.age[1:] == 1) & goes_on
    kinds = int(play.label.max()) + 1
    counts = np.zeros((kinds, kinds), int)
    centres = play.centres
    for t, n in np.argwhere(ends.any(-1) & begins.any(-1)):
        old, new = np.flatnonzero(ends[t, n]), np.flatnonzero(begins[t, n])
        away = centres[t, n, old][:, None] - centres[t + 1, n, new]
        near = np.abs(away).max(-1) <= SAME_PLACE_PX
        for i, j in np.argwhere(near):
            a, b = play.label[old[i]], play.label[new[j]]
            counts[a, b] += a != b
    return counts


def one_thing(play: Play) -> list[list[int]]:
    """Groups classes of single objects of which one mostly turns into the other.

    Two classes are one thing where most ends of the one are beginnings of the other, and they are
    hardly ever there at the same time. Where a class has several objects at once it stays as it
    is: any of the ghosts turns into one that can be eaten.

    Returns:
        Groups of classes, each sorted, by their first class.
    """
    counts = turnings(play)
    there = [play.found[..., play.label == kind].sum(-1) for kind in range(len(counts))]
    single = [(number > 1).mean() <= RARELY * (number > 0).mean() for number in there]
    groups = [[kind] for kind in range(len(counts))]
    while True:
        best, chosen = MOSTLY, None
        for i, one in enumerate(groups):
            for j, other in enumerate(groups[:i]):
                share = max(_share(counts, one, other), _share(counts, other, one))
                kinds = [*one, *other]
                if share >= best and all(single[k] for k in kinds) and _apart(there, one, other):
                    best, chosen = share, (j, i)
        if chosen is None:
            return sorted(sorted(group) for group in groups)
        kept, gone = chosen
        groups[kept] += groups.pop(gone)


def _share(counts: np.ndarray, one: list[int], other: list[int]) -> float:
    """Share of the turnings out of a group that are into another."""
    into = counts[np.ix_(one, other)].sum()
    out = counts[one].sum() - counts[np.ix_(one, one)].sum()
    return float(into / out) if into >= FEW else 0.0


def _apart(there: list[np.ndarray], one: list[int], other: list[int]) -> bool:
    """Whether two groups are seen at once much more rarely than by chance."""
    a, b = (np.any([there[kind] > 0 for kind in group], 0) for group in (one, other))
    return bool((a & b).mean() <= TOGETHER * a.mean() * b.mean())


def merge(play: Play, groups: list[list[int]]) -> Play:
    """Returns the play with the numbers of groups for those of classes."""
    number = np.zeros(int(play.label.max()) + 1, int)
    for new, group in enumerate(groups):
        number[group] = new
    return replace(play, label=number[play.label])
