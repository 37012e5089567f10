from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from objwrappers.rendering import overlay
from objwrappers.rendering.overlay import SCALE, colour, draw_percepts

GREY = 90
FRAME = np.zeros((4, 4, 3), np.uint8)


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
    keypoints = np.array([[-0.9, -0.9], [0.9, 0.9], [0, 0], [-0.5, 0.7], [0.9, -0.9]], np.float32)
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


def test_the_middle_of_the_frame_is_0(frame: np.ndarray) -> None:
    for scale in (1, 2, 3):
        assert pixel(0, 0, scale) == (105 * scale, 80 * scale)


def test_boxes_are_outlines_around_what_they_name(frame: np.ndarray) -> None:
    # A tenth of the width and a fifth of the height: 16×42 native pixels around (80, 105).
    percepts = {"boxes": np.array([[0, 0, 0.1, 0.2]], np.float32)}
    for scale in (1, 2, 3):
        picture = draw_percepts(frame, percepts, scale)
        rows, columns = np.nonzero((picture == colour(0)).all(-1))
        extent = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1])
        assert np.abs(extent - np.array([84, 126, 72, 88]) * scale).max() <= scale / 2
        assert (picture[105 * scale, 80 * scale] == GREY).all(), "a box is hollow"


def test_a_label_gives_boxes_their_colour(frame: np.ndarray) -> None:
    boxes = np.array([[-0.5, -0.5, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1], [-0.5, 0.5, 0.1, 0.1]])
    picture = draw_percepts(frame, {"boxes": boxes, "label": np.array([7, 4, 7])})
    left, right = picture[:, :240], picture[:, 240:]
    seen = [[(half == colour(i)).all(-1).any() for i in (0, 1, 2, 4, 7)] for half in (left, right)]
    assert seen == [[False, False, False, False, True], [False, False, False, True, False]]


def test_absent_boxes_are_not_drawn_and_those_outside_do_no_harm(frame: np.ndarray) -> None:
    boxes = np.array([[0, 0, 0.1, 0.1], [0.5, 0, np.nan, 0.1], [1e30, 0, 0.1, 0.1]])
    percepts = {"boxes": boxes, "present": np.array([0.4, 0.9, 0.9])}
    np.testing.assert_array_equal(draw_percepts(frame, percepts), enlarged(frame, SCALE))


def test_names_stand_above_their_boxes_in_their_colour(frame: np.ndarray) -> None:
    boxes = np.array([[-0.5, 0, 0.1, 0.1], [0.5, -0.9, 0.1, 0.1], [0, 0.5, 0.1, 0.1]])
    percepts = {
        "boxes": boxes,
        "label": np.array([1, 0, 1]),
        "present": np.array([0.9, 0.9, 0.1]),
    }
    plain = draw_percepts(frame, percepts)
    named = draw_percepts(frame, percepts, names=["ball", "player"])
    written = (plain != named).any(-1)
    rows, columns = np.nonzero(written[:, :240])
    # The box's upper border is at native row 94.5, its left one at column 32.
    assert rows.max() <= 94.5 * SCALE and rows.min() > 80 * SCALE
    assert abs(columns.min() - 32 * SCALE) <= 3 and columns.max() < 62 * SCALE
    assert (named[rows, columns] == colour(1)).all(-1).any()
    rows, columns = np.nonzero(written[:, 240:])
    assert rows.min() > 21 * SCALE, "there is no room above"
    assert (named[:, 240:][rows, columns] == colour(0)).all(-1).any()
    assert not written[120 * SCALE :].any(), "absent objects have no names"
    unknown = draw_percepts(frame, percepts, names=["ball"])
    assert not (unknown != plain)[:, :240].any(), "a label without a name has none"


def test_letters_are_black_on_bright_plates_and_white_on_dark_ones(frame: np.ndarray) -> None:
    # Hues: red, blue, a bright green.
    for label, letters in ((0, 255), (1, 255), (2, 0)):
        percepts = {"boxes": np.array([[0, 0, 0.1, 0.1]]), "label": np.array([label])}
        named = draw_percepts(frame, percepts, names=["player"] * 3)
        plate = named[268:280, 215:247].reshape(-1, 3)
        like_letters = (np.abs(plate.astype(int) - letters) < 40).all(-1).mean()
        assert like_letters > 0.05 and (plate == colour(label)).all(-1).mean() > 0.4


def test_tracks_are_lines_that_fade_into_the_past(frame: np.ndarray) -> None:
    x = np.linspace(-0.8, 0.8, 5)
    nan = np.full(5, np.nan)
    tracks = np.stack([np.stack([x, 0 * x], -1), np.stack([x, nan], -1), np.stack([x, 0 * x], -1)])
    tracks[2, :, 1], tracks[2, :3] = 0.5, np.nan
    percepts = {"tracks": tracks, "label": np.array([4, 4, 7])}
    picture = draw_percepts(frame, percepts).astype(int)
    on_the_way = [picture[pixel((x[i] + x[i + 1]) / 2, 0, SCALE)] for i in range(4)]
    for piece, seen in enumerate(on_the_way):
        share = (piece + 1) / 4
        expected = GREY + share * (np.array(colour(4)) - GREY)
        np.testing.assert_allclose(seen, expected, atol=1)
    changed = (picture[pixel(0, 0.5, SCALE)[0]] != GREY).any(-1).nonzero()[0]
    # Between the fourth and the fifth place, .4 and .8.
    assert abs(changed.min() - 0.7 * 480) <= 2 and abs(changed.max() - 0.9 * 480) <= 2
    absent = draw_percepts(frame, {**percepts, "present": np.zeros(3)})
    np.testing.assert_array_equal(absent, enlarged(frame, SCALE))


