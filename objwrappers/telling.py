"""Warnings that the workers of one program, which all load the same weights, give once.

:func:`warn_once`
"""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import socket
import warnings

__all__ = ["warn_once"]


def warn_once(message: str, stacklevel: int = 1) -> None:
    """Warns, unless the program that this process works for, or another worker of it, did so.

    Vector envs in processes (``SubprocVecEnv``, ``AsyncVectorEnv``) would say everything as often
    as they have envs. Within one process Python's filters decide, as for all warnings: what they
    silence in the program its workers do not say either.

    Args:
        message: What to say.
        stacklevel: As of :func:`warnings.warn`, counted from who calls this.
    """
    program = multiprocessing.parent_process()
    digest = hashlib.sha256(message.encode()).hexdigest()[:16]
    first = _is_first(f"{os.getpid() if program is None else program.pid}-{digest}")
    if first or program is None:
        warnings.warn(message, stacklevel=stacklevel + 1)


def _is_first(name: str) -> bool:
    """Whether no process holds the name yet: it is a socket's, and gone with its process.

    Where there are no such names, which are Linux's, everybody is the first.
    """
    try:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except (AttributeError, OSError):
        return True
    try:
        held.bind(f"\0objwrappers-{name}")
    except OSError as error:
        held.close()
        return error.errno != errno.EADDRINUSE
    held.detach()  # open until the process ends
    return True
