"""People press all eighteen of ALE's actions, agents often those alone that a game knows.

* :func:`actions_of`: the actions of a game, as an agent numbers them
* :func:`as_agent_acts`: a person's action → an agent's
"""

from __future__ import annotations

from functools import lru_cache

import ale_py
from ale_py import Action, roms

from objwrappers.games import rom_name

__all__ = ["NUM_ACTIONS", "actions_of", "as_agent_acts"]

# Otherwise it prints a page about every ROM that is read.
ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)

NUM_ACTIONS = 18
"""Of ALE, from NOOP to DOWNLEFTFIRE."""

_PARTS = ("UP", "DOWN", "LEFT", "RIGHT", "FIRE")


@lru_cache
def actions_of(game: str, full_action_space: bool = False) -> tuple[int, ...]:
    """Returns ALE's numbers of a game's actions; an agent counts them from 0 in this order.

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        full_action_space: All eighteen instead of the game's minimal set.

    Raises:
        ValueError: No such game.
    """
    rom = rom_name(game)
    if full_action_space:
        return tuple(range(NUM_ACTIONS))
    ale = ale_py.ALEInterface()
    path = roms.get_rom_path(rom)
    assert path is not None, f"{rom} is not a ROM of ALE's"
    ale.loadROM(path)
    return tuple(action.value for action in ale.getMinimalActionSet())


def as_agent_acts(action: int, actions: tuple[int, ...]) -> int:
    """Returns an agent's index of what a person did.

    An action that the game does not know becomes the one that has most of its parts and no other:
    in Ms. Pac-Man UPFIRE is UP, in Breakout UPRIGHT is RIGHT. Of several a direction is taken
    before the button.

    Args:
        action: ALE's, 0 to 17.
        actions: See :func:`actions_of`.
    """
    wanted = _parts(action)
    fitting = [i for i, other in enumerate(actions) if _parts(other) <= wanted]
    return max(fitting, key=lambda i: (len(_parts(actions[i])), "FIRE" not in _parts(actions[i])))


@lru_cache
def _parts(action: int) -> frozenset[str]:
    name = Action(action).name
    return frozenset(part for part in _PARTS if part in name)
