"""Who moves as the actions say, in movements that are made up."""

import numpy as np
import pytest
from plays import made_up_play

from objwrappers.pretraining.roles.agency import FEW, agencies, agency


def test_omega_squared_of_a_small_table():
    # Two actions, displacements of x: 1, 3 | 5, 7; between 16, within 4, total 20 of 4 numbers:
    # (16 - 1 · 4/2) / (20 + 4/2) = 14/22. Repeated k times within is 4k / (4k - 2).
    k = 100
    moved = np.tile([[1.0, 0], [3, 0], [5, 0], [7, 0]], (k, 1))
    action = np.tile([0, 0, 1, 1], k)
    within = 4 * k / (4 * k - 2)
    assert agency(moved, action, 2) == pytest.approx((16 * k - within) / (20 * k + within))


def test_what_does_as_it_is_told_has_one_and_chance_has_none():
    rng = np.random.default_rng(0)
    action = rng.integers(4, size=2000)
    told = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])[action].astype(float)
    assert agency(told, action, 4) == pytest.approx(1)
    assert agency(rng.normal(size=(2000, 2)), action, 4) < 0.01
    assert agency(np.zeros((2000, 2)), action, 4) == 0
    assert agency(told[: FEW - 1], action[: FEW - 1], 4) == 0


def test_the_player_is_the_class_with_the_highest_and_jumps_do_not_count():
    rng = np.random.default_rng(1)
    steps = 600
    action = rng.integers(2, size=steps)
    way = np.where(action == 0, 1.0, -1.0) + rng.normal(0, 0.3, steps)
    player = np.stack([40 + np.r_[0, way.cumsum()[:-1]], np.full(steps, 50.0)], -1)
    other = rng.normal(0, 2, (steps, 2)).cumsum(0) / 10 + 30
    other[::7] += 30  # it is lost, and another is taken for it
    play = made_up_play(np.stack([other, player], 1), [0, 1], action=action, num_actions=2)
    found = agencies(play)
    assert found[1] > 0.8
    assert found[0] < 0.05
