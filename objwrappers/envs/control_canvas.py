"""OpenGL's side of a MuJoCo model: textures and shapes, made once for all envs of a task.

* :class:`Canvas`, :func:`canvas_of`
* :func:`check_process`: the error where OpenGL does not survive
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Any

import mujoco

from objwrappers.envs.control_gl import gl_context, prepare_mujoco

__all__ = ["Canvas", "canvas_of", "check_process"]

_FONT_SCALE = 150  # nothing is written
_CUTS = {"offsamples": 0, "shadowsize": 0, "numslices": 12, "numstacks": 6, "numquads": 4}
"""What costs most at small sizes: multisampling, large shadow maps, finely cut spheres."""

_canvases: weakref.WeakValueDictionary[tuple[str, int], Canvas] = weakref.WeakValueDictionary()
_all: weakref.WeakSet[Canvas] = weakref.WeakSet()
_abandoned: list[Any] = []
"""Of the process that this one was forked from: freeing it here would never return."""
_first_process: int | None = None


class Canvas:
    """A place to draw in, of one process and one thread.

    Args:
        model: A compiled ``mujoco.MjModel``; it is left as it is.
        side_px: Of the largest picture's longer side.

    Attributes:
        side_px: See above.
        context: ``mujoco.MjrContext``.
        terrain_of: Whose heights of the floor it has now.
    """

    def __init__(self, model: Any, side_px: int) -> None:
        global _first_process
        backend = prepare_mujoco(pictures=True)
        self._gl = gl_context(backend, side_px)
        if _first_process is None:
            # Called in the reverse order: before mujoco's, which ends the display.
            atexit.register(_free_all)
            _first_process = os.getpid()
        _all.add(self)
        self.side_px = side_px
        self.terrain_of: weakref.ref[Any] | None = None
        visual = model.vis
        wanted = ((visual.global_, {"offwidth": side_px, "offheight": side_px}),)
        self.context = _made(model, (*wanted, (visual.quality, _CUTS)))
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self.context)

    def make_current(self) -> None:
        """Sends what is drawn next here."""
        self._gl.make_current()

    def free(self) -> None:
        """Frees what OpenGL holds; a second call changes nothing."""
        if self._gl is not None and os.getpid() != _first_process:
            _abandoned.append((self._gl, self.context))
        elif self._gl is not None:
            self._gl.make_current()
            self.context.free()
            self._gl.free()
        self._gl = None

    def __del__(self) -> None:
        if hasattr(self, "context"):
            self.free()


def check_process() -> None:
    """Refuses to draw where OpenGL would never return.

    Raises:
        RuntimeError: This process is a fork of one that has drawn already.
    """
    if _first_process not in (None, os.getpid()):
        raise RuntimeError(
            "This process was forked from one that had drawn pictures, and OpenGL does not "
            'survive a fork: start workers with "forkserver" or "spawn", or make the first '
            "picture after the fork."
        )


def canvas_of(name: str, model: Any, side_px: int) -> Canvas:
    """Returns a canvas for pictures of a model, the one that there is if it is large enough.

    Args:
        name: Models of one name have the same textures, shapes and planes.
        model: A compiled ``mujoco.MjModel``.
        side_px: Of the largest picture's longer side.

    Raises:
        RuntimeError: No OpenGL.
    """
    key = (name, threading.get_ident())
    canvas = _canvases.get(key)
    if canvas is None or canvas.side_px < side_px:
        canvas = _canvases[key] = Canvas(model, side_px)
    return canvas


def _made(model: Any, wanted: Any) -> Any:
    """Returns OpenGL's side of a model with other settings; the model keeps its own."""
    before = [{name: getattr(group, name) for name in values} for group, values in wanted]
    try:
        for group, values in wanted:
            _set(group, values)
        return mujoco.MjrContext(model, _FONT_SCALE)
    finally:
        for (group, _), values in zip(wanted, before, strict=True):
            _set(group, values)


def _set(group: Any, values: dict[str, int]) -> None:
    for name, value in values.items():
        setattr(group, name, value)


def _free_all() -> None:
    for canvas in list(_all):
        canvas.free()
