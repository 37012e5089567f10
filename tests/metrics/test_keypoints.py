import math

import numpy as np
import pytest

from objwrappers.metrics.keypoints import (
    KeypointScore,
    Tracking,
    difference_peaks,
    follow,
    grid_keypoints,
    on_bars,
    on_border,
    score,
    uniform_keypoints,
)
from objwrappers.metrics.ram import Sprite


def test_counts_by_hand():
    objects = [
        Sprite("a", 50, 50, 8, 8),
        Sprite("wide", 100, 50, 40, 8),
        Sprite("shot", 20, 20, 2, 8, scored=False),
    ]
    keypoints = np.array([[50, 59.9], [50, 61], [118, 50], [20, 20], [0, 0]])
    # a is found; wide's end has a keypoint on it but its centre is 18 away; the shot is no matter.
    assert score(keypoints, objects) == KeypointScore(
        sprites=2,
        found=1,
        judged=4,
        on_sprite=2,
        keypoints=5,
        frames=1,
        distance=pytest.approx(9.9),
    )


def test_the_centre_error_is_that_of_the_nearest_keypoint_of_what_is_found():
    objects = [Sprite("a", 50, 50, 8, 8), Sprite("b", 100, 50, 8, 8), Sprite("far", 10, 10, 8, 8)]
    keypoints = np.array([[53, 54], [50, 58], [101, 50]])
    assert score(keypoints, objects).centre_error == (5 + 1) / 2
    assert math.isnan(score(keypoints[:0], objects).centre_error)


def test_scores_pool_by_counts():
    total = KeypointScore(2, 1, 4, 2, 5, 1, 3.0) + KeypointScore(2, 2, 1, 1, 1, 1, 4.5)
    assert total == KeypointScore(4, 3, 5, 3, 6, 2, 7.5)
    assert total.centre_error == 2.5
    assert total.recall == 0.75
    assert total.precision == 0.6


def test_nothing_to_find_and_nothing_found():
    empty = score(np.empty((0, 2)), [])
    assert math.isnan(empty.recall)
    assert math.isnan(empty.precision)
    lonely = score(np.empty((0, 2)), [Sprite("a", 50, 50, 8, 8)])
    assert lonely.recall == 0
    assert score(np.array([[1.0, 1.0]]), []).precision == 0


def test_grid_covers_the_frame():
    np.testing.assert_allclose(
        grid_keypoints(4, 100, 100), [[25, 25], [75, 25], [25, 75], [75, 75]]
    )
    assert len(grid_keypoints(7)) == 7


def test_uniform_points_are_uniform():
    points = uniform_keypoints(np.random.default_rng(0), 20_000)
    assert points.mean(0) == pytest.approx([80, 105], rel=0.02)
    assert (points >= 0).all()
    assert (points < [160, 210]).all()


def test_keypoints_are_followed_on_their_object():
    nan = [np.nan, np.nan]
    before = [Sprite("a", 50, 50, 8, 8), Sprite("b", 80, 50, 8, 8), Sprite("gone", 10, 90, 8, 8)]
    after = [Sprite("a", 54, 50, 8, 8), Sprite("b", 76, 50, 8, 8)]
    keypoints = np.array([[51, 50], [80, 51], [80, 50], [10, 90], nan, [50, 45], [120, 50]])
    later = np.array([[55, 53], [54, 50], [100, 50], [10, 90], [54, 50], nan, [76, 50]])
    # The first stays and moves 3 on a; the second changes from b to a; the third loses b; the
    # fourth's object is gone; the fifth begins nowhere; the sixth vanishes; the last was nowhere.
    tracking = follow(keypoints, before, later, after)
    assert tracking == Tracking(started=4, stayed=1, wobble=3.0)
    assert tracking.consistency == 0.25
    assert (tracking + Tracking(4, 3, 3.0)).consistency == 0.5
    assert (tracking + Tracking(4, 3, 3.0)).jitter == 1.5
    assert math.isnan(Tracking().consistency) and math.isnan(Tracking().jitter)


def test_objects_of_a_class_are_told_apart_by_number():
    before = [Sprite("alien", 50, 50, 8, 10, number=0), Sprite("alien", 66, 50, 8, 10, number=1)]
    swapped = follow(np.array([[50, 50]]), before, np.array([[66, 50]]), before)
    assert swapped == Tracking(1, 0, 0.0)


def test_borders_and_bars():
    keypoints = np.array([[5, 100], [6, 100], [80, 206], [154, 100], [155, 100]])
    assert on_border(keypoints).tolist() == [True, False, True, False, True]
    columns, rows = np.zeros(160, bool), np.zeros(210, bool)
    columns[80:90], rows[10:22] = True, True
    points = np.array([[79.9, 50], [80, 50], [89.9, 50], [90, 50], [5, 10], [5, 22], [200, -3]])
    assert on_bars(points, columns, rows).tolist() == [False, True, True, False, True, False, False]


def test_peaks_of_the_difference_are_the_changes_strongest_first():
    before = np.zeros((210, 160, 3), np.uint8)
    frame = before.copy()
    frame[100:104, 40:44] = 50
    frame[20:24, 120:124] = 200
    peaks = difference_peaks(frame, before, 3)
    assert np.abs(peaks[0] - (122, 22)).max() <= 1
    assert np.abs(peaks[1] - (42, 102)).max() <= 1
    assert np.isnan(peaks[2]).all()
