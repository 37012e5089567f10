"""Training perception models on recorded frames.

* :func:`pretrain`: a model's name and a game → weights where ``gym.make`` finds them
* :mod:`objwrappers.pretraining.collect`: records games
* :mod:`objwrappers.pretraining.recipes`: recording → what a model learns from
* :mod:`objwrappers.pretraining.sources`, :mod:`objwrappers.pretraining.human_source`: where frames
  come from
* :mod:`objwrappers.pretraining.settings`: hyperparameters, from YAML and changes to it
* :mod:`objwrappers.pretraining.loop`: the training loop, on Lightning Fabric
* :mod:`objwrappers.pretraining.flow`: gradients, layer by layer
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["pretrain"]


def __getattr__(name: str) -> Any:
    if name == "pretrain":
        return importlib.import_module("objwrappers.pretraining.run").pretrain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
