"""What perception and saliency are worth, measured and drawn.

* :mod:`objwrappers.scoring.moments`: moments of random play with the objects that are there
* :mod:`objwrappers.scoring.keypoints`: keypoints against those objects
* :mod:`objwrappers.scoring.scenes`: boxes, classes and identities against them
* :mod:`objwrappers.scoring.classification`: names for what scene models find
* :mod:`objwrappers.scoring.gaze`: where people would look, and agents do, against where people did;
  :mod:`objwrappers.scoring.gaze_moments` when, :mod:`objwrappers.scoring.gaze_entrants` who,
  :mod:`objwrappers.scoring.gaze_pictures` on pictures
* :mod:`objwrappers.scoring.tables`: scores as text and pictures
* :mod:`objwrappers.scoring.comparison`: models side by side on a sheet
* :mod:`objwrappers.scoring.saliency`: methods of saliency on what an agent sees
* :mod:`objwrappers.scoring.speed`: steps and frames per second
"""
