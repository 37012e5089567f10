"""DrQ-v2, control from pixels: the algorithm, its networks, its replay of single frames."""

from objwrappers.sb3.drqv2.algorithm import DrQv2
from objwrappers.sb3.drqv2.frame_buffer import FrameReplayBuffer

__all__ = ["DrQv2", "FrameReplayBuffer"]
