"""Where people would look: models that learn from recorded human gaze.

* :mod:`objwrappers.perception.gaze.module`: what they share
* :mod:`objwrappers.perception.gaze.deconv`: Atari-HEAD's own network (Zhang et al. 2020)
* :mod:`objwrappers.perception.gaze.motion`: the same, with what moves as a second input
* :mod:`objwrappers.perception.gaze.gcu`: the same, with a graph between regions of the frame
"""
