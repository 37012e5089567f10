"""What frames are turned into: frozen models that torch runs; they know no env.

* :mod:`objwrappers.perception.base`: the protocol, frame formats, the models' base
* :mod:`objwrappers.perception.trainable`, :mod:`objwrappers.perception.optimization`: loss and
  optimiser
* :mod:`objwrappers.perception.storage`, :mod:`objwrappers.perception.arguments`: weights on disk
* :mod:`objwrappers.perception.registry`, :mod:`objwrappers.perception.loading`: which models
  there are, and where weights are found
* :mod:`objwrappers.perception.resizing`: frames at the size that a network reads
* :mod:`objwrappers.perception.layers`: what the models share
* :mod:`objwrappers.perception.motion_keypoints`: keypoints that cover what moves
* :mod:`objwrappers.perception.transporter`: keypoints by feature transport (Kulkarni et al. 2019)
* :mod:`objwrappers.perception.permakey`: keypoints by local prediction errors
* :mod:`objwrappers.perception.gaze`: where people would look
* :mod:`objwrappers.perception.context_translation`: videos as they would look elsewhere
* :mod:`objwrappers.perception.student`: another model's keypoints, by a small network
"""
