"""Pictures of saliency: pixels by hand."""

import numpy as np
import pytest

from objwrappers.rendering.saliency import (
    COLOURS,
    LargestScale,
    RunningScale,
    blend,
    channels,
    dashboard,
    glow,
    legend,
)

FRAME = np.full((20, 10, 3), 100, np.uint8)
ORANGE = (255, 160, 40)


@pytest.mark.parametrize("colours", COLOURS)
def test_where_nothing_is_salient_the_game_stays(colours):
    assert (blend(FRAME, np.zeros((5, 5)), colours) == FRAME).all()
    top = legend(40, 1.0, colours)[16, 5].astype(float)
    expected = np.rint(0.3 * 100 + 0.7 * top)
    assert (blend(FRAME, np.ones((5, 5)), colours) == expected).all()


def test_a_map_is_spread_over_the_whole_frame():
    saliency = np.zeros((4, 2))
    saliency[3, 1] = 1
    picture = blend(FRAME, saliency).astype(int)
    assert (picture[:10] == 100).all(), "bilinear: a cell reaches as far as the next ones' middles"
    assert (np.abs(picture[-1, -1] - 100) > 20).all()
    assert (picture[-1, 0] == 100).all()


def test_the_published_pictures():
    # perception.mkv: half the game and half the saliency, and saliency in green, the game in blue.
    saliency = np.full((2, 2), 0.4)
    assert (glow(FRAME, saliency) == round(50 + 0.4 * 127.5)).all()
    newest = np.full((84, 84), 70, np.uint8)
    assert (channels(newest, saliency) == [0, 102, 70]).all()


def test_the_scale_is_a_geometric_mean_of_what_was():
    scale = RunningScale(share=0.5, percentile=100)
    assert (scale(np.zeros((2, 2))) == 0).all() and scale.top == 0
    np.testing.assert_allclose(scale(np.array([[4.0, 1.0]])), [[1, 0.25]])
    np.testing.assert_allclose(scale(np.array([[1.0, 1.0]])), [[0.5, 0.5]], rtol=1e-6)
    assert (scale(np.zeros((2, 2))) == 0).all() and scale.top == pytest.approx(2)
    np.testing.assert_allclose(scale(np.array([[8.0, 2.0]])), [[1, 0.5]], rtol=1e-6)
    with pytest.raises(ValueError, match="got 0 and 99"):
        RunningScale(0, 99)


def test_one_frame_does_not_dim_the_others():
    usual, bright = np.array([[1.0, 0.5]]), np.array([[1000.0, 0.5]])
    scale = RunningScale()
    scale(usual)
    assert scale(bright)[0, 0] == 1
    assert scale(usual)[0, 0] > 0.7


def test_the_published_scale_is_the_largest_value():
    scale = LargestScale()
    assert (scale(np.zeros((2, 2))) == 0).all()
    scale(np.array([[4.0]]))
    assert all(scale(np.array([[1.0]])) == 0.25 for _ in range(100))


def test_a_legend_goes_from_the_top_down():
    bar = legend(100, 2.0, "white")[16:84, 5].astype(int)
    assert (bar[0] == 255).all() and (bar[-1] == 0).all()
    assert (np.diff(bar[:, 0]) <= 0).all()
    assert (legend(100, 2.0, "green")[16, 5] == [0, 255, 0]).all()
    assert legend(100, 2.0).shape == (100, 52, 3)


def test_bars_are_as_long_as_probabilities():
    picture = dashboard(370, ["NOOP", "FIRE", "LEFT"], np.array([0.5, 0.1, 0.4]), 1, ["value 3"])
    assert picture.shape == (64, 370, 3)
    lengths = [(picture[16 * i + 8, 118:318] == picture[16 * i + 8, 118]).all(-1) for i in range(3)]
    # Of 200 pixels; the first pixel after the bar is black.
    assert [int(row.argmin()) for row in lengths] == [101, 21, 81]
    assert (picture[16 + 8, 120] == ORANGE).all() and (picture[8, 120] == 110).all()


def test_q_values_are_bars_from_the_least_to_the_largest():
    picture = dashboard(370, ["a", "b", "c"], np.array([-2.0, 2.0, 0.0]), 1, shares=False)
    lengths = [(picture[16 * i + 8, 118:319].sum(-1) > 0).sum() for i in range(3)]
    assert lengths == [1, 201, 101]
    constant = dashboard(370, ["a", "b"], np.array([1.0, 1.0]), 0, shares=False)
    assert (constant[8, 120:300] == 0).all()


def test_unknown_colours_are_named():
    with pytest.raises(ValueError, match="colours must be one of inferno, turbo, viridis, got 'j"):
        blend(FRAME, np.ones((2, 2)), "jet")
