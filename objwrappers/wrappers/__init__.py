"""Wrappers that turn frames into observations, each for one env and for a vector env.

* :mod:`objwrappers.wrappers.frames`: stacked pixels, the baseline
* :mod:`objwrappers.wrappers.perception`: what a perception model sees
* :mod:`objwrappers.wrappers.tracking`: what a scene model sees, followed from step to step
* :mod:`objwrappers.wrappers.resizing`: frames at the size that their reader wants
* :mod:`objwrappers.wrappers.stacks`: the last frames of each env
* :mod:`objwrappers.wrappers.base`: what they share
"""
