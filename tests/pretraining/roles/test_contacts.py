"""Harm and worth of touches, counted by hand."""

import numpy as np
import pytest
from plays import made_up_play

from objwrappers.pretraining.roles.contacts import outcomes, touches

STEPS = 400


def approaching(times, far=(70.0, 90.0), near=(40.0, 45.0)):
    """Is far, except for the step at each of the times and the one after it."""
    places = np.tile(np.array(far), (STEPS, 1))
    for t in times:
        places[t : t + 2] = near
    return places


def play_of(ghost, fruit, harmed=(), reward=None, starts=()):
    player = np.tile([40.0, 50.0], (STEPS, 1))
    lost = np.zeros((STEPS, 1), bool)
    lost[list(harmed)] = True
    paid = np.zeros((STEPS, 1), np.float32) if reward is None else reward[:, None]
    places = np.stack([player, approaching(ghost), approaching(fruit, near=(44.0, 58.0))], 1)
    first = np.zeros((STEPS, 1), bool)
    first[[0, *starts]] = True
    return made_up_play(places, [0, 1, 2], harmed=lost, reward=paid, first=first)


def test_a_touch_begins_once():
    began = touches(play_of([20, 60], [100]), 0)
    assert np.argwhere(began[:, 0]).tolist() == [[20, 1], [60, 1], [100, 2]]


def test_a_life_is_put_down_to_who_was_touched_last():
    ghost = [20, 60, 100, 140, 180, 220]
    fruit = [30, 70, 110, 150, 190, 230]
    reward = np.full(STEPS, 0.5)
    reward[fruit] = 100
    play = play_of(ghost, fruit, harmed=[25, 62, 135, 390], reward=reward)
    harm, worth = outcomes(play, 0)
    # 25 and 62 follow ghosts, 135 the fruit of 110; 390 follows nothing.
    assert harm.tolist() == pytest.approx([0, 2 / 6, 1 / 6])
    # Three steps from a touch on: 101 of the fruit, 1.5 of the ghost. At the 388 other steps it is
    # 1.5, too, but for the two before each fruit, with 101, and the last two, with 1 and .5.
    usual = (1.5 * (388 - 12 - 2) + 101 * 12 + 1.5) / 388
    assert worth.tolist() == pytest.approx([0, 1.5 - usual, 101 - usual], abs=1e-4)


def test_a_touch_ends_with_its_episode():
    assert touches(play_of([20, 26], []), 0).sum() == 1
    began = touches(play_of([20, 26], [], starts=[24]), 0)
    assert np.argwhere(began[:, 0]).tolist() == [[20, 1], [26, 1]]


def test_a_touch_costs_one_life_and_none_of_another_episode():
    ghost, fruit = [20, 60, 100, 140, 180], [300, 320, 340, 360, 380]
    # 22 and 25 follow the ghost of 20, but a life is lost once; 62 is of another episode.
    play = play_of(ghost, fruit, harmed=[22, 25, 62, 105], starts=[62])
    assert outcomes(play, 0)[0].tolist() == pytest.approx([0, 2 / 5, 0])


def test_of_few_touches_nothing_is_known():
    harm, worth = outcomes(play_of([20], [30, 70], harmed=[25, 32]), 0)
    assert harm.tolist() == worth.tolist() == [0, 0, 0]
