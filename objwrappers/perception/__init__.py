"""What frames are turned into: frozen models that torch runs; they know no env.

* :mod:`objwrappers.perception.base`: the protocol and the trainable base, written to disk
* :mod:`objwrappers.perception.loading`: which models there are, and where weights are found
* :mod:`objwrappers.perception.layers`: what the models share
* :mod:`objwrappers.perception.motion_keypoints`: keypoints that cover what moves
* :mod:`objwrappers.perception.transporter`: keypoints by feature transport (Kulkarni et al. 2019)
* :mod:`objwrappers.perception.permakey`: keypoints by local prediction errors
* :mod:`objwrappers.perception.student`: another model's keypoints, by a small network
"""
