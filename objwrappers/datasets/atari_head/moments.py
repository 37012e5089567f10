"""Recorded human play (Atari-HEAD, Zhang et al. 2020) as an agent would have met it.

An agent acts once in four frames and sees a stack of four observations, each the maximum of two
frames; the gaze that belongs to what it sees is that of just these frames. Frames count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

__all__ = ["frames_acted_on", "frames_seen", "observed"]


def frames_acted_on(count: int, skip: int = 4) -> range:
    """Returns the frames at which an agent would act in a recording of so many frames.

    On the last frame the recording is over, and nothing is done any more.
    """
    return range(0, count - 1, skip)


def frames_seen(frame: int, skip: int = 4, stack: int = 4) -> list[int]:
    """Returns the frames that a stack of observations at a frame is made of, ascending.

    Each observation is the maximum of a frame and the one before it.
    """
    ends = [frame - skip * age for age in reversed(range(stack))]
    return [f for end in ends for f in (end - 1, end) if f >= 0]


def observed(frames: Iterable[np.ndarray], skip: int = 4) -> Iterator[tuple[np.ndarray, bool]]:
    """Streams a recording as the observations of a frame-skipping env.

    Args:
        frames: uint8 arrays of one shape.
        skip: Frames per observation.

    Yields:
        The first frame, then the maximum of the last two frames of each step; and whether the
        recording ends with it, as the last one alone does.
    """
    stream = iter(frames)
    newest = next(stream, None)
    following = next(stream, None)
    if newest is None:
        return
    yield newest, following is None
    while following is not None:
        for _ in range(skip):
            if following is None:
                break
            previous, newest = newest, following
            following = next(stream, None)
        yield np.maximum(previous, newest), following is None
