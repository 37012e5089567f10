"""Checkpoints of trainings: tensors and plain values, complete or not there at all.

* :func:`save_checkpoint`, :func:`load_checkpoint`, :func:`naming_damage`
* :func:`check_records`: of a file of torch's, before it is unpacked; :func:`check_finite`

A checkpoint is a file of torch's with a SHA-256 of it at the end, which torch passes over. Those
of before have none.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from objwrappers.files import read_regular, write_atomically

__all__ = ["check_finite", "check_records", "load_checkpoint", "naming_damage", "save_checkpoint"]

MAX_BYTES = 2**33
MAX_RECORDS = 10_000
_MARK = b"objwrappers sha256 "
_END_BYTES = len(_MARK) + hashlib.sha256().digest_size


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes a checkpoint; one that is cut off leaves the one before it."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    content = buffer.getbuffer()
    with write_atomically(path) as file:
        file.write(content)
        file.write(_MARK + hashlib.sha256(content).digest())


def load_checkpoint(path: Path, kinds: Mapping[str, type], cure: str) -> dict[str, Any]:
    """Reads a checkpoint to the processor; nothing in it runs as code.

    Args:
        path: Its file.
        kinds: What such a checkpoint holds, and of which type.
        cure: What to do about a damaged one, a sentence for the message.

    Raises:
        ValueError: It is damaged, of no such training, or cannot be read.
    """
    content = read_regular(path, MAX_BYTES)
    with naming_damage(path, cure):
        content = _checked(content)
        check_records(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        for name, kind in kinds.items():
            if not isinstance(state[name], kind):
                raise ValueError(f"{name} is of type {type(state[name]).__name__}")
    return state


@contextmanager
def naming_damage(path: Path, cure: str) -> Iterator[None]:
    """What goes wrong with a checkpoint is a ValueError that names it, and the cure."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # torch raises many kinds for a damaged file
        words = f"{type(error).__name__} " if isinstance(error, KeyError) else ""
        raise ValueError(f"{path} is damaged ({words}{error}). {cure}") from error


def _checked(content: bytes) -> bytes:
    """Returns what torch wrote; raises ValueError where it is not what the digest is of."""
    if content[-_END_BYTES : -_END_BYTES + len(_MARK)] != _MARK:
        return content
    written, digest = content[:-_END_BYTES], content[-_END_BYTES + len(_MARK) :]
    if hashlib.sha256(written).digest() != digest:
        raise ValueError("its content was changed: the digest is another one")
    return written


def check_finite(name: str, tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError where one of the tensors holds NaN or infinity."""
    for key, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} {key!r} holds NaN or infinity")


def check_records(content: bytes) -> None:
    """Checks a file of torch's: compressed records could be huge.

    Raises:
        ValueError: It is none, or its records are compressed, many, or lie over each other.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as records:
        infos = records.infolist()
        if len(infos) > MAX_RECORDS:
            raise ValueError(f"it has {len(infos)} records.")
        if any(one.compress_type != zipfile.ZIP_STORED for one in infos):
            raise ValueError("it has compressed records, which torch does not write.")
        if sum(one.file_size for one in infos) > len(content):
            raise ValueError("it has records that lie over each other.")
