"""Training perception models on recorded frames.

* :func:`pretrain`: a model's name and a game → weights where ``gym.make`` finds them
* :func:`pretrain_each`: many games, one training for each
* :mod:`objwrappers.pretraining.collect`: records games
* :mod:`objwrappers.pretraining.recipes`: recording → what a model learns from
* :mod:`objwrappers.pretraining.sources`, :mod:`objwrappers.pretraining.human_source`: where frames
  come from
* :mod:`objwrappers.pretraining.game_sets`: sets of games by name
* :mod:`objwrappers.pretraining.settings`: hyperparameters, from YAML and changes to it
* :mod:`objwrappers.pretraining.loop`: the training loop, on Lightning Fabric
* :mod:`objwrappers.pretraining.flow`: gradients, layer by layer
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["pretrain", "pretrain_each"]

_MODULES = {"pretrain": "run", "pretrain_each": "each"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module = importlib.import_module(f"objwrappers.pretraining.{_MODULES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
