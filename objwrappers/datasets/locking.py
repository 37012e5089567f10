"""Locks that one process holds and that end with it, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["FileLock"]


class FileLock:
    """Holds a lock file until it is released, collected, or its process ends.

    The file stays behind; only the operating system's lock on it counts.

    Args:
        path: The lock file, made if absent; its folder must exist.
        wait: Wait for whoever holds it instead of raising.

    Raises:
        BlockingIOError: Somebody holds it, in this process or another.
        OSError: The file cannot be made, say in a folder that is read-only.
    """

    def __init__(self, path: Path, wait: bool = False) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _lock(self._handle, wait)
        except BaseException:
            self.release()
            raise

    @property
    def held(self) -> bool:
        """Whether it was not released yet."""
        return self._handle >= 0

    def fileno(self) -> int:
        """Returns the handle, for a child process that is to hold the lock as well."""
        return self._handle

    def release(self) -> None:
        """Lets others have it; a second call does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self.release()


if sys.platform == "win32":
    import errno
    import msvcrt
    import time

    def _lock(handle: int, wait: bool) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
                return
            except OSError as error:
                if not wait:
                    raise BlockingIOError(errno.EWOULDBLOCK, "locked") from error
                time.sleep(0.2)

else:
    import fcntl

    def _lock(handle: int, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
