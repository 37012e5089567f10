"""Where frames come from.

* :mod:`objwrappers.envs.atari`: Atari games by ALE, one env and the native vector env
"""
