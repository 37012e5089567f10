"""Files and folders that are being written, beside what they are to replace.

* :func:`temporary_file`, :func:`temporary_folder`
* :func:`sweep`: removes what writers that were killed have left

Whoever writes holds a lock, which ends with the process, however that ends: what nobody holds is
left over. Where there are no such locks (Windows, some network file systems), nothing is swept.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["OUTDATED", "sweep", "temporary_file", "temporary_folder"]

OUTDATED = "outdated"
"""What a folder that is being replaced ends with for a moment; it is never swept."""

_RANDOM = re.compile(r"[a-z0-9_]{8}")  # tempfile's


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
    if fcntl is None:
        return
    for left in path.parent.glob(f".{_escaped(path.name)}.*"):
        suffix = left.name[len(path.name) + 2 :]
        if suffix == OUTDATED or not _RANDOM.fullmatch(suffix):
            continue
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()
            finally:
                os.close(handle)


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _make_folder(dir: Path, prefix: str) -> tuple[int, str]:
    return -1, tempfile.mkdtemp(dir=dir, prefix=prefix)


def _held(path: Path, make: Callable[..., tuple[int, str]]) -> tuple[int, Path, int]:
    """Makes something and takes its lock; returns its handle, its path and the lock's handle."""
    while True:
        handle, name = make(dir=path.parent, prefix=f".{path.name}.")
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
