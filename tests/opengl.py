"""A mark for tests of pictures that MuJoCo draws."""

import pytest

from objwrappers.envs.control_gl import _loads

needs_opengl = pytest.mark.skipif(
    not any(map(_loads, ("egl", "osmesa"))),
    reason="MuJoCo has nothing to draw with: apt-get install libegl1 libegl-mesa0",
)
