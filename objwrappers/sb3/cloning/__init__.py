"""Imitation of recorded human play, with what people looked at (AGIL, CGL, GABRIL).

* :mod:`objwrappers.sb3.cloning.networks`: pixels → features, gaze as an input or as a lesson
* :mod:`objwrappers.sb3.cloning.losses`: what is minimised
* :mod:`objwrappers.sb3.cloning.data`: recorded play as batches
* :mod:`objwrappers.sb3.cloning.training`: one training

It knows arrays and policies alone; :func:`objwrappers.clone` brings recordings and agents.
"""
