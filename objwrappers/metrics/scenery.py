"""Objects that stand still: scores, clocks, lives, shields, seen on the frame where they lie.

They are no relevant objects, but objects: part of the truth where all are to be found.

* :func:`still_sprites`: frame → objects
"""

from __future__ import annotations

import numpy as np

from objwrappers.games import check_game
from objwrappers.metrics.sprite import Sprite

__all__ = ["still_sprites"]

Region = tuple[str, int, int, int, int]

LEAST_PIXELS = 3

STILL: dict[str, tuple[Region, ...]] = {
    "Pong": (("enemy score", 8, 80, 1, 22), ("player score", 80, 152, 1, 22)),
    "MsPacman": (
        ("lives", 8, 60, 172, 185),
        ("fruit to come", 110, 150, 172, 186),
        ("score", 50, 120, 186, 196),
    ),
    "SpaceInvaders": (
        ("player score", 0, 78, 5, 22),
        ("enemy score", 82, 160, 5, 22),
        *(("shield", 42 + 32 * i, 50 + 32 * i, 157, 175) for i in range(3)),
        ("lives", 80, 100, 185, 195),
    ),
    "Boxing": (
        ("player score", 40, 72, 4, 13),
        ("enemy score", 98, 130, 4, 13),
        ("clock", 58, 98, 16, 25),
        ("logo", 58, 98, 188, 197),
    ),
    "Tennis": (
        ("enemy score", 40, 72, 4, 13),
        ("player score", 94, 130, 4, 13),
        ("logo", 36, 76, 192, 201),
    ),
    "Skiing": (
        ("gates left", 55, 90, 4, 12),
        ("clock", 50, 105, 13, 23),
        ("logo", 60, 105, 184, 197),
    ),
    "Asterix": (("lives", 50, 95, 168, 181), ("score", 60, 110, 183, 192)),
    "Riverraid": (
        ("score", 60, 110, 165, 174),
        ("fuel gauge", 63, 106, 174, 191),
        ("lives", 50, 63, 191, 201),
        ("logo", 64, 106, 191, 201),
    ),
}
"""Game → name and left, right, top, bottom of where an object stands, native pixels."""

COLOURS = {
    ("SpaceInvaders", "player score"): (50, 132, 50),
    ("SpaceInvaders", "enemy score"): (162, 134, 56),
    ("SpaceInvaders", "lives"): (162, 134, 56),
}
"""Colours of what shares its place with others: the cannon, the UFO."""


def still_sprites(game: str, frame: np.ndarray) -> list[Sprite]:
    """Returns the objects of a frame that stand still, not scored.

    Their boxes are as tight as what is drawn: a score of two digits is wider than one of a digit.

    Args:
        game: ``"MsPacman"``; other games than those of SPACE-Time's have none here.
        frame: uint8 (210, 160, 3), without bars.

    Raises:
        ValueError: No such game.
    """
    name = check_game(game)
    seen: dict[str, int] = {}
    found = []
    for kind, left, right, top, bottom in STILL.get(name, ()):
        number = seen[kind] = seen.get(kind, -1) + 1
        inside = frame[top:bottom, left:right].astype(int)
        if (name, kind) in COLOURS:
            drawn = (np.abs(inside - COLOURS[name, kind]) < 12).all(-1)
        else:
            drawn = (inside != _commonest(inside)).any(-1)
        y, x = np.nonzero(drawn)
        if len(y) < LEAST_PIXELS:
            continue
        x0, x1, y0, y1 = left + x.min(), left + x.max() + 1, top + y.min(), top + y.max() + 1
        middle = float(x0 + x1) / 2, float(y0 + y1) / 2
        found.append(Sprite(kind, *middle, float(x1 - x0), float(y1 - y0), False, number))
    return found


_CODE = np.array([1 << 16, 1 << 8, 1])


def _commonest(pixels: np.ndarray) -> np.ndarray:
    # Rows of three are sorted a hundred times as slowly as numbers.
    codes, counts = np.unique(pixels.reshape(-1, 3) @ _CODE, return_counts=True)
    return codes[counts.argmax()] // _CODE % 256
