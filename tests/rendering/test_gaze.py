import numpy as np
import pytest

from objwrappers.rendering.gaze import ATTENDED, HUMAN, PREDICTED, draw_gaze
from objwrappers.rendering.saliency import tint


def at(row, column):
    density = np.zeros((210, 160))
    density[row, column] = 0.003  # of any scale
    return density


def test_a_tint_mixes_as_much_as_it_is_salient():
    frame = np.full((2, 2, 3), 100, np.uint8)
    drawn = tint(frame, np.array([[0.0, 0.5], [1.0, 0.25]]), (200, 0, 100), strength=0.8)
    assert drawn[0, 0].tolist() == [100, 100, 100] and drawn[0, 1].tolist() == [140, 60, 100]
    assert drawn[1, 0].tolist() == [180, 20, 100] and drawn[1, 1].tolist() == [120, 80, 100]


def test_both_densities_have_their_hues():
    frame = np.zeros((210, 160, 3), np.uint8)
    picture = draw_gaze(frame, at(50, 20), at(150, 100), scale=1)
    np.testing.assert_allclose(picture[50, 20], 0.7 * np.array(PREDICTED), atol=1)
    np.testing.assert_allclose(picture[150, 100], 0.7 * np.array(HUMAN), atol=1)
    assert (picture.sum(-1) > 0).sum() == 2
    picture = draw_gaze(frame, at(50, 20), scale=1, hue=ATTENDED)
    np.testing.assert_allclose(picture[50, 20], 0.7 * np.array(ATTENDED), atol=1)
    assert frame.max() == 0
    assert draw_gaze(frame, np.zeros((84, 84)), scale=1).max() == 0


def test_samples_become_brighter_and_stay_on_the_screen():
    frame = np.zeros((210, 160, 3), np.uint8)
    samples = np.array([[10.0, 20.0], [-3.0, 5.0], [np.nan, 5.0], [100.0, 200.0]])
    picture = draw_gaze(frame, samples=samples, scale=2)
    assert picture.shape == (420, 320, 3)
    assert (picture[40, 20] == 131).all() and (picture[400, 200] == 255).all()
    assert (picture[:30].max(), picture[:, :4].max()) == (0, 0)


def test_text_is_a_line_above():
    plain = draw_gaze(np.full((210, 160, 3), 9, np.uint8), scale=1)
    with_text = draw_gaze(np.full((210, 160, 3), 9, np.uint8), text="NSS 4.7", scale=1)
    np.testing.assert_array_equal(with_text[-210:], plain)
    assert with_text[:-210].max() > 200


def test_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"got float64 of shape \(4, 4, 3\), and 1"):
        draw_gaze(np.zeros((4, 4, 3)), scale=1)
    with pytest.raises(ValueError, match="and 0"):
        draw_gaze(np.zeros((4, 4, 3), np.uint8), scale=0)
