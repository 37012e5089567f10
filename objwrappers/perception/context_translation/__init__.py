"""Videos as they would look elsewhere: context translation (Liu et al. 2018).

* :mod:`objwrappers.perception.context_translation.model`: the model, its loss, and the cost that
  an imitator has
* :mod:`objwrappers.perception.context_translation.networks`: encoders, translators, decoders
* :mod:`objwrappers.perception.context_translation.objectives`: the terms of the loss
* :mod:`objwrappers.perception.context_translation.moments`: how features vary
* :mod:`objwrappers.perception.context_translation.checks`: what is refused
* :mod:`objwrappers.perception.context_translation.presets`: named sets of arguments
"""

from objwrappers.perception.context_translation.model import ContextTranslation, Translation
from objwrappers.perception.context_translation.presets import PRESETS

__all__ = ["PRESETS", "ContextTranslation", "Translation"]
