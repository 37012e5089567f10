"""Files and folders that are being written, beside what they are to replace.

* :func:`temporary_file`, :func:`temporary_folder`
* :func:`sweep`: removes what writers that were killed have left; :func:`is_being_written`

Whoever writes holds a lock, which ends with the process, however that ends: what nobody holds is
left over. Where there are no such locks (Windows, NFS), nothing is swept; where each machine has
its own (some network file systems), two of them must not write the same thing at once.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["OUTDATED", "is_being_written", "sweep", "temporary_file", "temporary_folder"]

OUTDATED = "outdated"
"""What a folder that is being replaced ends with for a moment."""

_MARK = "unfinished-"
_ATTEMPTS = 3  # at removing a folder: ffmpeg may outlive who called it for a moment


@contextmanager
def temporary_file(path: Path) -> Iterator[tuple[int, Path]]:
    """Gives a new file beside ``path``, open for writing; it is gone at the end, unless renamed.

    Args:
        path: What it is to replace; its folder exists.

    Yields:
        Its handle, which the caller closes, and its path.
    """
    sweep(path)
    handle, temporary, lock = _held(path, tempfile.mkstemp)
    try:
        yield handle, temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
        _release(lock)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Gives a new folder beside ``path``; it is gone at the end, unless it was renamed.

    Args:
        path: What it, or something in it, is to replace; its folder exists.
    """
    sweep(path)
    _, temporary, lock = _held(path, _make_folder)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _release(lock)


def sweep(path: Path) -> None:
    """Removes temporary files and folders beside a path that no writer holds any more."""
    for left in _unfinished(path):
        with _free(left) as free:
            if free and left.is_dir():
                for attempt in range(_ATTEMPTS):
                    shutil.rmtree(left, ignore_errors=True)
                    if not left.exists():
                        break
                    time.sleep(0.05 * (attempt + 1))
            elif free:
                left.unlink(missing_ok=True)


def is_being_written(path: Path) -> bool:
    """Whether a writer is at work on what will replace a path, as far as locks tell."""
    for left in _unfinished(path):
        with _free(left) as free:
            if not free:
                return True
    return False


def _unfinished(path: Path) -> list[Path]:
    escaped = re.sub(r"([*?[])", r"[\1]", path.name)
    return [] if fcntl is None else [*path.parent.glob(f".{escaped}.{_MARK}*")]


@contextmanager
def _free(left: Path) -> Iterator[bool]:
    """Whether nobody holds it; nobody can while the block lasts."""
    try:
        handle = os.open(left, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free
    finally:
        os.close(handle)


def _make_folder(dir: Path, prefix: str) -> tuple[int, str]:
    return -1, tempfile.mkdtemp(dir=dir, prefix=prefix)


def _held(path: Path, make: Callable[..., tuple[int, str]]) -> tuple[int, Path, int]:
    """Makes something and takes its lock; returns its handle, its path and the lock's handle."""
    while True:
        handle, name = make(dir=path.parent, prefix=f".{path.name}.{_MARK}")
        if fcntl is None:
            return handle, Path(name), -1
        lock = -1
        with suppress(OSError):
            lock = os.open(name, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Between its making and the lock somebody may have swept it.
        if os.path.exists(name):
            return handle, Path(name), lock
        _release(lock)
        _release(handle)


def _release(handle: int) -> None:
    if handle >= 0:
        os.close(handle)
