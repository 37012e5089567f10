"""What frames are turned into: frozen models that torch runs; they know no env.

* :mod:`objwrappers.perception.base`: the protocol, the trainable base, weights on disk
* :mod:`objwrappers.perception.layers`: what the models share
* :mod:`objwrappers.perception.motion_keypoints`: keypoints that cover what moves
* :mod:`objwrappers.perception.transporter`: keypoints by feature transport (Kulkarni et al. 2019)
"""
