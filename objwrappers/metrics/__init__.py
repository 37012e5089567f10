"""Measures of perception: pure functions of arrays, without files or envs.

* :mod:`objwrappers.metrics.ram`: where the objects are, from the console's memory
* :mod:`objwrappers.metrics.keypoints`: keypoints against those objects
"""
