"""Where frames come from.

* :mod:`objwrappers.envs.atari`: Atari games by ALE, one env and the native vector env
* :mod:`objwrappers.envs.atari_ids`: entry points of the registered ids
* :mod:`objwrappers.envs.distractors`: moving bars drawn on frames
"""
