"""What is made once of a recording and kept beside its shards: arrays in a folder of their own.

* :func:`keep`: reads what is kept, or has it made, by one process while the others wait
* :func:`write_kept`, :func:`read_kept`: the folder

The folder holds ``<name>.npy`` for each array and ``digest.json``: what they were made of, and a
digest of their own. What is outdated or damaged is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from objwrappers.datasets.locking import FileLock
from objwrappers.datasets.recordings import Recording
from objwrappers.files import cache_folder, read_json, write_folder_atomically

__all__ = ["Layout", "keep", "read_kept", "write_kept"]

Layout = Mapping[str, tuple[tuple[int | None, ...], Any]]
"""Name of an array → its shape, None for any length, and its dtype."""

_DIGEST = "digest.json"

Kept = TypeVar("Kept")


def keep(
    recording: Recording,
    name: str,
    read: Callable[[Path], Kept | None],
    write: Callable[[Path], None],
) -> Kept | None:
    """Returns what is kept of a recording, after it was written if need be.

    Args:
        recording: It lies beside its shards, or in the user's cache where these are read-only.
        name: Of the folder.
        read: Folder → what is in it; None where that is missing, damaged or outdated.
        write: Makes the folder.

    Returns:
        None where nothing can be kept: a disk without room is no error.
    """
    for home in (recording.folder, cache_folder("frames", f".{recording.digest[:16]}")):
        folder = home / name
        if (kept := read(folder)) is not None:
            return kept
        try:
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / f"{name}.lock", wait=True):
                if (kept := read(folder)) is None:
                    write(folder)
                    kept = read(folder)
        except OSError:
            continue
        if kept is not None:
            return kept
    return None


@contextmanager
def write_kept(folder: Path, made_of: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Writes a folder, whole or not at all.

    Args:
        folder: Replaced if it exists.
        made_of: What :func:`read_kept` is asked for; JSON.

    Yields:
        Where the arrays go, and a hash that is fed with their bytes in the order of their layout.
    """
    with write_folder_atomically(folder) as temporary:
        content = hashlib.sha256()
        yield temporary, content
        facts = {**made_of, "content": content.hexdigest()}
        (temporary / _DIGEST).write_text(json.dumps(facts))


def read_kept(
    folder: Path, made_of: Mapping[str, Any], layout: Layout
) -> tuple[np.ndarray, ...] | None:
    """Maps the arrays of a folder; None where they are missing, damaged or of something else.

    The mappings are private: PyTorch takes no read-only arrays, and nobody writes.
    """
    try:
        facts = read_json(folder / _DIGEST)
        expected = facts.pop("content")
        if facts != json.loads(json.dumps(made_of)):
            return None
        content, arrays = hashlib.sha256(), []
        for name, (shape, dtype) in layout.items():
            path = folder / f"{name}.npy"
            if not path.is_file():  # a pipe would be waited for
                return None
            array = np.load(path, mmap_mode="c", allow_pickle=False)
            # The digest is of the bytes; of a damaged header the rest may say something else.
            if array.dtype != dtype or not _fits(array.shape, shape) or array.flags.fnc:
                return None
            content.update(array.data)
            arrays.append(array)
    # Of a damaged header NumPy raises ValueError, SyntaxError, tokenize.TokenError and others.
    except Exception:
        return None
    return tuple(arrays) if content.hexdigest() == expected else None


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        length in (None, size) for size, length in zip(shape, wanted, strict=True)
    )
