"""Pictures of a MuJoCo simulation, seventy times as fast as by dm_control's own renderer.

* :class:`Renderer`: of one simulation

What costs time at small sizes is none of the pixels: a shadow map of 2048×2048, a second pass for
mirrors, multisampling and finely cut spheres. Pictures here have none of these. (Reacher at 64×64,
one core: 3,400 a second instead of 46; large floors, which are cut finely, too, cost more.)
"""

from __future__ import annotations

import weakref
from typing import Any

import mujoco
import numpy as np

from objwrappers.envs.control_canvas import Canvas, canvas_of, check_process
from objwrappers.envs.control_contexts import Context
from objwrappers.envs.control_scenery import Scenery

__all__ = ["Renderer"]

_MAX_GEOMS = 2000
_FLAGS = mujoco.mjtRndFlag
_DEFAULT = Context()


class Renderer:
    """Draws one simulation; OpenGL begins with the first picture, in the process that wants it.

    Args:
        name: Simulations of one name have the same models, and share OpenGL's side of them.
        model: A compiled ``mujoco.MjModel``; it is left as it is.
        data: Its ``mujoco.MjData``.
        side_px: Of the largest picture to expect; larger ones begin anew.
    """

    def __init__(self, name: str, model: Any, data: Any, side_px: int = 1) -> None:
        self._name, self._model, self._data = name, model, data
        self._side_px = side_px
        self._scenery = Scenery(model)
        self._scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
        self._options = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._canvas: Canvas | None = None
        self._has_new_terrain = True

    def frame(self, size: tuple[int, int], camera: int, context: Context = _DEFAULT) -> np.ndarray:
        """Returns the simulation's present picture.

        Args:
            size: Height and width in pixels.
            camera: Index of a camera of the model.
            context: How it looks.

        Returns:
            uint8 (height, width, 3), the caller's own.

        Raises:
            RuntimeError: No OpenGL, or a fork of a process that has drawn already.
        """
        height, width = size
        canvas = self._ready(max(size))
        self._camera.fixedcamid = camera
        mujoco.mjv_updateScene(
            *(self._model, self._data, self._options, None, self._camera),
            *(mujoco.mjtCatBit.mjCAT_ALL, self._scene),
        )
        flags = self._scene.flags
        flags[_FLAGS.mjRND_SHADOW] = flags[_FLAGS.mjRND_REFLECTION] = 0
        flags[_FLAGS.mjRND_SKYBOX] = flags[_FLAGS.mjRND_HAZE] = context.background is None
        if context != _DEFAULT:
            self._scenery.paint(self._scene, self._data, context, width / height)
        place = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(place, self._scene, canvas.context)
        pixels = np.empty((height, width, 3), np.uint8)
        if context.background is None:
            mujoco.mjr_readPixels(pixels, None, place, canvas.context)
        else:
            depths = np.empty((height, width), np.float32)
            mujoco.mjr_readPixels(pixels, depths, place, canvas.context)
            pixels[depths >= 1] = np.rint(255 * np.array(context.background)).astype(np.uint8)
        return np.ascontiguousarray(pixels[::-1])  # OpenGL's rows begin at the bottom

    def new_terrain(self) -> None:
        """Says that heights of the model's floor may have changed."""
        self._has_new_terrain = True

    def close(self) -> None:
        """Gives the canvas back; the last one to do so frees what OpenGL holds."""
        self._canvas = None

    def _ready(self, side_px: int) -> Canvas:
        """Returns the canvas, current, with this simulation's terrain."""
        check_process()
        self._side_px = max(self._side_px, side_px)
        if self._canvas is None or self._canvas.side_px < self._side_px:
            self._canvas = canvas_of(self._name, self._model, self._side_px)
        canvas = self._canvas
        canvas.make_current()
        shown = canvas.terrain_of and canvas.terrain_of()
        if self._model.nhfield and (self._has_new_terrain or shown is not self):
            for index in range(self._model.nhfield):
                mujoco.mjr_uploadHField(self._model, canvas.context, index)
            canvas.terrain_of, self._has_new_terrain = weakref.ref(self), False
        return canvas
