"""Free-lunch saliency (Nikulin et al. 2019): an attention learnt from reward alone.

* :class:`FreeLunchExtractor`: pixels → features, and the attention
* :mod:`objwrappers.sb3.free_lunch.networks`: the fifteen published networks by their parts
* :mod:`objwrappers.sb3.free_lunch.painting`: from cells to the pixels that they see
"""

from objwrappers.sb3.free_lunch.extractor import FreeLunchExtractor

__all__ = ["FreeLunchExtractor"]
