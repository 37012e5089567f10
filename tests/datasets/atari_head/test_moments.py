"""Which frames of a recording an agent meets."""

from __future__ import annotations

import numpy as np
import pytest

from objwrappers.datasets.atari_head import frames_acted_on, frames_seen, observed


@pytest.mark.parametrize(
    ("frame", "seen"),
    [
        (0, [0]),
        (4, [0, 3, 4]),
        (8, [0, 3, 4, 7, 8]),
        (12, [0, 3, 4, 7, 8, 11, 12]),
        (16, [3, 4, 7, 8, 11, 12, 15, 16]),
    ],
)
def test_frames_seen(frame: int, seen: list[int]) -> None:
    assert frames_seen(frame) == seen


@pytest.mark.parametrize(("count", "acts"), [(17, 4), (18, 5), (19, 5), (20, 5), (21, 5), (22, 6)])
def test_an_agent_acts_until_the_last_frame(count: int, acts: int) -> None:
    stream = [np.array([i, count - i], np.uint8) for i in range(count)]
    found = list(observed(stream))
    assert len(frames_acted_on(count)) == acts
    assert [done for _, done in found] == [False] * acts + [True]
    for (observation, _), frame in zip(found, frames_acted_on(count), strict=False):
        expected = np.maximum(stream[max(frame - 1, 0)], stream[frame])
        np.testing.assert_array_equal(observation, expected)
    np.testing.assert_array_equal(found[-1][0], np.maximum(stream[-2], stream[-1]))


def test_short_recordings() -> None:
    frame = np.zeros(1, np.uint8)
    assert list(observed([])) == []
    assert [done for _, done in observed([frame])] == [True]
    assert [done for _, done in observed([frame] * 2)] == [False, True]
