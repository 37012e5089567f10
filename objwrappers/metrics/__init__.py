"""Measures of perception: pure functions of arrays, without files or envs.

* :mod:`objwrappers.metrics.ram`, :mod:`objwrappers.metrics.ram_classes`: where the objects are,
  from the console's memory, and which there can be
* :mod:`objwrappers.metrics.scenery`: what stands still, on the frame
* :mod:`objwrappers.metrics.keypoints`: keypoints against those objects
* :mod:`objwrappers.metrics.detection`, :mod:`objwrappers.metrics.identity`: boxes against them, and
  whether an object keeps its row
* :mod:`objwrappers.metrics.encodings`: what z_what tells apart
* :mod:`objwrappers.metrics.saliency`: where a model looks against where people look
* :mod:`objwrappers.metrics.gaze_maps`, :mod:`objwrappers.metrics.gaze_figures`,
  :mod:`objwrappers.metrics.gaze_baselines`: people's gaze as maps, all those measures of many
  frames at once, and what knows little of a frame
* :mod:`objwrappers.metrics.translation`: videos in another context against the true ones
* :mod:`objwrappers.metrics.actions`: actions foretold, beside what looks at no frame
"""
