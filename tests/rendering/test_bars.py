import numpy as np
import pytest

from objwrappers.rendering.bars import (
    COLOUR,
    bar_cells,
    blend_bars,
    check_noise,
    draw_bars,
    visible_share,
)
from objwrappers.resizing import resize_frames

NO_BAR = np.array([np.nan])


def test_published_size_and_place():
    cells = bar_cells(np.array([0, 10, 78]), 84)
    assert [np.flatnonzero(row).tolist() for row in cells] == [
        [0, 1, 2, 3, 4],
        [10, 11, 12, 13, 14],
        [78, 79, 80, 81, 82],
    ]


def test_native_bars_are_to_scale():
    # 5/84 of 160 columns are 9.5, of 210 rows 12.5; position 42 is the middle.
    assert np.flatnonzero(bar_cells(np.array([42]), 160)).tolist() == list(range(80, 90))
    assert np.flatnonzero(bar_cells(np.array([42]), 210)).tolist() == list(range(105, 117))


def test_horizontal_and_vertical_bars_are_opaque_and_nothing_else_changes():
    frames = np.full((2, 84, 84, 3), 7, np.uint8)
    noisy = draw_bars(frames, np.array([3, np.nan]), np.array([np.nan, 70]))
    expected = frames.copy()
    expected[0, :, 3:8] = (128, 0, 255)
    expected[1, 70:75] = (128, 0, 255)
    np.testing.assert_array_equal(noisy, expected)
    assert (frames == 7).all()


def test_blending_equals_drawing_before_the_resize():
    rng = np.random.default_rng(0)
    across, down = rng.integers(0, 79, 20), rng.integers(0, 79, 20)
    frames = np.broadcast_to(rng.integers(0, 256, (20, 1, 1, 3), np.uint8), (20, 210, 160, 3))

    def small(native):
        return resize_frames(np.ascontiguousarray(native), 84, 84)

    first = small(draw_bars(frames, across, down)).astype(int)
    visible = visible_share(across, down, (84, 84), (210, 160))
    then = blend_bars(small(frames), visible).astype(int)
    assert np.abs(first - then).max() <= 1
    assert (then == COLOUR).all(-1).mean() > 0.05


def test_no_bar_changes_nothing():
    frames = np.random.default_rng(0).integers(0, 256, (1, 84, 84, 3), np.uint8)
    np.testing.assert_array_equal(draw_bars(frames, NO_BAR, NO_BAR), frames)
    visible = visible_share(NO_BAR, NO_BAR, (84, 84), (210, 160))
    assert (visible == 1).all()
    np.testing.assert_array_equal(blend_bars(frames, visible), frames)


def test_an_unknown_noise_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown noise 'horizontl'\. Did you mean 'horizontal'"):
        check_noise("horizontl")
