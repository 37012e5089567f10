"""Classes that are one thing: a ball of two colours, and ghosts that are not."""

import numpy as np
from plays import made_up_play

from objwrappers.pretraining.roles.identity import merge, one_thing, turnings

NOWHERE = [np.nan, np.nan]


def ball_of_two_colours(steps=200, period=5):
    """A ball whose class changes every few steps, beside a paddle."""
    path = np.stack([20 + 3 * (np.arange(steps) % 10), np.full(steps, 40.0)], -1)
    red = (np.arange(steps) // period) % 2 == 0
    one, other = np.where(red[:, None], path, np.nan), np.where(red[:, None], np.nan, path)
    paddle = np.tile([40.0, 90.0], (steps, 1))
    return made_up_play(np.stack([one, paddle, other], 1), [0, 1, 2])


def test_turnings_are_counted_where_one_ends_and_another_begins():
    counts = turnings(ball_of_two_colours())
    # Of 39 changes those at a multiple of ten are of another lap, 27 pixels away.
    assert counts.tolist() == [[0, 0, 20], [0, 0, 0], [0, 0, 0]]


def test_a_ball_of_two_colours_is_one_thing():
    play = ball_of_two_colours()
    groups = one_thing(play)
    assert groups == [[0, 2], [1]]
    assert merge(play, groups).label.tolist() == [0, 1, 0]


def test_two_that_are_there_at_once_are_two():
    steps = 200
    here, there = (np.tile([x, 40.0], (steps, 1)) for x in (20.0, 60.0))
    for t in range(0, steps, 10):  # one flickers while the other passes by
        here[t : t + 3] = np.nan
        there[t + 1 : t + 3] = 21.0, 40.0
    play = made_up_play(np.stack([here, there], 1), [0, 1])
    assert one_thing(play) == [[0], [1]]


def test_what_several_ghosts_turn_into_stays_a_class():
    steps, rows = 400, 4
    places = np.full((steps, 6, 2), np.nan)
    for ghost in range(2):
        path = np.stack([10 + 30 * ghost + 0 * np.arange(steps), 20 + np.arange(steps) % 60], -1)
        blue = (np.arange(steps) // 20) % 2 == 1
        places[~blue, ghost] = path[~blue]
        places[blue, 2 + ghost] = path[blue]
    play = made_up_play(places[:, :rows], [0, 1, 2, 2])
    assert one_thing(play) == [[0], [1], [2]]
