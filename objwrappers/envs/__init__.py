"""Where frames come from.

* :mod:`objwrappers.envs.atari`: Atari games by ALE, one env and the native vector env
* :mod:`objwrappers.envs.frame_ids`, :mod:`objwrappers.envs.atari_ids`: entry points of the
  registered ids
* :mod:`objwrappers.envs.native`, :mod:`objwrappers.envs.raw`: ALE's own vector env, raw frames
* :mod:`objwrappers.envs.options`: names and limits of ALE's options
* :mod:`objwrappers.envs.checked`: refuses wrong actions and seeds, and steps before a reset
* :mod:`objwrappers.envs.lives`, :mod:`objwrappers.envs.breakout`: FIRE for each life, endless walls
* :mod:`objwrappers.envs.distractors`: moving bars drawn on frames
* :mod:`objwrappers.envs.confounded`: the last action drawn into frames
* :mod:`objwrappers.envs.control`: tasks of dm_control, drawn fast and in any visual context
* :mod:`objwrappers.envs.control_ids`: entry points of their ids
"""
