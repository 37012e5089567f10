"""Stable-Baselines3 on top of the package's envs.

* :class:`GymVecEnv`: a Gymnasium vector env as an SB3 VecEnv
"""

from objwrappers.sb3.vec_env import GymVecEnv

__all__ = ["GymVecEnv"]
