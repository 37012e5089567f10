"""A made-up game, recorded: a red and a blue sprite travel and cross, a white lamp blinks."""

import numpy as np

from objwrappers.datasets.recordings import RecordingWriter

HEIGHT, WIDTH, STEPS, ENVS = 60, 48, 96, 4
RED, BLUE, WHITE = (200, 0, 0), (0, 0, 200), (240, 240, 240)
SIZE = (6, 8)  # of both sprites, width and height


def _there_and_back(step, length):
    return length - abs(step % (2 * length) - length)


def positions(t, env):
    """Left and top of the red and the blue sprite."""
    red = _there_and_back(2 * t + 9 * env, WIDTH - 6), 22
    blue = _there_and_back(3 * t + 5 * env + 20, WIDTH - 6), 19 + _there_and_back(t, 10)
    return red, blue


def made_up_frame(t, env):
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    # A lamp that blinks and looks full or hollow.
    if (t + 3 * env) % 20 < 8:
        frame[2:10, 20:26] = WHITE
        frame[4:8, 22:24] = WHITE if t % 40 < 20 else 0
    for (left, top), colour in zip(positions(t, env), (RED, BLUE), strict=True):
        part = frame[top : top + 8, left : left + 6]
        np.maximum(part, np.array(colour, np.uint8), out=part)
    return frame


def record(folder, task="Pong"):
    """Writes two shards and returns the folder."""
    frames = np.stack(
        [np.stack([made_up_frame(t, env) for env in range(ENVS)]) for t in range(STEPS)]
    )
    starts = np.zeros((STEPS, ENVS), bool)
    starts[0] = True
    with RecordingWriter(folder, {"task": task}) as writer:
        writer.append(frames[:60], starts[:60])
        writer.append(frames[60:], starts[60:])
    return folder
