"""Files that are complete or absent, and the folders of the user's cache."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import platformdirs

__all__ = ["cache_folder", "write_atomically"]


def cache_folder(*parts: str) -> Path:
    """Returns a folder in the user's cache, ``~/.cache/objwrappers/...`` on Linux; not made yet."""
    return platformdirs.user_cache_path("objwrappers", appauthor=False).joinpath(*parts)


@contextmanager
def write_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """Gives a file to write; only when that succeeded does it take the place of ``path``.

    A full disk, an error or a kill leaves what stood there before untouched.

    Args:
        path: The final path; its folder is made if absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
