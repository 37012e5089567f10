"""What of a game is wall, and what vanishes when it is touched.

* :func:`landscape`: a play → the whole scenery, its walls, and what vanishes
"""

from __future__ import annotations

import cv2
import numpy as np

from objwrappers.perception.scenes.subtraction import THRESHOLD
from objwrappers.pretraining.roles.play import FRAME_EVERY, Play

__all__ = ["landscape"]

EARLY = 160  # steps of an episode, in which little has vanished
MOST_EARLY = 300  # frames
GONE_FOR = 3  # kept frames in a row: an object that passes by is gone sooner
GONE_IN = 2  # episodes
PASSABLE = 0.3  # share of a colour's pixels where objects were: below, it is of walls
MARGIN_PX = 2  # around boxes
REACH_PX = 3  # around boxes: what bounces off is a little away before and after
CHIPPED = 0.1  # share of a shape's pixels that must be seen to vanish: the rest will follow


def landscape(play: Play) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the scenery of a play.

    Returns:
        uint8 (H, W, 3), what the game looks like while nothing has vanished; bool (H, W), walls:
        what is of a colour that objects seldom pass, and was not passed; bool (H, W), what was
        scenery and then was not, where objects touched it, the rest of its shape, and shapes of
        the same size.
    """
    since = _steps_since_start(play)[::FRAME_EVERY]
    whole = _usual(_early(play.frames, since))
    boxes = _corners(play, *whole.shape[:2])
    touched, passed = _places(play, _grown(boxes, REACH_PX)), _places(play, _cores(boxes))
    gone = _where(_gone(play, since, whole, boxes) >= GONE_IN, touched)
    vanishing = gone | _alike(whole, gone)
    walls = _impassable(whole, passed) & ~vanishing
    return whole, walls, vanishing


def _steps_since_start(play: Play) -> np.ndarray:
    steps = np.arange(len(play.first))[:, None]
    return steps - np.maximum.accumulate(np.where(play.first, steps, 0), 0)


def _early(frames: np.ndarray, since: np.ndarray) -> np.ndarray:
    """Frames soon after an episode's start that are not its first, standing picture."""
    chosen = []
    for n in range(frames.shape[1]):
        start: np.ndarray | None = None
        for k in range(len(frames)):
            if start is None or since[k, n] < FRAME_EVERY:
                start = frames[k, n]
            elif since[k, n] <= EARLY and (frames[k, n] != start).any(-1).mean() > 1e-3:
                chosen.append(frames[k, n])
    return np.stack(chosen[:MOST_EARLY] or [*frames[:, 0]])


def _usual(frames: np.ndarray) -> np.ndarray:
    """The most frequent colour of each pixel, uint8 (H, W, 3)."""
    code = frames[..., 0].astype(np.uint32) << 16
    code |= frames[..., 1].astype(np.uint32) << 8
    code |= frames[..., 2]
    colours, index = np.unique(code, return_inverse=True)
    index = index.reshape(len(frames), -1)
    counts = np.zeros(index.shape[1], np.int32)
    mode = np.zeros(index.shape[1], np.int64)
    for number in range(len(colours)):
        found = (index == number).sum(0, dtype=np.int32)
        mode[found > counts] = number
        np.maximum(counts, found, out=counts)
    usual = colours[mode].reshape(frames.shape[1:3])
    return np.stack([usual >> 16, usual >> 8 & 255, usual & 255], -1).astype(np.uint8)


def _gone(play: Play, since: np.ndarray, whole: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """In how many episodes each pixel was other than at first for long, int (H, W)."""
    gone_in = np.zeros(whole.shape[:2], int)
    for n in range(play.frames.shape[1]):
        streak = np.zeros(gone_in.shape, int)
        counted = np.zeros(gone_in.shape, bool)
        for k in range(len(play.frames)):
            if k and since[k, n] < since[k - 1, n]:
                streak[:], counted[:] = 0, False
            step = k * FRAME_EVERY
            covered = np.zeros(gone_in.shape, bool)
            there = play.age[step, n] > 0
            _cover(covered, _grown(boxes[step, n, there], MARGIN_PX))
            change = cv2.absdiff(play.frames[k, n], whole).max(-1) > THRESHOLD
            streak = np.where(covered, streak, np.where(change, streak + 1, 0))
            new = (streak >= GONE_FOR) & ~counted
            gone_in += new
            counted |= new
    return gone_in


def _corners(play: Play, height: int, width: int) -> np.ndarray:
    """Left, top, right and bottom of all boxes, int (T, N, R, 4)."""
    low = np.floor(play.centres - play.sizes / 2)
    high = np.ceil(play.centres + play.sizes / 2)
    return np.concatenate([low, high], -1).astype(int)


def _grown(boxes: np.ndarray, margin: int) -> np.ndarray:
    return boxes + np.array([-1, -1, 1, 1]) * margin


def _cores(boxes: np.ndarray) -> np.ndarray:
    """The middle half of large boxes, which may reach over walls; small ones grown a little."""
    quarter = (boxes[..., 2:] - boxes[..., :2]) // 4
    inset = np.where(quarter >= 2, quarter, -MARGIN_PX)
    return np.concatenate([boxes[..., :2] + inset, boxes[..., 2:] - inset], -1)


def _cover(places: np.ndarray, boxes: np.ndarray) -> None:
    for left, top, right, bottom in np.maximum(boxes, 0):
        places[top:bottom, left:right] = True


def _places(play: Play, boxes: np.ndarray) -> np.ndarray:
    """Where boxes were, bool (H, W)."""
    places = np.zeros(play.frames.shape[2:4], bool)
    _cover(places, np.unique(boxes[play.found], axis=0))
    return places


def _where(gone: np.ndarray, touched: np.ndarray) -> np.ndarray:
    """Connected parts of what is gone that objects touched somewhere: scores, too, change."""
    _, parts = cv2.connectedComponents(gone.astype(np.uint8), connectivity=4)
    return gone & np.isin(parts, np.unique(parts[gone & touched]))


def _alike(whole: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Shapes of one colour that vanish, and all of their size, bool (H, W)."""
    shape, sizes = _shapes(whole)
    lost = np.bincount(shape[gone], minlength=len(sizes))
    vanish = sizes[lost >= CHIPPED * sizes[:, 2]]
    return (sizes[:, None] == vanish).all(-1).any(-1)[shape]


def _shapes(whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts of one colour: the number of each pixel's; width, height, area of each."""
    number = np.zeros(whole.shape[:2], int)
    sizes: list[np.ndarray] = []
    for colour in np.unique(whole.reshape(-1, 3), axis=0):
        mask = (whole == colour).all(-1).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        number += np.where(parts > 0, parts - 1 + len(sizes), 0)
        sizes.extend(stats[1:, 2:])
    return number, np.stack(sizes)


def _impassable(whole: np.ndarray, passed: np.ndarray) -> np.ndarray:
    walls = np.zeros(passed.shape, bool)
    for colour in np.unique(whole.reshape(-1, 3), axis=0):
        of_colour = (whole == colour).all(-1)
        if passed[of_colour].mean() < PASSABLE:
            walls |= of_colour & ~passed
    return walls
