"""What pretraining reads.

* :mod:`objwrappers.datasets.recordings`: frames and named arrays of each step on disk
* :mod:`objwrappers.datasets.frames`: small frames in memory, pairs of them
* :mod:`objwrappers.datasets.motion`: frames with a map of what moves
* :mod:`objwrappers.datasets.atari_head`: recorded human play with eye tracking
* :mod:`objwrappers.datasets.gaze`: stacks of its frames with where people looked
* :mod:`objwrappers.datasets.noise`: distractor bars on batches of frames
"""
