"""Wrappers that turn native frames into observations, each for one env and for a vector env.

* :mod:`objwrappers.wrappers.frames`: stacked pixels, the baseline
* :mod:`objwrappers.wrappers.perception`: what a perception model sees
* :mod:`objwrappers.wrappers.base`: what they share
"""
