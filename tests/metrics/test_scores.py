"""Interquartile means and their intervals, by hand."""

import numpy as np
import pytest

from objwrappers.metrics.scores import interquartile_mean, stratified_interval


def test_the_interquartile_mean_leaves_a_quarter_out_at_each_end():
    assert interquartile_mean(np.array([[-99, 1], [2, 3], [4, 5], [6, 1e6]])) == 3.5
    # Of three nothing is left out, of five one at each end.
    assert interquartile_mean(np.array([1, 2, 9])) == 4
    assert interquartile_mean(np.array([0, 1, 2, 3, 100])) == 2


def test_the_interval_of_two_runs_is_their_range():
    # Resamples have means 0, 0.5 and 1, a quarter, a half and a quarter of them.
    assert stratified_interval([[0.0, 1.0]]) == (0.0, 1.0)
    assert stratified_interval([[3.0, 3.0, 3.0]]) == (3.0, 3.0)


def test_runs_are_resampled_within_their_task():
    # One run of each task stays what it is: only the second task's runs vary, and with them the
    # means of three, (0 + 10 + 10) / 3 to (0 + 16 + 16) / 3.
    low, high = stratified_interval([[0.0], [10.0, 16.0]])
    assert (low, high) == pytest.approx((20 / 3, 32 / 3))
    # Drawn from all six together, resamples of nothing but the first task would reach 0.
    low, _ = stratified_interval([[0.0, 0.0, 0.0], [3.0, 3.0, 3.0]])
    assert low == 1.5


def test_what_cannot_be_resampled_has_no_interval():
    assert stratified_interval([]) is None
    assert stratified_interval([[]]) is None
    assert stratified_interval([[1.0], [2.0]]) is None
