"""Coordinates: the frame's border is ±1, whatever map a point was found on."""

import numpy as np
import pytest
import torch

from objwrappers.geometry import cells_to_frame, frame_to_cells, from_pixels, to_pixels
from objwrappers.metrics import keypoints as metrics

POINTS = np.random.default_rng(0).uniform(-1, 1, (5, 7, 2))


def test_pixels_by_hand():
    points = np.array([[-1, -1], [1, 1], [0, 0], [0.5, -0.8]])
    pixels = [[0, 0], [160, 210], [80, 105], [120, 21]]
    np.testing.assert_allclose(to_pixels(points), pixels)
    np.testing.assert_allclose(to_pixels(points, height=100, width=10)[3], [7.5, 10])
    np.testing.assert_allclose(from_pixels(np.array(pixels)), points)


def test_a_maps_outermost_cells_lie_half_a_cell_inside_the_border():
    corners = np.array([[-1.0, -1.0], [1.0, 1.0], [0.0, 1.0]])
    # Three columns: centres at -2/3, 0, 2/3; two rows: at -1/2 and 1/2.
    np.testing.assert_allclose(
        cells_to_frame(corners, rows=2, columns=3), [[-2 / 3, -0.5], [2 / 3, 0.5], [0, 0.5]]
    )
    for side in (2, 21, 42):
        centres = np.linspace(-1, 1, side)
        shown = to_pixels(cells_to_frame(np.stack([centres, centres], -1), side, side), 210, 160)
        cells = np.arange(side) + 0.5
        np.testing.assert_allclose(shown, np.stack([cells * 160 / side, cells * 210 / side], -1))


def test_back_and_forth():
    np.testing.assert_allclose(frame_to_cells(cells_to_frame(POINTS, 42, 40), 42, 40), POINTS)
    np.testing.assert_allclose(from_pixels(to_pixels(POINTS, 250, 160), 250, 160), POINTS)


def test_tensors_are_treated_as_arrays_are_and_keep_their_type():
    tensor = torch.from_numpy(POINTS)
    for function in (to_pixels, from_pixels):
        torch.testing.assert_close(function(tensor), torch.from_numpy(function(POINTS)))
        assert function(tensor.half()).dtype == torch.float16
    for function in (cells_to_frame, frame_to_cells):
        by_numpy = torch.from_numpy(function(POINTS, 42, 21))
        torch.testing.assert_close(function(tensor, 42, 21), by_numpy)
        assert function(tensor.float(), 42, 21).dtype == torch.float32


def test_a_map_of_one_cell_has_no_coordinates():
    with pytest.raises(ValueError, match="at least 2 rows and columns, got 1 and 3"):
        frame_to_cells(POINTS, 1, 3)


def test_metrics_know_the_old_name():
    assert metrics.to_pixels is to_pixels
