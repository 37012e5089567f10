"""Which OpenGL MuJoCo draws with, and one clear error where there is none.

* :func:`prepare_mujoco`: before mujoco and dm_control are imported
* :func:`gl_context`: a context to draw in

mujoco and dm_control read ``MUJOCO_GL`` when they are imported and end in tracebacks, or end the
process, where the library it names is missing. Here the variable is chosen where nobody did, and a
process of its own tries the choice first.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.metadata
import os
import subprocess
import sys
from typing import Any

__all__ = ["gl_context", "prepare_mujoco"]

VARIABLE = "MUJOCO_GL"
_LIBRARIES = {"egl": ("libEGL.so.1",), "osmesa": ("libOSMesa.so.8", "libOSMesa.so")}
_OFF = ("disable", "disabled", "off", "false", "0")
_BY_WINDOW = ("glfw", "", "enable", "enabled", "on", "true", "1")
_ELSEWHERE = ("glx", "wgl", "cgl")
_PACKAGES = (
    "On Debian: apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0 (MUJOCO_GL=egl), "
    "or libosmesa6 (MUJOCO_GL=osmesa)."
)
_TRY_SECONDS = 120
_TRY = """
import sys
import mujoco
from objwrappers.envs.control_gl import gl_context
model = mujoco.MjModel.from_xml_string("<mujoco/>")
context = gl_context(sys.argv[1], 8)
drawn = mujoco.MjrContext(model, 150)
drawn.free()
context.free()
"""
_LOWEST, _BEYOND = (3, 17), (4,)


def prepare_mujoco(pictures: bool) -> str:
    """Makes sure that mujoco can be imported, and draw if pictures are wanted.

    Args:
        pictures: Whether frames will be asked for. Without, nothing is tried, an unset
            ``MUJOCO_GL`` is chosen by the libraries there are, and where OpenGL does not work
            it becomes ``"disable"``: simulating needs none.

    Returns:
        The backend, ``"egl"``, ``"osmesa"`` or what ``MUJOCO_GL`` says.

    Raises:
        ModuleNotFoundError: dm_control or mujoco is not installed.
        RuntimeError: ``MUJOCO_GL`` has a value that mujoco does not know, pictures cannot be
            drawn, or mujoco's version does not fit dm_control; the message says what to install.
    """
    _check_versions()
    backend = _backend(pictures)
    if backend:
        # mujoco and dm_control offer no other way to tell them.
        os.environ[VARIABLE] = backend
    if not pictures:
        backend = _import_or_do_without(backend)
    return backend


def gl_context(backend: str, size_px: int) -> Any:
    """Returns a context of mujoco's, current in this thread.

    Args:
        backend: As :func:`prepare_mujoco` returned it.
        size_px: Of the largest picture's longer side.
    """
    name = backend if backend in _LIBRARIES else "gl_context"
    context = importlib.import_module(f"mujoco.{name}").GLContext(size_px, size_px)
    context.make_current()
    return context


def _check_versions() -> None:
    for package, module in (("dm-control", "dm_control"), ("mujoco", "mujoco")):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError as error:
            raise ModuleNotFoundError(
                f'Control ids need {package}: pip install "objwrappers[control]".', name=module
            ) from error
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not _LOWEST <= parts < _BEYOND:
        raise RuntimeError(
            f"mujoco {version} does not fit dm_control, which reads fields that it lacks: "
            'pip install "mujoco>=3.17,<4".'
        )


def _backend(pictures: bool) -> str:
    given = os.environ.get(VARIABLE, "").strip().lower()
    known = (*_LIBRARIES, *_OFF, *_BY_WINDOW, *_ELSEWHERE)
    if given not in known:
        raise RuntimeError(
            f"{VARIABLE}={os.environ[VARIABLE]!r} is not known to mujoco. Unset it, or set egl, "
            f"osmesa or glfw. {_PACKAGES}"
        )
    if given in _OFF and pictures:
        raise RuntimeError(
            f"{VARIABLE}={given} draws no pictures. Unset it, or set egl. {_PACKAGES}"
        )
    if given:
        return _first_that_draws((given,)) if pictures else given
    if not sys.platform.startswith("linux"):
        return given
    if pictures:
        return _first_that_draws(tuple(_LIBRARIES))
    return next(filter(_loads, _LIBRARIES), "disable")


def _import_or_do_without(backend: str) -> str:
    """Returns the backend with which dm_control, which opens a display for EGL, was imported."""
    try:
        importlib.import_module("dm_control.mujoco")
    except (ImportError, AttributeError):  # the latter is PyOpenGL's without OSMesa
        os.environ[VARIABLE] = backend = _OFF[0]
        importlib.import_module("dm_control.mujoco")
    return backend


@functools.cache
def _first_that_draws(backends: tuple[str, ...]) -> str:
    complaints = []
    for backend in backends:
        complaint = _complaint(backend)
        if complaint is None:
            return backend
        complaints.append(f"{VARIABLE}={backend}: {complaint}")
    raise RuntimeError(f"MuJoCo cannot draw pictures here ({'; '.join(complaints)}). {_PACKAGES}")


def _complaint(backend: str) -> str | None:
    """Returns why a backend does not draw, None where it does; tried in another process."""
    if not _loads(backend):
        return f"there is no {_LIBRARIES[backend][0]}"
    environment = {**os.environ, VARIABLE: backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRY, backend],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRY_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_TRY_SECONDS} s"
    if tried.returncode == 0:
        return None
    lines = tried.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with {tried.returncode}"


def _loads(backend: str) -> bool:
    """Whether a backend's library is there; True of those that bring their own."""
    for library in _LIBRARIES.get(backend, ()):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return backend not in _LIBRARIES
