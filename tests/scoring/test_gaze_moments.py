import numpy as np
import pytest
import torch

from objwrappers.agents.onlookers import Sight
from objwrappers.datasets.atari_head.moments import frames_acted_on, frames_seen
from objwrappers.datasets.gaze import GazePlay
from objwrappers.metrics.gaze_maps import GazeSamples
from objwrappers.scoring.gaze_moments import every_frame, moments_seen

FRAMES = 30
MISSING = (7, 12)  # numbers of frames without gaze


def play(left_out=()) -> GazePlay:
    """Frame number n has two samples, at (n, 2 n) and (n, 2 n + 1), but for some that have none."""
    numbers = np.array([n for n in range(1, FRAMES + 1) if n not in left_out])
    points, offsets = [], [0]
    for n in numbers:
        points += [] if n in MISSING else [(n, 2 * n), (n, 2 * n + 1)]
        offsets.append(len(points))
    gaze = GazeSamples(torch.tensor(points, dtype=torch.float32), torch.tensor(offsets))
    starts = np.diff(numbers, prepend=-1) != 1
    return GazePlay(np.zeros((len(numbers), 84, 84), np.uint8), starts, gaze, numbers)


def sight(skip=4, stack=4, count=FRAMES) -> Sight:
    acted = frames_acted_on(count, skip)
    seen, newest = (
        [[1 + frame for frame in frames_seen(at, skip, size)] for at in acted]
        for size in (stack, 1)
    )
    return Sight(np.zeros((len(acted), stack, 84, 84), np.uint8), seen, newest)


def looked(moments, place):
    """Numbers of the frames whose gaze a moment has."""
    columns = moments.gaze[torch.tensor([place])].points[:, 0].int().tolist()
    assert columns == [n for n in dict.fromkeys(columns) for _ in range(2)], (
        "both samples, in order"
    )
    return [*dict.fromkeys(columns)]


def test_the_gaze_that_counts_is_that_of_the_frames_seen():
    moments = moments_seen(play(), {"a": sight()})
    # Spec: at the frames 0, 4, 8, ... of a trial, {0}, {0, 3, 4}, {0, 3, 4, 7, 8}; numbers are one
    # more, and numbers 7 and 12 have no gaze.
    expected = [[1], [1, 4, 5], [1, 4, 5, 8, 9], [1, 4, 5, 8, 9, 13], [4, 5, 8, 9, 13, 16, 17]]
    assert [looked(moments, place) for place in range(5)] == expected
    assert moments.steps.tolist() == [0, 4, 8, 12, 16, 20, 24, 28]
    newest = moments_seen(play(), {"a": sight()}, "newest")
    assert [looked(newest, place) for place in range(5)] == [[1], [4, 5], [8, 9], [13], [16, 17]]


def test_as_published_gaze_is_one_frame_late():
    late = moments_seen(play(), {"a": sight()}, lag=1)
    expected = [[], [3, 4], [3, 4, 8], [3, 4, 8, 11], [3, 4, 8, 11, 15, 16]]
    assert [looked(late, place) for place in range(5)] == expected
    assert late.seen.tolist() == [False, *[True] * 7]
    assert late.steps.tolist() == moments_seen(play(), {"a": sight()}).steps.tolist()


def test_earlier_gaze_is_before_all_frames_of_a_moment():
    moments = moments_seen(play(), {"a": sight()})
    # The fifth moment's stack begins with number 4, the sixth's with 8: 7 has no gaze.
    assert moments.earlier.tolist() == [-1, -1, -1, -1, 2, 5, 10, 14]
    assert moments_seen(play(), {"a": sight()}, "newest").earlier.tolist()[:4] == [-1, 2, 5, 10]


def test_each_frame_by_itself():
    moments = every_frame(play(left_out=(10,)), 8, 12)
    assert moments.steps.tolist() == [7, 8, 9, 10]  # numbers 8, 9, 11 and 12
    assert [looked(moments, place) for place in range(4)] == [[8], [9], [11], []]
    # Number 11 comes after a gap, 7 has no gaze.
    assert moments.earlier.tolist() == [5, 7, -1, 9]
    assert [places.tolist() for places in moments.chunks()] == [[0, 1, 2, 3]]
    assert len(every_frame(play(), 31)) == 0


def test_agents_must_see_the_same_frames():
    several = {"a": sight(), "b": sight(stack=2)}
    with pytest.raises(ValueError, match=r"b sees other frames .* by the gaze of 'newest'"):
        moments_seen(play(), several)
    assert len(moments_seen(play(), several, "newest")) == 8
    with pytest.raises(ValueError, match="c sees other frames"):
        moments_seen(play(), {"a": sight(), "c": sight(skip=2)}, "newest")
    with pytest.raises(ValueError, match="frames that are not in the recording"):
        moments_seen(play(left_out=(9,)), {"a": sight()})
