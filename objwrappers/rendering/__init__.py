"""What perception sees, as pictures and films.

* :mod:`objwrappers.rendering.overlay`: frame + percepts → picture, a pure function
* :mod:`objwrappers.rendering.video`: pictures → MP4 or GIF, streamed
* :mod:`objwrappers.rendering.bars`: distractor bars
"""
