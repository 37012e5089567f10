"""Pictures of a MuJoCo simulation, forty times as fast as by the suite's own renderer.

* :class:`Renderer`: of one simulation

What costs time at small sizes is none of the pixels: a shadow map of 2048×2048, a second pass for
mirrors, multisampling and finely cut spheres. Pictures here have none of these.
"""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Any

import mujoco
import numpy as np

from objwrappers.envs.control_contexts import Context
from objwrappers.envs.control_gl import gl_context, prepare_mujoco
from objwrappers.envs.control_scenery import Scenery

__all__ = ["Renderer"]

_MAX_GEOMS = 2000
_FONT_SCALE = 150  # nothing is written
_FLAGS = mujoco.mjtRndFlag
_CUTS = {"offsamples": 0, "shadowsize": 0, "numslices": 12, "numstacks": 6, "numquads": 4}

_first_process: int | None = None
_open: weakref.WeakSet[Renderer] = weakref.WeakSet()


class Renderer:
    """Draws one simulation; OpenGL begins with the first picture, in the process that wants it.

    Args:
        model: A compiled ``mujoco.MjModel``; it is left as it is.
        data: Its ``mujoco.MjData``.
    """

    def __init__(self, model: Any, data: Any) -> None:
        self._model, self._data = model, data
        self._scenery = Scenery(model)
        self._scene: Any = None
        self._options = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._gl: Any = None
        self._drawn: Any = None
        self._capacity = 0
        self._has_new_terrain = False

    def frame(
        self, size: tuple[int, int], camera: int, context: Context | None = None
    ) -> np.ndarray:
        """Returns the simulation's present picture.

        Args:
            size: Height and width in pixels.
            camera: Index of a camera of the model.
            context: How it looks; None is the suite's own look.

        Returns:
            uint8 (height, width, 3), the caller's own.

        Raises:
            RuntimeError: No OpenGL, or a fork of a process that has drawn already.
        """
        self._prepare(max(size))
        context = _DEFAULT if context is None else context
        self._camera.fixedcamid = camera
        mujoco.mjv_updateScene(
            *(self._model, self._data, self._options, None, self._camera),
            *(mujoco.mjtCatBit.mjCAT_ALL, self._scene),
        )
        flags = self._scene.flags
        flags[_FLAGS.mjRND_SHADOW] = flags[_FLAGS.mjRND_REFLECTION] = 0
        flags[_FLAGS.mjRND_SKYBOX] = flags[_FLAGS.mjRND_HAZE] = context.background is None
        height, width = size
        if context is not _DEFAULT:
            self._scenery.paint(self._scene, self._data, context, width / height)
        return self._draw(height, width, context)

    def new_terrain(self) -> None:
        """Says that heights of the model's floor may have changed."""
        self._has_new_terrain = self._model.nhfield > 0

    def close(self) -> None:
        """Frees what OpenGL holds."""
        if self._gl is not None and _first_process == os.getpid():
            self._gl.make_current()
            self._drawn.free()
            self._gl.free()
        self._gl = self._drawn = None
        self._capacity = 0

    def __del__(self) -> None:
        self.close()

    def _draw(self, height: int, width: int, context: Context) -> np.ndarray:
        self._gl.make_current()
        if self._has_new_terrain:
            for index in range(self._model.nhfield):
                mujoco.mjr_uploadHField(self._model, self._drawn, index)
            self._has_new_terrain = False
        place = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(place, self._scene, self._drawn)
        pixels = np.empty((height, width, 3), np.uint8)
        if context.background is None:
            mujoco.mjr_readPixels(pixels, None, place, self._drawn)
        else:
            depths = np.empty((height, width), np.float32)
            mujoco.mjr_readPixels(pixels, depths, place, self._drawn)
            pixels[depths >= 1] = np.rint(255 * np.array(context.background)).astype(np.uint8)
        return np.ascontiguousarray(pixels[::-1])  # OpenGL's rows begin at the bottom

    def _prepare(self, side_px: int) -> None:
        global _first_process
        if _first_process not in (None, os.getpid()):
            raise RuntimeError(
                "This process was forked from one that had drawn pictures, and OpenGL does not "
                'survive a fork: start workers with "forkserver" or "spawn", or make the first '
                "picture after the fork."
            )
        if side_px <= self._capacity:
            return
        backend = prepare_mujoco(pictures=True)
        self.close()
        self._gl = gl_context(backend, side_px)
        if _first_process is None:
            # Called in the reverse order: before mujoco's, which ends the display.
            atexit.register(_close_all)
            _first_process = os.getpid()
        _open.add(self)
        visual = self._model.vis
        values = {"offwidth": side_px, "offheight": side_px}
        # OpenGL's side reads these once; the model is not ours to change.
        before = {name: getattr(visual.global_, name) for name in values}
        uncut = {name: getattr(visual.quality, name) for name in _CUTS}
        _set(visual.global_, values)
        _set(visual.quality, _CUTS)
        try:
            self._drawn = mujoco.MjrContext(self._model, _FONT_SCALE)
            self._scene = mujoco.MjvScene(self._model, maxgeom=_MAX_GEOMS)
        finally:
            _set(visual.global_, before)
            _set(visual.quality, uncut)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._drawn)
        self._capacity = side_px


_DEFAULT = Context()


def _close_all() -> None:
    for renderer in list(_open):
        renderer.close()


def _set(group: Any, values: dict[str, int]) -> None:
    for name, value in values.items():
        setattr(group, name, value)
