"""Memory → objects of Boxing, Tennis and Skiing; see :mod:`objwrappers.metrics.ram_games`."""

from __future__ import annotations

from collections.abc import Iterator

from objwrappers.metrics.sprite import Sprite

__all__ = ["boxing", "skiing", "tennis"]

ARMS = ((64, 16), (47, 7))
"""From which reach on an arm is out, and by how many pixels the figure is then wider."""

NET = range(98, 112)
"""Where Tennis's ball is hidden, rows from the top of its sprite."""


def boxing(r: list[int], _: list[int]) -> Iterator[Sprite]:
    """White is the player; a box includes the arm that is out."""
    white_faces_right = r[84] & 1 == 0
    for name, x, y, reach, faces_right in (
        ("player", r[32], r[34] + 61.5, max(r[55], r[57]), white_faces_right),
        ("enemy", r[33], r[35] + 60.5, max(r[59], r[61]), not white_faces_right),
    ):
        left = x + (5 if faces_right else 3)
        arm = next((pixels for least, pixels in ARMS if reach >= least), 0)
        if arm and not faces_right:
            arm += 1
            left -= arm
        yield Sprite(name, left + (14 + arm) / 2, y, 14 + arm, 47)


def tennis(r: list[int], _: list[int]) -> Iterator[Sprite]:
    """The players change ends."""
    upper, lower = ("player", "enemy") if r[80] == 0 else ("enemy", "player")
    yield Sprite(upper, r[26] + (8 if r[56] else 4), 178 - r[24], 12, 23)
    yield Sprite(lower, r[27] + (8 if r[57] else 4), 178 - r[25], 12, 23)
    if r[16] <= 2:
        return
    top = 189 - r[54]
    if r[54] % 2 and 18 <= top <= 187 and top not in NET:
        yield Sprite("ball", r[16] - 1, top + 1.5, 2, 2)
    top = 189 - r[55]
    if r[55] % 2 and r[55] != r[54] and top < 187 and top != 97 and top not in NET:
        yield Sprite("shadow", r[16] - 1, top + 1.5, 2, 2, scored=False)


def skiing(_: list[int], lagged: list[int]) -> Iterator[Sprite]:
    """The slope scrolls; a gate is two flags."""
    q = lagged
    yield Sprite("player", q[25] + 5, 48.5, 8, 18)
    for slot in range(8):
        kind, height, top = q[70 + slot], q[54 + slot] - 1, 181 - q[86 + slot]
        if height <= 0 or height >= 253 or top >= 178:
            continue
        # Slots move down by one as the slope scrolls, so that a slot is no identity.
        x, y = q[62 + slot], top + height / 2
        scored = min(top + height, 178) - max(top, 28) >= 5
        if kind == 85:
            yield Sprite("tree", x + 5, y, 16, height, scored, slot)
        elif kind == 5:
            yield Sprite("mogul", x + 10, y, 16, height, scored, slot)
        elif kind == 2:
            x += 3 if q[78 + slot] == 4 else 0
            yield Sprite("flag", x + 3.5, y, 5, height, scored, 2 * slot)
            yield Sprite("flag", x + 35.5, y, 5, height, scored, 2 * slot + 1)
