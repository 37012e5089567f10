"""Grids of runs: a file of alternatives becomes folders, one for each run, and a table.

* :func:`sweep`: the whole of it
* :mod:`objwrappers.sweeps.plan`: the YAML file → runs
* :mod:`objwrappers.sweeps.commands`: options → a program's words
* :mod:`objwrappers.sweeps.folder`: what a run leaves on disk
* :mod:`objwrappers.sweeps.running`: one run, in a process that ends with whoever ordered it
* :mod:`objwrappers.sweeps.cluster`: runs on Ray
* :mod:`objwrappers.sweeps.summary`: figures of runs → mean and deviation over seeds
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["sweep"]


def __getattr__(name: str) -> Any:
    if name == "sweep":
        return importlib.import_module("objwrappers.sweeps.driver").sweep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
