"""Deep Q-learning with memory: the algorithm, its networks, its replay of sequences."""

from objwrappers.sb3.recurrent_dqn.algorithm import RecurrentDQN
from objwrappers.sb3.recurrent_dqn.targets import n_step_targets

__all__ = ["RecurrentDQN", "n_step_targets"]
