"""Memory → objects of Asterix and River Raid; see :mod:`objwrappers.metrics.ram_games`."""

from __future__ import annotations

from collections.abc import Iterator

from objwrappers.metrics.sprite import Sprite

__all__ = ["asterix", "river_raid"]


def asterix(r: list[int], _: list[int]) -> Iterator[Sprite]:
    """Lanes one above the other, an object in each."""
    hit = r[71] >= 82
    yield Sprite("player", r[41] + (9 if hit else 4), 31.5 + 16 * r[39], 16 if hit else 8, 11)
    for lane in range(8):
        if r[18 - lane] == 11:
            continue
        x, y = r[42 + lane], 16 * lane
        if r[73 + lane]:
            yield Sprite("reward", x + 3, 30 + y, 6, 8, False, lane)
        elif r[29 + lane] % 2:
            yield Sprite("enemy", x + 4, 31.5 + y, 7, 11, True, lane)
        else:
            yield Sprite("consumable", x + 4.5, 32 + y, 7, 10, True, lane)


RIVER_RAID_SPRITES = {
    4: ("enemy jet", 4, 12, 8, 6),
    5: ("helicopter", 4, 11, 8, 10),
    6: ("helicopter", 4, 11, 8, 10),
    7: ("ship", 9, 9, 16, 8),
    8: ("bridge", 17, 10, 32, 22),
    9: ("house", 9, 11.5, 16, 17),
    10: ("fuel depot", 3.5, 11, 7, 24),
}
"""Kind → name, x from the slot's, y above the slot's, width, height."""


def river_raid(r: list[int], lagged: list[int]) -> Iterator[Sprite]:
    """The river scrolls down; slot 0 is the lowest. Houses are two parts on a bank."""
    if r[58] not in (0, 223):  # 223: exploding
        yield Sprite("player", lagged[51] + 4.5, 151.5, 7, 13)
    if r[117] and r[50] <= 160:
        yield Sprite("shot", lagged[117] - 0.5, 167 - r[50], 1, 8, scored=False)
    for slot in range(6):
        kind = r[32 + slot]
        if kind not in RIVER_RAID_SPRITES:
            continue
        name, across, above, width, height = RIVER_RAID_SPRITES[kind]
        shift = r[26 + slot] >> 4
        x = 15 * r[20 + slot] - (shift - 16 if shift > 7 else shift) + 6
        y = 32 * (5 - slot) + r[11]
        # Slots move up by one as the river scrolls, so that a slot is no identity.
        yield Sprite(name, x + across, y - above, width, height, name != "house", slot)
