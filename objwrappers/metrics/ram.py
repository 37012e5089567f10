"""Where the objects of an Atari game are, read from the console's 128 bytes of memory.

Positions are centres in native pixels: x to the right, y down, pixel column k covers [k, k+1).
Formulas follow AtariARI (Anand et al. 2019) and OCAtari (Delfosse et al. 2023), corrected against
the screen. Static scenery (pills, bricks, shields, igloo) is not listed.

* :class:`Sprite`: one object
* :func:`sprites`: memory → objects
* :func:`play_area`: where on the screen they are looked for
* :func:`pooled`: where the maximum of two raw frames shows them
* :func:`drawn`: is a sprite in the frame, or multiplexed away?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from objwrappers.games import check_game
from objwrappers.metrics.ram_games import RAM_GAMES, Area, Finder
from objwrappers.metrics.sprite import Sprite

__all__ = ["RAM_GAMES", "Sprite", "drawn", "play_area", "pooled", "sprites"]


def sprites(game: str, ram: np.ndarray, before: np.ndarray | None = None) -> list[Sprite]:
    """Returns the moving objects of a frame.

    Args:
        game: ``"MsPacman"``; see :data:`RAM_GAMES`.
        ram: uint8 (128,), memory after the frame's last raw frame.
        before: uint8 (128,), memory before that raw frame. Some sprites are drawn from it
            (all of Ms. Pac-Man); without it they are up to 3 pixels off.

    Raises:
        ValueError: No such game, or one whose memory is not known here, or memory of another
            shape.
    """
    found, area = _known(game)
    if ram.shape != (128,) or (before is not None and before.shape != (128,)):
        raise ValueError(f"RAM has 128 bytes, got an array of shape {ram.shape}.")
    # Integers, because bytes would wrap in the arithmetic.
    r = ram.astype(int).tolist()
    lagged = r if before is None else before.astype(int).tolist()
    clipped = (sprite.clip(*area) for sprite in found(r, lagged))
    return [sprite for sprite in clipped if sprite is not None]


def pooled(objects: list[Sprite], earlier: list[Sprite]) -> list[Sprite]:
    """Returns the objects as large as the maximum of two raw frames shows them.

    An agent's frame is such a maximum: what moves is seen in two places at once.

    Args:
        objects: Of the second raw frame.
        earlier: Of the first. One that is further off than any object moves in a raw frame is
            another object.
    """
    before = {(s.name, s.number): s for s in earlier}
    return [_joined(s, before.get((s.name, s.number), s)) for s in objects]


def _joined(now: Sprite, before: Sprite) -> Sprite:
    if max(abs(now.x - before.x), abs(now.y - before.y)) > FURTHEST_MOVE:
        return now
    x0, x1 = (
        pick(s.x + side * s.width / 2 for s in (now, before))
        for pick, side in ((min, -1), (max, 1))
    )
    y0, y1 = (
        pick(s.y + side * s.height / 2 for s in (now, before))
        for pick, side in ((min, -1), (max, 1))
    )
    return replace(now, x=(x0 + x1) / 2, y=(y0 + y1) / 2, width=x1 - x0, height=y1 - y0)


FURTHEST_MOVE = 10.0  # native pixels; Pong's paddle moves up to 7 in a raw frame


def play_area(game: str) -> tuple[float, float, float, float]:
    """Returns left, right, top and bottom of where a game's objects move, native pixels.

    What is drawn outside (scores, lives) is no object.

    Raises:
        ValueError: No such game, or one whose memory is not known here.
    """
    return _known(game)[1]


def _known(game: str) -> tuple[Finder, Area]:
    name = check_game(game)
    if name not in RAM_GAMES:
        raise ValueError(
            f"Objects of {name} are not known from RAM; known are {', '.join(RAM_GAMES)}."
        )
    return RAM_GAMES[name]


def drawn(sprite: Sprite, raw_frames: np.ndarray) -> bool:
    """Tells whether a sprite is drawn at all: Ms. Pac-Man draws a ghost only in some raw frames.

    Args:
        sprite: From :func:`sprites`.
        raw_frames: uint8 (n, 210, 160, 3), the raw frames that were max-pooled.

    Returns:
        True if a tenth of its box has the sprite's colours in one of the raw frames; always True
        for sprites that do not flicker. Frightened ghosts are all of one colour: a hidden one
        counts as drawn where it overlaps another.
    """
    if sprite.name not in GHOST_COLOURS:
        return True
    x0, x1 = round(sprite.x - sprite.width / 2), round(sprite.x + sprite.width / 2)
    y0, y1 = round(sprite.y - sprite.height / 2), round(sprite.y + sprite.height / 2)
    boxes = raw_frames[:, y0:y1, x0:x1].astype(int)
    colours = np.array([GHOST_COLOURS[sprite.name], *FRIGHTENED_COLOURS])
    like = (np.abs(boxes[:, :, :, None] - colours) < 4).all(-1)
    return bool(like.mean((1, 2)).max() >= 0.1)


GHOST_COLOURS = {
    "sue": (180, 122, 48),
    "inky": (84, 184, 153),
    "pinky": (198, 89, 179),
    "blinky": (200, 72, 72),
}
FRIGHTENED_COLOURS = ((66, 114, 194), (214, 214, 214))
