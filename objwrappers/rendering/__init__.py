"""What perception sees, as pictures and films.

* :mod:`objwrappers.rendering.overlay`: frame + percepts → picture, a pure function
* :mod:`objwrappers.rendering.video`: pictures → MP4, MKV or GIF, streamed
* :mod:`objwrappers.rendering.layout`: one picture of several, sheets
* :mod:`objwrappers.rendering.pictures`: PNG, JPEG, WebP
* :mod:`objwrappers.rendering.saliency`: where a policy looks, and what it thinks
* :mod:`objwrappers.rendering.gaze`: a model's gaze and people's
* :mod:`objwrappers.rendering.bars`: distractor bars
* :mod:`objwrappers.rendering.last_action`: the last action, drawn into small frames
"""
