"""Files that are complete or absent, files of strangers, and the folders of the user's cache.

* :func:`write_atomically`, :func:`write_folder_atomically`, :func:`recover_folder`
* :func:`read_json`, :func:`read_regular`: within bounds, or one clear error
* :func:`cache_folder`, :func:`check_writable`
"""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

import platformdirs

from objwrappers.temporaries import OUTDATED, is_being_written, temporary_file, temporary_folder

__all__ = [
    "cache_folder",
    "check_writable",
    "hyperparams_folder",
    "read_json",
    "read_regular",
    "recover_folder",
    "write_atomically",
    "write_folder_atomically",
]

MAX_JSON_BYTES = 2**20
MAX_JSON_DEPTH = 32
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends


def cache_folder(*parts: str) -> Path:
    """Returns a folder in the user's cache, ``~/.cache/objwrappers/...`` on Linux; not made yet.

    A user without a home has one among the temporary files.
    """
    try:
        place = platformdirs.user_cache_path("objwrappers", appauthor=False)
    except RuntimeError:  # some versions raise it, others give "~/.cache"
        place = Path("~")
    return (place if place.is_absolute() else _homeless()).joinpath(*parts)


@cache
def _homeless() -> Path:
    """A folder among the temporary files that is the user's alone."""
    place = Path(tempfile.gettempdir(), f"objwrappers-{os.getuid()}")
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="objwrappers-"))
    return place


def check_writable(path: str | Path, kind: str = "file") -> None:
    """Checks that something may be written at a path, before it is made.

    Args:
        path: Of it.
        kind: ``"file"``; ``"folder"``, into which files go; ``"replaced"``, a folder that is
            replaced as a whole.

    Raises:
        OSError: Something else stands there or where a folder must be, or nobody may write there;
            the message names the place.
    """
    place = Path(path).absolute()
    if kind == "file" and place.exists() and not place.is_file():
        raise FileExistsError(f"{path} cannot be written: it is there, and is no file.")
    if kind != "folder":
        place = place.parent
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {place} is no folder.")
    refusal = f"{path} cannot be written: nothing may be written to {place}"
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"{refusal}.")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass  # not everything that may be written can be
    except OSError as error:
        raise type(error)(f"{refusal}: {error}.") from error


def hyperparams_folder() -> Path:
    """Returns the folder of hyperparameters, in the installed package or in the clone."""
    package = Path(__file__).resolve().parent
    installed = package / "hyperparams"
    return installed if installed.is_dir() else package.parent / "hyperparams"


@contextmanager
def write_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """Gives a file to write; only when that succeeded does it take the place of ``path``.

    A full disk, an error or a kill leaves what stood there before untouched.

    Args:
        path: The final path; its folder is made if absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(path) as (handle, temporary):
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)


@contextmanager
def write_folder_atomically(folder: str | Path) -> Iterator[Path]:
    """Gives an empty folder to fill; only when that succeeded does it take ``folder``'s place.

    Args:
        folder: The final folder, replaced if it exists; its parent is made if absent.
    """
    folder = Path(folder)
    if folder.is_symlink():
        folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    outdated = _outdated(folder)
    recover_folder(folder)
    with temporary_folder(folder) as temporary:
        yield temporary
        os.chmod(temporary, 0o755)
        shutil.rmtree(outdated, ignore_errors=True)
        if folder.exists():
            os.rename(folder, outdated)
        try:
            os.rename(temporary, folder)
        finally:
            _restore(folder)
        shutil.rmtree(outdated, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Brings back the old folder where a replacement was cut off between its two renames."""
    if _outdated(folder).is_dir() and not is_being_written(folder):
        _restore(folder)


def _restore(folder: Path) -> None:
    if not folder.exists() and _outdated(folder).is_dir():
        os.rename(_outdated(folder), folder)


def _outdated(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.{OUTDATED}"


def read_regular(path: str | Path, max_bytes: int) -> bytes:
    """Reads a file that may be anything: a pipe or a device neither blocks nor fills memory.

    Args:
        path: Links are followed.
        max_bytes: A larger file is not read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a folder, a pipe or a device, is larger, or cannot be read.
    """
    try:
        # Without O_NONBLOCK opening a pipe waits for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise ValueError(f"{path} is not a regular file.")
            if facts.st_size > max_bytes:
                raise ValueError(
                    f"{path} is too large: {facts.st_size:,} bytes, expected at most {max_bytes:,}."
                )
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read(facts.st_size + 1)
        finally:
            os.close(handle)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"There is no file {path}.") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if len(content) != facts.st_size:
        raise ValueError(f"{path} changed while it was read.")
    return content


def read_json(path: str | Path, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Reads a JSON object that a stranger may have written.

    Args:
        path: Of a regular file.
        max_bytes: A larger file is not read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No regular file, one that is too large or no JSON object, NaN or infinity in it,
            or more than 32 levels; the message names the file.
    """
    content = read_regular(path, max_bytes)
    try:
        value = json.loads(
            content.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
        if not isinstance(value, dict):
            raise ValueError(f"a {type(value).__name__} instead of an object")
        _check_depth(value)
    except RecursionError as error:
        raise ValueError(f"{path} is damaged: nested too deep.") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for values in inner for v in values if isinstance(v, dict | list)]
        if not level:
            return
    raise ValueError(f"nested too deep, more than {MAX_JSON_DEPTH} levels")
