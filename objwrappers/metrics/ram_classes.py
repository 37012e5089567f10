"""Which classes of objects the console's memory knows of each game, told before the first step.

* :data:`RAM_CLASSES`: labels, and how many objects of each there are at most
* :data:`PLAYERS`: which of them is the player
"""

from __future__ import annotations

__all__ = ["PLAYERS", "RAM_CLASSES"]

RAM_CLASSES: dict[str, dict[str, int]] = {
    "MsPacman": {
        **dict.fromkeys(("player", "sue", "inky", "pinky", "blinky"), 1),
        **{"edible": 4, "eyes": 4, "fruit": 1},
    },
    "Pong": {"player": 1, "enemy": 1, "ball": 1},
    "Breakout": {"paddle": 1, "ball": 1},
    "SpaceInvaders": {"cannon": 1, "alien": 36, "ufo": 1, "shot": 3},
    "Seaquest": {
        **{"player": 1, "submarine": 12, "shark": 12, "torpedo": 4, "diver": 4},
        **{"surface submarine": 1, "player torpedo": 1},
    },
    "Frostbite": {
        **{"player": 1, "bear": 1, "floe": 32},
        **dict.fromkeys(("bird", "crab", "clam", "fish"), 8),
    },
    "Enduro": {"player": 1, "car": 6},
    "BattleZone": {"tank": 2, "red vehicle": 2},
    "Boxing": {"player": 1, "enemy": 1},
    "Tennis": {"player": 1, "enemy": 1, "ball": 1, "shadow": 1},
    "Skiing": {"player": 1, "tree": 8, "mogul": 8, "flag": 16},
    "Asterix": {"player": 1, "enemy": 8, "consumable": 8, "reward": 8},
    "Riverraid": {
        **{"player": 1, "shot": 1},
        **dict.fromkeys(("helicopter", "enemy jet", "ship", "bridge", "house", "fuel depot"), 6),
    },
}
"""Game → label of its sprites → rows: as many of it as memory has room for."""

PLAYERS = {
    **dict.fromkeys(("MsPacman", "Pong", "Seaquest", "Frostbite", "Enduro", "Boxing"), "player"),
    **dict.fromkeys(("Tennis", "Skiing", "Asterix", "Riverraid"), "player"),
    "Breakout": "paddle",
    "SpaceInvaders": "cannon",
}
"""Game → label of the player. BattleZone is seen through the player's own eyes."""