def test_boxes_and_names_over_the_border_are_cut_off(frame: np.ndarray) -> None:
    percepts = {
        "boxes": np.array([[-1, -1, 0.2, 0.2], [1.0, 1.0, 0.2, 0.2], [9.0, 0, 0.1, 0.1]]),
        "label": np.array([0, 1, 2]),
    }
    picture = draw_percepts(frame, percepts, names=["left", "a long name", "far away"])
    assert (picture[62, :40] == colour(0)).all(-1).any(), "what is inside is drawn"
    assert (picture[-62:, -47:] == colour(1)).all(-1).any()
    # A name is moved inside.
    written = (picture[:-70, 300:] != GREY).any(-1)
    assert written.any() and written.sum() > 50


def test_gaze_is_a_cross(frame: np.ndarray) -> None:
    for scale in (1, 3):
        picture = draw_percepts(frame, {"gaze": np.array([0.5, -0.5])}, scale)
        row, column = pixel(0.5, -0.5, scale)
        arm = 5 * scale
        for down, across in ((0, 0), (arm, 0), (-arm, 0), (0, arm), (0, -arm)):
            assert (picture[row + down, column + across] == 255).all()
        assert (picture[row + arm, column + arm] == GREY).all()
    nowhere = draw_percepts(frame, {"gaze": np.array([np.nan, 0])})
    np.testing.assert_array_equal(nowhere, enlarged(frame, SCALE))


def test_a_heatmap_lies_over_the_frame(frame: np.ndarray) -> None:
    heatmap = np.zeros((7, 8))
    np.testing.assert_array_equal(
        draw_percepts(frame, {"heatmap": heatmap}), enlarged(frame, SCALE)
    )
    heatmap[5, 2] = 0.01
    picture = draw_percepts(frame, {"heatmap": heatmap})
    change = np.abs(picture.astype(int) - GREY).sum(-1)
    row, column = np.unravel_index(change.argmax(), change.shape)
    # Cells are 90×60 picture pixels.
    assert (row // 90, column // 60) == (5, 2) and change.max() > 100
    assert (change[:360] == 0).all()
    np.testing.assert_array_equal(
        picture, draw_percepts(frame, {"heatmap": 50 * heatmap}), "only proportions count"
    )


def test_keypoints_lie_over_a_heatmap_and_other_percepts_are_not_drawn(frame: np.ndarray) -> None:
    percepts = {"keypoints": np.zeros((1, 2)), "heatmap": np.ones((2, 2))}
    assert tuple(draw_percepts(frame, percepts)[pixel(0, 0, SCALE)]) == colour(0)
    others = {"features": np.ones((1, 8)), "what": np.zeros(3), "present": np.ones(1)}
    np.testing.assert_array_equal(draw_percepts(frame, others), enlarged(frame, SCALE))
    np.testing.assert_array_equal(
        draw_percepts(frame, {**percepts, **others}), draw_percepts(frame, percepts)
    )


def test_another_percept_is_one_line(frame: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(picture: np.ndarray, percepts: Mapping[str, np.ndarray], scale: int) -> None:
        picture[: scale * int(percepts["horizon"])] = 7

    monkeypatch.setitem(overlay.DRAWN, "horizon", fill)
    picture = draw_percepts(frame, {"horizon": np.array(10)}, 2)
    assert (picture[:20] == 7).all() and (picture[20:] == GREY).all()


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
        (FRAME, {"boxes": np.zeros((2, 3))}, 1, r"boxes must have shape \(K, 4\)"),
        (FRAME, {"boxes": np.zeros((2, 4)), "label": np.zeros(3)}, 1, r"label must .* \(2,\), got"),
        (FRAME, {"tracks": np.zeros((2, 3))}, 1, r"tracks must have shape \(M, L, 2\), got \(2, 3"),
        (FRAME, {"tracks": np.zeros((2, 3, 2)), "present": np.zeros(3)}, 1, r"present must .*2,\)"),
        (FRAME, {"tracks": np.zeros((2, 3, 2)), "label": np.zeros(3)}, 1, r"label must .*2,\)"),
        (FRAME, {"gaze": np.zeros((1, 2))}, 1, r"gaze must have shape \(2,\), got \(1, 2\)"),
        (FRAME, {"heatmap": np.zeros(3)}, 1, r"heatmap must have shape \(h, w\), got \(3,\)"),
    ],
)
def test_bad_input(frame: np.ndarray, percepts: dict, scale: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_percepts(frame, percepts, scale)
