"""Walls and pills of a maze that is made up, and bricks."""

import numpy as np
from plays import SIZE, made_up_play

from objwrappers.pretraining.roles.landscape import landscape
from objwrappers.pretraining.roles.play import FRAME_EVERY

BLUE, PINK = (0, 28, 136), (228, 111, 111)
LAPS, LAP = 12, 400  # episodes, steps of each


def maze() -> np.ndarray:
    """A corridor of two rows of pills between walls of the pills' colour."""
    frame = np.full((*SIZE, 3), PINK, np.uint8)
    frame[30:70] = BLUE
    for x in range(6, 76, 12):
        frame[39:41, x : x + 4] = PINK
        frame[59:61, x : x + 4] = PINK
    return frame


def test_what_is_gone_vanishes_and_what_is_alike_too():
    steps = LAPS * LAP
    time = np.arange(steps) % LAP
    # The player goes along the upper row, and eats the first five of its six pills.
    player = np.stack([10 + np.minimum(time / 6, 50), np.full(steps, 40.0)], -1)
    # Another goes up and down the whole corridor, everywhere.
    ghost = np.stack([4 + 7.3 * np.arange(steps) % 72, 34 + 5.1 * np.arange(steps) % 32], -1)
    first = (time == 0)[:, None]
    play = made_up_play(np.stack([player, ghost], 1), [0, 1], first=first)
    frames = []
    for t in range(0, steps, FRAME_EVERY):
        frame = maze()
        for x in range(6, 76, 12):
            if x < player[t, 0]:
                frame[39:41, x : x + 4] = BLUE
        for colour, (x, y) in (((210, 210, 64), player[t]), ((200, 72, 72), ghost[t])):
            x, y = int(x), int(y)
            frame[max(0, y - 4) : y + 4, max(0, x - 4) : x + 4] = colour
        frames.append(frame[None])
    play = made_up_play(np.stack([player, ghost], 1), [0, 1], first=first, frames=np.stack(frames))
    whole, walls, vanishing = landscape(play)
    pills = np.zeros(SIZE, bool)
    for y in (39, 59):
        for x in range(6, 76, 12):
            pills[y : y + 2, x : x + 4] = True
    truth = maze()
    # Under the player's start the usual colour is the player's, or what it leaves behind.
    elsewhere = np.ones(SIZE, bool)
    elsewhere[34:46, :30] = False
    np.testing.assert_array_equal(whole[elsewhere], truth[elsewhere])
    np.testing.assert_array_equal(vanishing[elsewhere], pills[elsewhere])
    wall = (truth == PINK).all(-1) & ~pills
    np.testing.assert_array_equal(walls[:28], wall[:28])
    np.testing.assert_array_equal(walls[72:], wall[72:])
    assert not walls[36:64].any()


def test_a_row_of_which_a_brick_is_gone_vanishes_and_so_do_rows_of_its_size():
    steps = LAPS * LAP
    time = np.arange(steps) % LAP
    # A ball, eight by eight, is seen two pixels below the bricks when it bounces off, and is then
    # somewhere below. The lowest row loses a brick; the digit above changes, and nothing is near.
    y = np.where(time % 40 == 0, 44.0, 60 + time % 40 * 0.8)
    ball = np.stack([10 + 7.3 * np.arange(steps) % 60, y], -1)
    ball[time % 40 == 0, 0] = 20
    first = (time == 0)[:, None]
    frames = []
    for t in range(0, steps, FRAME_EVERY):
        frame = np.zeros((*SIZE, 3), np.uint8)
        for row, colour in enumerate(((200, 72, 72), (180, 122, 48), (66, 72, 200))):
            frame[20 + 6 * row : 26 + 6 * row, 8:72] = colour
        frame[5:10, 10:14] = 142
        if time[t] > 200:
            frame[32:38, 16:24], frame[5:10, 10:12] = 0, 0
        x, y = ball[t].astype(int)
        frame[y - 4 : y + 4, x - 4 : x + 4] = 200, 72, 72
        frames.append(frame[None])
    play = made_up_play(ball[:, None], [0], first=first, frames=np.stack(frames))
    _, walls, vanishing = landscape(play)
    bricks = np.zeros(SIZE, bool)
    bricks[20:38, 8:72] = True
    np.testing.assert_array_equal(vanishing, bricks)
    assert not (walls & bricks).any()
