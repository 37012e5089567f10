"""Tables of agents: games, observations, noises and budgets under one protocol.

* :func:`leaderboard`: the whole of it
* :mod:`objwrappers.boards.plan`: the YAML file
* :mod:`objwrappers.boards.cells`: plan → cells, and the commands of each
* :mod:`objwrappers.boards.records`: what a cell's programs left → its record, on disk and to travel
* :mod:`objwrappers.boards.board`: records → the figures of the table
* :mod:`objwrappers.boards.page`, :mod:`objwrappers.boards.pictures`: figures → Markdown and PNG
* :mod:`objwrappers.boards.driver`: the grid, which goes on where it was cut off
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["leaderboard"]


def __getattr__(name: str) -> Any:
    if name == "leaderboard":
        return importlib.import_module("objwrappers.boards.driver").leaderboard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
