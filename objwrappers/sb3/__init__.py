"""Stable-Baselines3 on top of the package's envs.

* :class:`GymVecEnv`: a Gymnasium vector env as an SB3 VecEnv
* :class:`DeviceRolloutBuffer`: rollouts of percepts that stay on a GPU
* :class:`DrQv2`: continuous control from images
* :class:`RecurrentDQN`: deep Q-learning with memory
* :mod:`objwrappers.sb3.policies`: policies that YAML can name
* :mod:`objwrappers.sb3.keypoints`: encoders of keypoints
* :mod:`objwrappers.sb3.free_lunch`: networks on pixels with an attention of their own
* :mod:`objwrappers.sb3.cloning`: imitation of recorded human play
* :mod:`objwrappers.sb3.saliency`: where a policy looks
"""

from objwrappers.sb3._moved import keep_former_names
from objwrappers.sb3.device_buffer import DeviceRolloutBuffer
from objwrappers.sb3.drqv2 import DrQv2
from objwrappers.sb3.recurrent_dqn import RecurrentDQN
from objwrappers.sb3.vec_env import GymVecEnv

__all__ = ["DeviceRolloutBuffer", "DrQv2", "GymVecEnv", "RecurrentDQN"]

keep_former_names(__name__)
