"""Moments of recorded human play at which gaze and saliency are scored.

* :class:`Moments`: of one recording, each with the gaze that counts
* :func:`every_frame`, :func:`moments_seen`: each frame by itself; what agents see at once
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

import numpy as np
import torch
from torch import Tensor

from objwrappers.agents.onlookers import Sight
from objwrappers.datasets.gaze import GazePlay
from objwrappers.metrics.gaze_baselines import previous_gaze
from objwrappers.metrics.gaze_maps import GazeSamples

__all__ = ["GAZE_OF", "Moments", "every_frame", "moments_seen"]

GAZE_OF = ("stack", "newest")
"""Whose gaze counts at an agent's moment: of all frames that it sees, or of those of its newest
observation."""

AT_ONCE = 64  # moments


@dataclass(frozen=True)
class Moments:
    """M moments of a recording.

    Attributes:
        play: The whole recording.
        steps: int (M,), the newest frame of each, counted from 0.
        gaze: Of the M moments: what counts, that of several frames together.
        earlier: int64 (M,), the last step with gaze before all of a moment's frames, -1 for none.
        sights: What agents see at these moments, by the agents' names.
    """

    play: GazePlay
    steps: np.ndarray
    gaze: GazeSamples
    earlier: Tensor
    sights: Mapping[str, Sight] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.steps)

    def chunks(self) -> Iterator[np.ndarray]:
        """Gives the places of the moments, 0 to M - 1, a few at once."""
        for first in range(0, len(self), AT_ONCE):
            yield np.arange(first, min(first + AT_ONCE, len(self)))

    @property
    def seen(self) -> np.ndarray:
        """Which moments have gaze on the screen, bool (M,)."""
        samples = self.gaze.frame[self.gaze.on_screen]
        return np.bincount(samples.numpy(), minlength=len(self)) > 0


def every_frame(play: GazePlay, first: int, last: int | None = None) -> Moments:
    """Returns each frame of a range as a moment, with its own gaze.

    Args:
        play: A recording.
        first: Number of the first frame.
        last: Number of the last one; by default all.
    """
    within = (play.numbers >= first) & (last is None or play.numbers <= last)
    steps = np.flatnonzero(within)
    return Moments(play, steps, play.gaze[torch.from_numpy(steps)], _earlier(play)[steps])


def moments_seen(
    play: GazePlay, sights: Mapping[str, Sight], gaze_of: str = "stack", lag: int = 0
) -> Moments:
    """Returns the moments at which agents see something, with the gaze at what they see.

    Args:
        play: The recording of the trial that the agents were shown.
        sights: Of agents, by their names; at least one.
        gaze_of: Of :data:`GAZE_OF`.
        lag: Frames by which gaze is taken too early; 1 is the published code's mistake, which
            counts frames from 0 and looks them up by numbers that count from 1.

    Raises:
        ValueError: Agents that do not see the same frames, or frames that are not in the recording.
    """
    (_, one), *others = sights.items()
    frames = one.frames if gaze_of == "stack" else one.newest
    for name, other in others:
        theirs = other.frames if gaze_of == "stack" else other.newest
        if [*theirs] != [*frames]:
            raise ValueError(
                f"{name} sees other frames at once than the first agent: score them apart, or, if "
                f"only their stacks differ, by the gaze of {GAZE_OF[1]!r}."
            )
    steps = _find(play, [numbers[-1] for numbers in frames])
    if (steps < 0).any():
        raise ValueError(
            "The agents were shown frames that are not in the recording: make it anew."
        )
    counted = [_find(play, np.array(numbers) - lag) for numbers in frames]
    counted = [found[found >= 0] for found in counted]
    ends = torch.tensor([0, *accumulate(map(len, counted))])
    flat = torch.tensor([*chain(*counted)], dtype=torch.long)
    before = _earlier(play)
    earlier = [int(before[found[0]]) if len(found) else -1 for found in counted]
    return Moments(play, steps, play.gaze[flat].joined(ends), torch.tensor(earlier), sights)


def _earlier(play: GazePlay) -> Tensor:
    seen = torch.from_numpy(play.seen).float()
    return previous_gaze(seen, torch.from_numpy(play.starts))


def _find(play: GazePlay, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
    """Returns the steps of frames by their numbers, -1 for those that the recording lacks."""
    wanted = np.asarray(numbers)
    found = np.searchsorted(play.numbers, wanted).clip(max=len(play.numbers) - 1)
    return np.where(play.numbers[found] == wanted, found, -1)
