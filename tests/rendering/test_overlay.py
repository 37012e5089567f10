from __future__ import annotations

import numpy as np
import pytest

from objwrappers.rendering.overlay import SCALE, colour, draw_percepts

GREY = 90


@pytest.fixture
def frame() -> np.ndarray:
    return np.full((210, 160, 3), GREY, np.uint8)


def enlarged(frame: np.ndarray, scale: int) -> np.ndarray:
    return np.kron(frame, np.ones((scale, scale, 1), np.uint8))


def pixel(x: float, y: float, scale: int) -> tuple[int, int]:
    """(row, column) of a keypoint by the definition: ±1 are the frame's borders."""
    column, row = (x + 1) / 2 * 160, (y + 1) / 2 * 210
    return min(int(row * scale), 210 * scale - 1), min(int(column * scale), 160 * scale - 1)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_without_percepts_the_frame_is_enlarged_by_repeating_pixels(scale: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (21, 16, 3), np.uint8)
    np.testing.assert_array_equal(draw_percepts(frame, {}, scale), enlarged(frame, scale))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_discs_lie_where_the_map_puts_them(frame: np.ndarray, scale: int) -> None:
    keypoints = np.array([[-1, -1], [1, 1], [0, 0], [-0.5, 0.7], [1, -1]], np.float32)
    picture = draw_percepts(frame, {"keypoints": keypoints}, scale)
    assert picture.shape == (210 * scale, 160 * scale, 3) and picture.dtype == np.uint8
    for index, (x, y) in enumerate(keypoints):
        assert tuple(picture[pixel(x, y, scale)]) == colour(index)
    # A disc's centre of mass is the keypoint, to half a picture pixel.
    alone = draw_percepts(frame, {"keypoints": keypoints[3:4]}, scale)
    rows, columns = np.nonzero((alone != GREY).any(-1))
    row, column = pixel(*keypoints[3], scale)
    assert abs(rows.mean() - row) <= 0.75 and abs(columns.mean() - column) <= 0.75


def test_discs_have_a_white_outline(frame: np.ndarray) -> None:
    picture = draw_percepts(frame, {"keypoints": np.zeros((1, 2))})
    row, column = pixel(0, 0, SCALE)
    line = picture[row, column : column + 12].astype(int)
    assert tuple(line[0]) == colour(0)
    assert (line.min(-1) > 200).any(), "white somewhere between the disc and the background"
    assert (line[-1] == GREY).all()


def test_only_present_keypoints_are_drawn(frame: np.ndarray) -> None:
    keypoints = np.array([[-0.5, 0], [0.5, 0], [0, 0.5]], np.float32)
    present = np.array([0.51, 0.5, 0.0], np.float32)
    picture = draw_percepts(frame, {"keypoints": keypoints, "present": present})
    assert tuple(picture[pixel(-0.5, 0, SCALE)]) == colour(0)
    only = draw_percepts(frame, {"keypoints": keypoints[:1]})
    np.testing.assert_array_equal(picture, only)


def test_absent_keypoints_as_thin_rings(frame: np.ndarray) -> None:
    percepts = {"keypoints": np.zeros((1, 2)), "present": np.zeros(1)}
    np.testing.assert_array_equal(draw_percepts(frame, percepts), enlarged(frame, SCALE))
    picture = draw_percepts(frame, percepts, show_absent=True)
    assert (picture[pixel(0, 0, SCALE)] == GREY).all(), "a ring is hollow"
    ring = (picture != GREY).any(-1).sum()
    disc = (draw_percepts(frame, {"keypoints": np.zeros((1, 2))}) != GREY).any(-1).sum()
    assert 0 < ring < disc / 2


def test_the_frame_stays_as_it_is_and_equal_inputs_give_equal_pictures(frame: np.ndarray) -> None:
    percepts = {"keypoints": np.random.default_rng(0).uniform(-1, 1, (10, 2))}
    for scale in (1, 3):
        first = draw_percepts(frame, percepts, scale)
        np.testing.assert_array_equal(first, draw_percepts(frame, percepts, scale))
    assert (frame == GREY).all()


def test_keypoints_that_are_not_finite_or_far_outside(frame: np.ndarray) -> None:
    keypoints = np.array([[np.nan, 0], [np.inf, 0], [-5, 8]])
    np.testing.assert_array_equal(
        draw_percepts(frame, {"keypoints": keypoints}), enlarged(frame, SCALE)
    )


def test_colours_differ() -> None:
    colours = np.array([colour(index) for index in range(30)])
    assert len(np.unique(colours, axis=0)) == 30
    steps = np.abs(np.diff(colours, axis=0)).sum(1)
    assert steps.min() > 100, "neighbours look different"


@pytest.mark.parametrize(
    ("frame", "percepts", "scale", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), {}, 1, "got float32"),
        (np.zeros((4, 4), np.uint8), {}, 1, r"shape \(4, 4\)"),
        (np.zeros((4, 4, 3), np.uint8), {}, 0, "scale must be at least 1, got 0"),
        (np.zeros((4, 4, 3), np.uint8), {"keypoints": np.zeros((2, 3))}, 1, r"got \(2, 3\)"),
        (
            np.zeros((4, 4, 3), np.uint8),
            {"keypoints": np.zeros((2, 2)), "present": np.ones(3)},
            1,
            r"\(2, 2\) and \(3,\)",
        ),
    ],
)
def test_bad_input(frame: np.ndarray, percepts: dict, scale: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_percepts(frame, percepts, scale)
