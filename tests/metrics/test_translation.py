"""Measures of translated videos, by hand."""

import numpy as np
import pytest

from objwrappers.metrics.translation import copy_error, frame_error, probe_r2, time_error


def test_frame_error_sums_over_a_frame_and_averages_over_frames():
    truth = np.zeros((2, 1, 4, 4, 3))
    made = truth.copy()
    made[0, 0, 1, 2] = 0.5  # 3 · .25, of one frame of two
    made[1, 0, 0, 0, 0] = 1.0
    assert frame_error(made, truth) == (0.75 + 1) / 2
    as_bytes = (made > 0.9).astype(np.uint8) * 255
    assert frame_error(as_bytes, truth) == 0.5


def test_copying_errs_where_something_moved():
    context = np.zeros((1, 2, 2, 3), np.uint8)
    truth = np.zeros((1, 3, 2, 2, 3), np.uint8)
    truth[0, 1, 0, 0] = 255
    truth[0, 2, 0, :] = 255
    assert copy_error(truth, context) == (0 + 3 + 6) / 3
    assert copy_error(truth[0], context[0]) == 3


def test_time_error_counts_frames():
    own = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]])
    assert time_error(own + 0.4, own) == 0
    # 0.9 and 1.2 are nearest to frame 1, 2.9 and 9 to frame 3.
    assert time_error(np.array([[0.9, 0], [1.2, 0], [2.9, 0], [9, 0]]), own) == (1 + 0 + 1 + 0) / 4
    assert time_error(own[::-1], own) == (3 + 1 + 1 + 3) / 4


def test_a_probe_reads_what_is_there():
    rng = np.random.default_rng(0)
    angles = [rng.uniform(-np.pi, np.pi, (n, 2)) for n in (400, 300)]
    mixing = rng.normal(size=(4, 6))
    told = [3 + np.concatenate([np.cos(a), np.sin(a)], 1) @ mixing for a in angles]
    # One number that never changes is no harm.
    told = [np.concatenate([x, np.full((len(x), 1), 7.0)], 1) for x in told]
    assert probe_r2(told[0], angles[0], told[1], angles[1]) == pytest.approx(1, abs=0.02)
    untold = [rng.normal(size=x.shape) for x in told]
    assert -0.2 < probe_r2(untold[0], angles[0], untold[1], angles[1]) < 0.03


def test_a_probe_by_hand():
    # One joint at 0 or π: only its cosine varies, and the feature is that cosine.
    x, angles = np.array([[1.0], [-1], [1], [-1]]), np.array([[0.0], [np.pi], [0], [np.pi]])
    # The ridge shrinks the weight of 1 by 1 / 1.001.
    assert probe_r2(x, angles, x, angles) == pytest.approx(1 - (1 - 1 / 1.001) ** 2, abs=1e-9)
    # The sign of half the test's features is wrong: errors of 0 and of about 2, variance 1.
    mixed = np.array([[1.0], [1], [-1], [-1]])
    assert probe_r2(x, angles, mixed, angles) == pytest.approx(1 - (0 + 4) / 2, abs=0.01)
    assert np.isnan(probe_r2(x, angles, x, np.zeros((4, 1))))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frame_error(np.zeros((2, 4, 4, 3)), np.zeros((1, 4, 4, 3))), "Pictures and fr"),
        (lambda: frame_error(np.zeros((0, 4, 4, 3)), np.zeros((0, 4, 4, 3))), "Pictures and fr"),
        (lambda: copy_error(np.zeros((2, 3, 4, 4, 3)), np.zeros((1, 4, 4, 3))), "as many contexts"),
        (lambda: time_error(np.zeros((3, 2)), np.zeros((4, 2))), r"\(3, 2\) and \(4, 2\)"),
        (lambda: time_error(np.zeros((0, 2)), np.zeros((0, 2))), "one video"),
        (lambda: probe_r2(*[np.zeros((3, 2))] * 3, np.zeros((4, 2))), r"\(3, 2\), \(4, 2\)"),
    ],
)
def test_shapes_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_only_the_first_moments_count_if_asked():
    own = np.arange(5.0)[:, None]
    predicted = np.array([0.0, 2, 2, 2, 0])[:, None]
    assert time_error(predicted, own) == (0 + 1 + 0 + 1 + 4) / 5
    assert time_error(predicted, own, 3) == 1 / 3
