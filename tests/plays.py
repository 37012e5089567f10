"""Plays of which everything is known."""

import numpy as np

from objwrappers.pretraining.roles.play import FRAME_EVERY, Play

SIZE = (100, 80)  # of the frames, height and width


def made_up_play(centres, labels, *, sizes=8.0, action=None, num_actions=4, **given) -> Play:
    """A play of one env.

    Args:
        centres: (T, R, 2), pixels; NaN where a row is free.
        labels: (R,).
        sizes: Of all boxes, pixels.
        action: (T,).
        num_actions: That there are.
        **given: Other attributes of the play.
    """
    centres = np.asarray(centres, np.float32)[:, None]
    steps, _, rows = centres.shape[:3]
    there = np.isfinite(centres).all(-1)
    age = np.zeros((steps, 1, rows), np.int32)
    for t in range(steps):
        age[t] = np.where(there[t], (age[t - 1] if t else 0) + 1, 0)
    height, width = SIZE
    boxes = np.zeros((steps, 1, rows, 4), np.float32)
    boxes[..., :2] = np.nan_to_num(centres) * [2 / width, 2 / height] - 1
    boxes[..., 2:] = np.array([sizes / width, sizes / height])
    first = np.zeros((steps, 1), bool)
    first[0] = True
    kept = -(-steps // FRAME_EVERY)
    return Play(
        **{
            "boxes": boxes,
            "age": age,
            "found": there,
            "label": np.asarray(labels),
            "action": np.zeros((steps, 1), int) if action is None else np.asarray(action)[:, None],
            "reward": np.zeros((steps, 1), np.float32),
            "harmed": np.zeros((steps, 1), bool),
            "first": first,
            "frames": np.zeros((kept, 1, height, width, 3), np.uint8),
            "num_actions": num_actions,
            **given,
        }
    )
