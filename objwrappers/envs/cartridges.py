"""Facts of games' cartridges, as ALE tells them.

* :func:`screen_size`: of native frames
* :func:`check_cartridge`: modes and difficulties
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import ale_py
from ale_py import roms

__all__ = ["check_cartridge", "screen_size"]


@lru_cache
def screen_size(rom: str) -> tuple[int, int]:
    """Returns height and width of a game's native frames, pixels."""
    height, width = _loaded(rom).getScreenDims()
    return height, width


def check_cartridge(rom: str, options: Mapping[str, Any]) -> None:
    """Raises ValueError for a mode or difficulty that a game's cartridge does not have."""
    if options.get("mode") is None and options.get("difficulty") is None:
        return
    ale = _loaded(rom)
    known = {"mode": ale.getAvailableModes(), "difficulty": ale.getAvailableDifficulties()}
    for name, values in known.items():
        value = options.get(name)
        if value is not None and (isinstance(value, bool) or value not in values):
            raise ValueError(
                f"{name} must be one of {', '.join(map(str, values))} in {rom}, got {value!r}."
            )


def _loaded(rom: str) -> ale_py.ALEInterface:
    ale = ale_py.ALEInterface()
    path = roms.get_rom_path(rom)
    assert path is not None, f"{rom} is not a ROM of ALE's"
    ale.loadROM(path)
    return ale
