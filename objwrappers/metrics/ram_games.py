"""Memory → objects, one function for each game; positions as in :mod:`objwrappers.metrics.ram`.

``r`` is memory after the frame's last raw frame, ``lagged`` memory before it: some sprites are
drawn from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from objwrappers.metrics.ram_sports import boxing, skiing, tennis
from objwrappers.metrics.ram_voyages import asterix, river_raid
from objwrappers.metrics.sprite import Sprite

__all__ = ["GHOSTS", "RAM_GAMES"]

Area = tuple[float, float, float, float]
Finder = Callable[[list[int], list[int]], Iterator[Sprite]]

GHOSTS = ("sue", "inky", "pinky", "blinky")


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
    for i, name in enumerate(GHOSTS):
        state = q[1 + i]
        only_eyes = state & 0xD0 == 0x40
        label = "eyes" if only_eyes else "edible" if state & 0x80 else name
        yield Sprite(name, q[6 + i] - 8, q[12 + i] + 6, 8, 10, not only_eyes, label=label)
    if q[11] and q[17]:
        yield Sprite("fruit", q[11] - 8, q[17] + 6, 8, 10)


def _space_invaders(r: list[int], lagged: list[int]) -> Iterator[Sprite]:
    if not (r[120] & 64 and not r[74] & 8):
        yield Sprite("cannon", lagged[28] + 2.5, 190, 7, 10)
    for column in range(6):
        for row in range(6):
            if r[23 - row] >> column & 1:
                x, y = r[26] + 3 + 16 * column, 36 + 2 * r[16] + 18 * row
                yield Sprite("alien", x, y, 8, 10, number=6 * row + column)
    if 0 < lagged[30] < 180:
        yield Sprite("ufo", lagged[30] + 2.5, 16, 7, 8)
    for i in range(2):
        if 20 < 2 * r[81 + i] + 3 < 190:
            y = 2 * r[81 + i] + 8
            yield Sprite("bomb", r[83 + i] - 1.5, y, 1, 8, False, i, label="shot")
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
                x, number = x - 256 if x >= 160 else x, 3 * lane + slot
                if has_submarines:
                    yield Sprite("submarine", x + 4, 145.5 - 24 * lane, 8, 11, True, number)
                else:
                    yield Sprite("shark", x + 4, 140.5 - 24 * lane + r[93], 8, 7, True, number)
        if 0 < r[71 + lane] < 160:
            if has_submarines:
                x = r[71 + lane] + 5
                yield Sprite("torpedo", x, 147 - 24 * lane, 6, 4, False, lane)
            else:
                yield Sprite("diver", r[71 + lane] + 4, 144 - 24 * lane, 8, 13, True, lane)
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
    for i, x in enumerate(xs):
        number = 2 * row + i
        if kind in (18, 26):
            height = 7 if kind == 18 else 6
            yield Sprite("bird", x, top + height / 2, 8, height, True, number)
        for base, name in FROSTBITE_DIVERS.items():
            if 0 <= (dive := kind - base) <= 4:
                yield Sprite(name, x, top + (8 + dive) / 2, 8, 8 - dive, True, number)


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
    for i, left in enumerate(lefts):
        for wrapped in (left % 160, left % 160 - 160):
            yield Sprite("floe", wrapped + width / 2, y, width, 7, True, 6 * row + i)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _enduro(r: list[int], _: list[int]) -> Iterator[Sprite]:
    bend, shift = _signed(r[34]), _signed(r[46])
    yield Sprite("player", 85.8 - 0.567 * shift, 94.5 + r[52], 16, 11)
    fog_or_night = r[2] in (0, 2)
    for slot, (width, height) in enumerate(ENDURO_SIZES):
        code = r[27 + slot]
        if code == 0 or (slot == 0 and r[59] < 64):
            continue
        near = slot + r[59] / 128
        bottom = np.interp(near, *ENDURO_BOTTOM) + (r[52] - 50) * np.interp(near, *ENDURO_SLOPE)
        y = float(bottom) - height / 2
        lane = 0.0
        if code & 16:
            lane = float(np.interp(near, range(7), ENDURO_LANE)) * (1 if code & 1 else -1)
        curve = float(np.interp(y if slot < 2 else y - 2, *ENDURO_CURVE))
        x = (88 if slot < 2 else 87) + shift + bend * curve + lane
        yield Sprite("car", x, y, width, height, not fog_or_night, slot)


ENDURO_SIZES = ((16, 11), (12, 8), (8, 6), (6, 4), (4, 3), (4, 2))
ENDURO_BOTTOM = (
    (0.1, 0.25, 0.375, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6),
    (162, 160, 158, 154.5, 149.5, 142.5, 130.5, 119.5, 109.5, 100.5, 93.5, 87.5, 82, 76.5, 72, 70),
)
ENDURO_SLOPE = ((0.5, 1.5, 2.5, 3.5, 4.5, 5.5), (0.76, 0.59, 0.48, 0.33, 0.27, 0.16))
ENDURO_LANE = (25.5, 23.5, 17, 11.7, 8, 4.6, 2.7)
ENDURO_CURVE = (
    (54, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150),
    (0.98, 0.84, 0.65, 0.49, 0.36, 0.26, 0.17, 0.11, 0.06, 0.04, 0.03),
)


def _battle_zone(r: list[int], _: list[int]) -> Iterator[Sprite]:
    if r[65]:  # the whole screen flashes
        return
    for slot, (kind, code, size, x, mirrored) in enumerate(
        ((r[73], r[46], r[47], r[48], r[51] & 8), (r[81], r[52], r[53], r[54], r[57] & 8))
    ):
        if kind == 1 and code in BATTLE_ZONE_WIDTHS and size in BATTLE_ZONE_ROWS:
            width, right = BATTLE_ZONE_WIDTHS[code]
            left = x + right - width
            if mirrored:
                left = x + (0 if right == 8 else 1)
            top, bottom = BATTLE_ZONE_ROWS[size]
            known = x >= 20 and left + width <= 160
            middle = (top + bottom) / 2
            yield Sprite("tank", left + width / 2, middle, width, bottom - top, known, slot)
        elif kind == 4 and code and size in BATTLE_ZONE_RED:
            offset, width, height = BATTLE_ZONE_RED[size]
            yield Sprite("red vehicle", x + offset, 95, width, height, False, slot)


def _battle_zone_widths() -> dict[int, tuple[int, int]]:
    """Code of a tank's sprite → its width and where it ends from x, native pixels."""
    groups = {
        8: {6: 4, 9: 5, 11: 6, 12: 7, 14: 7, 16: 8, 20: 8},
        17: {
            **dict.fromkeys((17, 19, 21, 25), 10),
            **dict.fromkeys((18, 22, 24, 26, 27, 32), 12),
            **dict.fromkeys((28, 31), 14),
            **dict.fromkeys((23, 29, 33, 34, 39, 40), 16),
        },
        33: {
            **dict.fromkeys((30, 35, 37, 41, 46, 47), 20),
            **dict.fromkeys((36, 42, 48), 24),
            49: 28,
        },
    }
    return {code: (w, right) for right, group in groups.items() for code, w in group.items()}


