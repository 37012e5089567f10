"""Where the objects of an Atari game are, read from the console's 128 bytes of memory.

Positions are centres in native pixels: x to the right, y down, pixel column k covers [k, k+1).
Formulas follow AtariARI (Anand et al. 2019) and OCAtari (Delfosse et al. 2023), corrected against
the screen. Static scenery (pills, bricks, shields, igloo) is not listed.

* :class:`Sprite`: one object
* :func:`sprites`: memory → objects
* :func:`drawn`: is a sprite in the frame, or multiplexed away?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from objwrappers.games import check_game

__all__ = ["RAM_GAMES", "Sprite", "drawn", "sprites"]

LEAST_VISIBLE_SHARE = 0.3


@dataclass(frozen=True)
class Sprite:
    """An object on the screen.

    Attributes:
        name: Its class.
        x: Centre, native pixels from the left.
        y: Centre, native pixels from the top.
        width: Native pixels.
        height: Native pixels.
        scored: A relevant moving object: detectors should find it. Others (bullets, mostly
            hidden sprites) count neither for nor against a detector.
    """

    name: str
    x: float
    y: float
    width: float
    height: float
    scored: bool = True

    def clip(self, left: float, right: float, top: float, bottom: float) -> Sprite | None:
        """Returns what is left within [left, right) × [top, bottom), None if nothing is."""
        x0, x1 = max(self.x - self.width / 2, left), min(self.x + self.width / 2, right)
        y0, y1 = max(self.y - self.height / 2, top), min(self.y + self.height / 2, bottom)
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        share = (x1 - x0) * (y1 - y0) / (self.width * self.height)
        scored = self.scored and share >= LEAST_VISIBLE_SHARE
        return replace(
            self,
            x=(x0 + x1) / 2,
            y=(y0 + y1) / 2,
            width=x1 - x0,
            height=y1 - y0,
            scored=scored,
        )


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
    name = check_game(game)
    if name not in RAM_GAMES:
        raise ValueError(
            f"Objects of {name} are not known from RAM; known are {', '.join(RAM_GAMES)}."
        )
    if ram.shape != (128,) or (before is not None and before.shape != (128,)):
        raise ValueError(f"RAM has 128 bytes, got an array of shape {ram.shape}.")
    # Integers, because bytes would wrap in the arithmetic.
    r = ram.astype(int).tolist()
    lagged = r if before is None else before.astype(int).tolist()
    found, area = RAM_GAMES[name]
    clipped = (sprite.clip(*area) for sprite in found(r, lagged))
    return [sprite for sprite in clipped if sprite is not None]


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

Area = tuple[float, float, float, float]
Finder = Callable[[list[int], list[int]], Iterator[Sprite]]


def _pong(r: list[int], _: list[int]) -> Iterator[Sprite]:
    yield Sprite("player", 142, r[51] - 5.5, 4, 16)
    if r[50] > 33:
        yield Sprite("enemy", 18, r[50] - 7, 4, 16)
    if r[54]:
        yield Sprite("ball", r[49] - 48, r[54] - 12, 2, 4)


def _breakout(r: list[int], _: list[int]) -> Iterator[Sprite]:
    width = 2 * r[108]
    if width:
        yield Sprite("paddle", r[72] - 47 + width / 2, 191, width, 4)
    if 0 < r[101] <= 186:
        yield Sprite("ball", r[99] - 48, r[101] + 11, 2, 4)


def _ms_pacman(r: list[int], lagged: list[int]) -> Iterator[Sprite]:
    q = lagged
    yield Sprite("player", q[10] - 8, q[16] + 6, 8, 10)
    if q[33] == 255:  # the death animation hides the others
        return
    for i, name in enumerate(GHOST_COLOURS):
        state = q[1 + i]
        only_eyes = state & 0xD0 == 0x40
        yield Sprite(name, q[6 + i] - 8, q[12 + i] + 6, 8, 10, scored=not only_eyes)
    if q[11] and q[17]:
        yield Sprite("fruit", q[11] - 8, q[17] + 6, 8, 10)


def _space_invaders(r: list[int], lagged: list[int]) -> Iterator[Sprite]:
    if not (r[120] & 64 and not r[74] & 8):
        yield Sprite("cannon", lagged[28] + 2.5, 190, 7, 10)
    for column in range(6):
        for row in range(6):
            if r[23 - row] >> column & 1:
                x, y = r[26] + 3 + 16 * column, 36 + 2 * r[16] + 18 * row
                yield Sprite("alien", x, y, 8, 10)
    if 0 < lagged[30] < 180:
        yield Sprite("ufo", lagged[30] + 2.5, 16, 7, 8)
    for x_byte, y_byte in ((83, 81), (84, 82)):
        if 20 < 2 * r[y_byte] + 3 < 190:
            yield Sprite("bomb", r[x_byte] - 1.5, 2 * r[y_byte] + 8, 1, 8, scored=False)
    if 20 < 2 * r[85] + 3 < 190:
        yield Sprite("shot", r[87] - 1.5, 2 * r[85] + 8, 1, 8, scored=False)


def _seaquest(r: list[int], _: list[int]) -> Iterator[Sprite]:
    if r[105] == 0 or r[105] >= 15:
        at_surface = r[97] <= 14
        y, height = (r[97] + 36.5, 7) if at_surface else (r[97] + 38.5, 11)
        yield Sprite("player", r[70] + 8, y, 16, height)
    for lane in range(4):
        has_submarines = 4 <= r[89 + lane] & 7 <= 6
        for slot in range(3):
            if r[36 + lane] & (4 >> slot):
                x = (r[30 + lane] + 16 * slot) % 256
                x = x - 256 if x >= 160 else x
                if has_submarines:
                    yield Sprite("submarine", x + 4, 145.5 - 24 * lane, 8, 11)
                else:
                    yield Sprite("shark", x + 4, 140.5 - 24 * lane + r[93], 8, 7)
        if 0 < r[71 + lane] < 160:
            if has_submarines:
                x = r[71 + lane] + 5
                yield Sprite("torpedo", x, 147 - 24 * lane, 6, 4, scored=False)
            else:
                yield Sprite("diver", r[71 + lane] + 4, 144 - 24 * lane, 8, 13)
    if r[60] >= 2 and r[118] < 160:
        yield Sprite("surface submarine", r[118] + 4, 49.5, 8, 7)
    if 0 < r[103] < 160:
        yield Sprite("player torpedo", r[103] + 4, r[97] + 40.5, 8, 1, scored=False)


def _frostbite(r: list[int], _: list[int]) -> Iterator[Sprite]:
    if r[106] not in (26, 27) and r[107] < 16:
        yield Sprite("player", r[102] + 4, r[100] + 38 + r[107] / 2, 8, 18 - r[107])
    if r[75] >= 3:
        yield Sprite("bear", r[104] + 9.5, 66.5, 14, 15)
    for row in range(4):
        yield from _frostbite_animals(r, row)
        yield from _frostbite_floes(r, row)


def _frostbite_animals(r: list[int], row: int) -> Iterator[Sprite]:
    if not r[84 + row]:
        return
    kind, top = r[35 + row], 160 - 26 * row
    xs = [r[84 + row] + 4] + ([r[84 + row] + 36] if r[88 + row] & 2 else [])
    for x in xs:
        if kind in (18, 26):
            height = 7 if kind == 18 else 6
            yield Sprite("bird", x, top + height / 2, 8, height)
        for base, name in FROSTBITE_DIVERS.items():
            if 0 <= (dive := kind - base) <= 4:
                yield Sprite(name, x, top + (8 + dive) / 2, 8, 8 - dive)


FROSTBITE_DIVERS = {34: "crab", 50: "crab", 66: "clam", 94: "clam", 109: "fish", 124: "fish"}


def _frostbite_floes(r: list[int], row: int) -> Iterator[Sprite]:
    y, start = 177.5 - 26 * row, r[31 + row]
    if r[30] == 8:
        lefts, width = [start - 8 + 32 * k for k in range(3)], 24
    else:
        gap = 8 - r[30]
        lefts = [start - 8 + 32 * k - max(0, gap - 4) for k in range(3)]
        lefts += [start + 32 * k + min(gap, 4) for k in range(3)]
        width = 16
    for left in lefts:
        for wrapped in (left % 160, left % 160 - 160):
            yield Sprite("floe", wrapped + width / 2, y, width, 7)


RAM_GAMES: dict[str, tuple[Finder, Area]] = {
    "MsPacman": (_ms_pacman, (0, 160, 0, 172)),
    "Pong": (_pong, (0, 160, 34, 194)),
    "Breakout": (_breakout, (8, 152, 32, 196)),
    "SpaceInvaders": (_space_invaders, (0, 160, 0, 195)),
    "Seaquest": (_seaquest, (8, 160, 45, 157)),
    "Frostbite": (_frostbite, (8, 160, 42, 210)),
}
"""Game → its objects and the area (left, right, top, bottom) in which they are visible."""
