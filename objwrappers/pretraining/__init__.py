"""Training perception models on recorded frames.

* :func:`pretrain`: a model's name and a game → weights where ``gym.make`` finds them
* :mod:`objwrappers.pretraining.collect`: records games
* :mod:`objwrappers.pretraining.recipes`: recording → what a model learns from
* :mod:`objwrappers.pretraining.settings`: hyperparameters, from YAML and changes to it
* :mod:`objwrappers.pretraining.loop`: the training loop, on Lightning Fabric
"""

from objwrappers.pretraining.run import pretrain

__all__ = ["pretrain"]
