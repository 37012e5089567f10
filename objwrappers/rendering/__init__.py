"""Pictures and films of what an agent sees.

* :mod:`objwrappers.rendering.overlay`: frame + percepts → picture, a pure function
* :mod:`objwrappers.rendering.video`: pictures → MP4 or GIF, one at a time
"""
