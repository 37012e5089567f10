import math

import numpy as np
import pytest

from objwrappers.metrics.keypoints import (
    KeypointScore,
    grid_keypoints,
    score,
    to_pixels,
    uniform_keypoints,
)
from objwrappers.metrics.ram import Sprite


def test_pixels_of_the_corners_are_the_centres_of_the_outer_cells():
    corners = to_pixels(np.array([[-1, -1], [1, 1], [0, 0]]), height=210, width=160, map_size=42)
    cell = np.array([160 / 42, 5])
    np.testing.assert_allclose(corners, [cell / 2, np.array([160, 210]) - cell / 2, [80, 105]])


def test_counts_by_hand():
    objects = [
        Sprite("a", 50, 50, 8, 8),
        Sprite("wide", 100, 50, 40, 8),
        Sprite("shot", 20, 20, 2, 8, scored=False),
    ]
    keypoints = np.array([[50, 59.9], [50, 61], [118, 50], [20, 20], [0, 0]])
    # a is found; wide's end has a keypoint on it but its centre is 18 away; the shot is no matter.
    assert score(keypoints, objects) == KeypointScore(
        sprites=2, found=1, judged=4, on_sprite=2, keypoints=5, frames=1
    )


def test_scores_pool_by_counts():
    total = KeypointScore(2, 1, 4, 2, 5, 1) + KeypointScore(2, 2, 1, 1, 1, 1)
    assert total == KeypointScore(4, 3, 5, 3, 6, 2)
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
