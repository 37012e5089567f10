"""The Atari games that ALE ships, by the names of their Gymnasium ids."""

from __future__ import annotations

from ale_py import roms

from objwrappers.names import did_you_mean

__all__ = ["ATARI_HEAD", "GAMES", "check_game", "rom_name"]

_MULTIPLAYER_ONLY = {"combat", "joust", "maze_craze", "warlords"}

GAMES: dict[str, str] = {
    rom.title().replace("_", ""): rom
    for rom in sorted(roms.get_all_rom_ids())
    if rom not in _MULTIPLAYER_ONLY
}
"""Name in ids (``"MsPacman"``) → name of the ROM (``"ms_pacman"``), as ALE's v5 ids spell them."""

_BY_PLAIN_NAME = {name.lower(): name for name in GAMES}

ATARI_HEAD = (
    *("Alien", "Asterix", "BankHeist", "Berzerk", "Breakout", "Centipede", "DemonAttack"),
    *("Enduro", "Freeway", "Frostbite", "Hero", "MontezumaRevenge", "MsPacman"),
    *("NameThisGame", "Phoenix", "Riverraid", "RoadRunner", "Seaquest", "SpaceInvaders"),
    "Venture",
)
"""Games of Atari-HEAD, recorded human play."""


def check_game(game: str) -> str:
    """Returns the name of a game as ids spell it; ROM names and other cases are understood too.

    Args:
        game: ``"MsPacman"``, ``"ms_pacman"`` or ``"mspacman"``.

    Raises:
        ValueError: No such game; the message offers the nearest names.
    """
    plain_name = game.replace("_", "").lower()
    if plain_name in _BY_PLAIN_NAME:
        return _BY_PLAIN_NAME[plain_name]
    hint = did_you_mean(game, GAMES, likeness=0.4)
    raise ValueError(f"Unknown game {game!r}. " + (hint or f"ALE ships {', '.join(GAMES)}."))


def rom_name(game: str) -> str:
    """Returns the name of the game's ROM, ``"ms_pacman"`` for ``"MsPacman"``.

    Raises:
        ValueError: No such game.
    """
    return GAMES[check_game(game)]
