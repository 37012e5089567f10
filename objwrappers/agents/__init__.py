"""Agents: trained, kept on disk, played, scored and filmed.

* :func:`train`: Stable-Baselines3's algorithms by RL Zoo's manager, on this package's vector envs
* :func:`clone`: imitation of recorded human play
* :func:`evaluate`: the scores of whole games
* :func:`film`: a film of what an agent perceives, or where it looks
* :mod:`objwrappers.agents.runs`, :mod:`objwrappers.agents.loading`: agents found and read
* :mod:`objwrappers.agents.envs`: the envs that they play
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "clone": "objwrappers.agents.cloning",
    "evaluate": "objwrappers.agents.evaluation",
    "film": "objwrappers.agents.filming",
    "load_agent": "objwrappers.agents.loading",
    "train": "objwrappers.agents.training",
}

__all__ = ["clone", "evaluate", "film", "load_agent", "train"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