BATTLE_ZONE_WIDTHS = _battle_zone_widths()
BATTLE_ZONE_ROWS = {
    2: (94, 98),
    3: (93, 98),
    4: (93, 100),
    5: (92, 101),
    6: (91, 101),
    7: (91, 104),
    8: (90, 105),
    9: (88, 105),
}
BATTLE_ZONE_RED = {
    1: (3.5, 5, 2),
    2: (4, 6, 3),
    3: (4, 8, 3),
    4: (9, 12, 5),
    5: (9, 16, 5),
    6: (17, 20, 6),
    7: (17, 24, 8),
    8: (17, 28, 9),
}


RAM_GAMES: dict[str, tuple[Finder, Area]] = {
    "MsPacman": (_ms_pacman, (0, 160, 0, 172)),
    "Pong": (_pong, (0, 160, 34, 194)),
    "Breakout": (_breakout, (8, 152, 32, 196)),
    "SpaceInvaders": (_space_invaders, (0, 160, 0, 195)),
    "Seaquest": (_seaquest, (8, 160, 45, 157)),
    "Frostbite": (_frostbite, (8, 160, 42, 210)),
    "Enduro": (_enduro, (8, 160, 52, 155)),
    "BattleZone": (_battle_zone, (0, 160, 0, 210)),
    "Boxing": (boxing, (0, 160, 36, 178)),
    "Tennis": (tennis, (0, 160, 18, 192)),
    "Skiing": (skiing, (8, 152, 28, 178)),
    "Asterix": (asterix, (8, 160, 24, 151)),
    "Riverraid": (river_raid, (8, 160, 2, 162)),
}
"""Game → its objects and the area (left, right, top, bottom) in which they are visible."""
