"""Sets of games by name.

* :data:`GAME_SETS`: those that published models learned together, and those of benchmarks
* :func:`games_of`: names of games and of sets → games
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from objwrappers.games import GAMES, check_game

__all__ = ["GAME_SETS", "games_of"]

GAME_SETS: Mapping[str, tuple[str, ...]] = {
    "published": (
        *("Atlantis", "Asterix", "Carnival", "DoubleDunk", "Kangaroo", "MontezumaRevenge"),
        *("MsPacman", "Pooyan", "Qbert", "SpaceInvaders"),
    ),
    "moc": (
        *("AirRaid", "Boxing", "Carnival", "MsPacman", "Pong", "Riverraid", "SpaceInvaders"),
        "Tennis",
    ),
    "atari57": (
        *("Alien", "Amidar", "Assault", "Asterix", "Asteroids", "Atlantis", "BankHeist"),
        *("BattleZone", "BeamRider", "Berzerk", "Bowling", "Boxing", "Breakout", "Centipede"),
        *("ChopperCommand", "CrazyClimber", "Defender", "DemonAttack", "DoubleDunk", "Enduro"),
        *("FishingDerby", "Freeway", "Frostbite", "Gopher", "Gravitar", "Hero", "IceHockey"),
        *("Jamesbond", "Kangaroo", "Krull", "KungFuMaster", "MontezumaRevenge", "MsPacman"),
        *("NameThisGame", "Phoenix", "Pitfall", "Pong", "PrivateEye", "Qbert", "Riverraid"),
        *("RoadRunner", "Robotank", "Seaquest", "Skiing", "Solaris", "SpaceInvaders"),
        *("StarGunner", "Surround", "Tennis", "TimePilot", "Tutankham", "UpNDown", "Venture"),
        *("VideoPinball", "WizardOfWor", "YarsRevenge", "Zaxxon"),
    ),
    "all": tuple(GAMES),
}
"""Name → games: the ten of SPACE's joint training (Lin et al. 2020), the eight of "Boosting Object
Representation Learning via Motion and Object Continuity" (Delfosse et al. 2023), the 57 of the
Arcade Learning Environment's benchmark, and all that ALE ships.
"""


def games_of(named: str | Sequence[str]) -> list[str]:
    """Returns games as ids spell them, each once.

    Args:
        named: Games and sets, or one.

    Raises:
        ValueError: No such game or set.
    """
    games: list[str] = []
    for name in [named] if isinstance(named, str) else named:
        games += GAME_SETS.get(name) or [check_game(name)]
    return [*dict.fromkeys(games)]
