"""Stable-Baselines3 on top of the package's envs.

* :class:`GymVecEnv`: a Gymnasium vector env as an SB3 VecEnv
* :class:`RecurrentDQN`: deep Q-learning with memory
* :mod:`objwrappers.sb3.extractors`, :mod:`objwrappers.sb3.policies`: encoders of keypoints
"""

from objwrappers.sb3.recurrent_dqn import RecurrentDQN
from objwrappers.sb3.vec_env import GymVecEnv

__all__ = ["GymVecEnv", "RecurrentDQN"]
