"""Identity switches, by hand."""

import math

import numpy as np
import pytest

from objwrappers.metrics.identity import Step, Switches, switches

SIZE = 6, 8  # diagonal 10: close is nearer than 5


def step(rows, identities):
    """Row → x and identity → x, all at one height."""
    return Step(
        np.array([*rows], int),
        np.array([(x, 50, *SIZE) for x in rows.values()]),
        [*identities],
        np.array([(x, 50, *SIZE) for x in identities.values()]),
    )


def test_objects_that_keep_their_rows_switch_never():
    steps = [step({0: x, 3: 100 - x}, {"a": x, "b": 100 - x}) for x in range(0, 40, 4)]
    assert switches(steps) == Switches(switches=0, matched=20, steps=10)


def test_a_swap_is_two_switches():
    steps = [step({0: 10, 1: 90}, {"a": 10, "b": 90}), step({0: 90, 1: 10}, {"a": 10, "b": 90})]
    assert switches(steps) == Switches(switches=2, matched=4, steps=2)
    assert switches(steps).per_100_steps == 100


def test_an_object_that_comes_back_in_another_row_has_switched():
    gone = step({}, {"a": 10})
    assert switches([step({0: 10}, {"a": 10}), gone, step({0: 10}, {"a": 10})]).switches == 0
    assert switches([step({0: 10}, {"a": 10}), gone, step({1: 10}, {"a": 10})]).switches == 1


def test_a_row_that_is_still_close_stays_even_if_another_is_closer():
    steps = [step({0: 10}, {"a": 10}), step({0: 14, 1: 10}, {"a": 10})]
    assert switches(steps).switches == 0
    steps = [step({0: 10}, {"a": 10}), step({0: 16, 1: 10}, {"a": 10})]
    assert switches(steps).switches == 1


def test_the_nearest_pair_is_matched_first():
    # Row 0 is nearer to b, row 1 then has to be a's.
    steps = [step({0: 13, 1: 8}, {"a": 10, "b": 14}), step({0: 14, 1: 10}, {"a": 10, "b": 14})]
    assert switches(steps) == Switches(switches=0, matched=4, steps=2)


def test_counts_pool_and_nothing_seen_has_no_rate():
    assert Switches(1, 5, 50) + Switches(2, 5, 50) == Switches(3, 10, 100)
    assert (Switches(1, 5, 50) + Switches(2, 5, 50)).per_100_steps == pytest.approx(3)
    assert math.isnan(switches([]).per_100_steps)
    assert math.isnan(switches([step({}, {"a": 10})]).per_100_steps)
