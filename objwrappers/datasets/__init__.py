"""What pretraining reads.

* :mod:`objwrappers.datasets.frames`: recorded native frames on disk and in memory, pairs of them
* :mod:`objwrappers.datasets.motion`: frames with a map of what moves
* :mod:`objwrappers.datasets.noise`: distractor bars on batches of frames
"""
