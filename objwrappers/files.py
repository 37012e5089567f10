"""Files that are complete or absent, and the folders of the user's cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import platformdirs

__all__ = ["cache_folder", "recover_folder", "write_atomically", "write_folder_atomically"]


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


@contextmanager
def write_folder_atomically(folder: str | Path) -> Iterator[Path]:
    """Gives an empty folder to fill; only when that succeeded does it take ``folder``'s place.

    Args:
        folder: The final folder, replaced if it exists; its parent is made if absent.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    outdated = _outdated(folder)
    try:
        yield temporary
        os.chmod(temporary, 0o755)
        shutil.rmtree(outdated, ignore_errors=True)
        if folder.exists():
            os.rename(folder, outdated)
        try:
            os.rename(temporary, folder)
        finally:
            recover_folder(folder)
        shutil.rmtree(outdated, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Brings back the old folder where a replacement was cut off between its two renames."""
    if not folder.exists() and _outdated(folder).is_dir():
        os.rename(_outdated(folder), folder)


def _outdated(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.outdated"
