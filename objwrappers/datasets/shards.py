"""One block of a recording as one file, written whole, read with suspicion.

A shard is an npz archive: the arrays of its codec (:mod:`objwrappers.datasets.codecs`), ``starts``
bool (t, N), ``arrays/<name>`` (t, N, ...) for each named array, and ``header``, JSON as bytes, with
the codec, the task and a digest of the content. A shard without a header is of an old recording:
``palette``, ``indices`` and ``starts``, without a digest.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from objwrappers.datasets.codecs import decode, encode, encoded_names
from objwrappers.files import write_atomically

__all__ = ["MAX_BLOCK_BYTES", "Block", "check_block", "digest_of", "read_shard", "write_shard"]

MAX_BLOCK_BYTES = 2**31
"""Of the arrays of one block, encoded and decoded: no shard unpacks to more."""

_MAX_HEADER_BYTES = 2**16
_PREFIX = "arrays/"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Block(NamedTuple):
    """Consecutive steps of N envs side by side.

    Attributes:
        frames: uint8 (t, N, H, W, 3).
        starts: bool (t, N), True where an episode or a recording begins.
        arrays: Name → (t, N, ...), numbers or truth values of each step.
    """

    frames: np.ndarray
    starts: np.ndarray
    arrays: dict[str, np.ndarray]


def check_block(block: Block) -> None:
    """Checks that a block can be recorded.

    Raises:
        ValueError: Another shape or type, a bad name, or too many bytes at once.
    """
    frames, starts, arrays = block
    if frames.dtype != np.uint8 or frames.ndim != 5 or frames.shape[-1] != 3 or not frames.size:
        raise ValueError(
            "Recorded frames must be uint8 of shape (t, N, H, W, 3), got "
            f"{frames.dtype} of shape {frames.shape}."
        )
    steps = frames.shape[:2]
    if starts.dtype != np.bool_ or starts.shape != steps:
        raise ValueError(
            f"starts must be bool of shape {steps}, got {starts.dtype} of shape {starts.shape}."
        )
    for name, array in arrays.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"An array's name is letters, digits and underscores, got {name!r}.")
        if array.dtype.kind not in "biuf" or array.shape[:2] != steps:
            raise ValueError(
                f"{name} must hold numbers or truth values of shape {steps} and more, got "
                f"{array.dtype} of shape {array.shape}."
            )
    total = frames.nbytes + sum(array.nbytes for array in arrays.values())
    if total > MAX_BLOCK_BYTES:
        raise ValueError(
            f"A block has at most {MAX_BLOCK_BYTES:,} bytes, got {total:,}; record fewer steps "
            "at once."
        )


def digest_of(task: str, block: Block) -> str:
    """Returns the SHA-256 of a block's content and task, whatever the codec."""
    parts = {"frames": block.frames, "starts": block.starts}
    parts |= {_PREFIX + name: array for name, array in sorted(block.arrays.items())}
    parts = {name: _portable(array) for name, array in parts.items()}
    shapes = {name: (array.dtype.str, array.shape) for name, array in parts.items()}
    digest = hashlib.sha256(json.dumps([task, shapes]).encode())
    for array in parts.values():
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def write_shard(path: Path, task: str, block: Block) -> str:
    """Writes a block and returns the digest of its content.

    Raises:
        ValueError: :func:`check_block`.
        OSError: The disk is full; there is no file then.
    """
    check_block(block)
    codec, encoded = encode(block.frames)
    digest = digest_of(task, block)
    header = json.dumps({"codec": codec, "task": task, "digest": digest}).encode()
    named = {_PREFIX + name: _portable(array) for name, array in sorted(block.arrays.items())}
    members = {"header": np.frombuffer(header, np.uint8), **encoded, "starts": block.starts}
    with write_atomically(path) as file:
        np.savez_compressed(file, **{**members, **named})  # type: ignore[arg-type]
    return digest


def read_shard(path: Path, task: str, digest: str | None) -> Block:
    """Reads and verifies a shard.

    Args:
        path: Of the file.
        task: Of its recording.
        digest: That its content must have; None for a shard of an old recording.

    Raises:
        ValueError: A file that is missing, damaged, too large, changed, or of another recording.
    """
    if not path.is_file():
        raise ValueError("it is missing")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            header = _read_header(archive, members) if "header" in members else {}
            if (digest is not None) != bool(header):
                raise ValueError("it is of another recording, one with or without digests")
            if header and (header["task"], header["digest"]) != (task, digest):
                raise ValueError(
                    f"it is of another recording, of {header['task']!r} with digest "
                    f"{header['digest']!r} instead of {task!r} with {digest!r}"
                )
            block = _read_block(archive, members, header.get("codec", "palette"))
        check_block(block)
    except (
        KeyError,
        EOFError,
        OSError,
        RuntimeError,
        MemoryError,
        OverflowError,
        TypeError,
        SyntaxError,
        tokenize.TokenError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    if digest is not None and digest_of(task, block) != digest:
        raise ValueError("its content was changed: the digest is another one")
    return block


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    members = {entry.filename.removesuffix(".npy"): entry for entry in entries}
    if len(members) != len(entries):
        raise ValueError("an array is there twice")
    if (total := sum(entry.file_size for entry in entries)) > MAX_BLOCK_BYTES:
        raise ValueError(f"it unpacks to {total:,} bytes")
    return members


def _read_header(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]
) -> dict[str, Any]:
    if members["header"].file_size > _MAX_HEADER_BYTES:
        raise ValueError("its header is too large")
    header = json.loads(_read_array(archive, members["header"]).tobytes())
    if not isinstance(header, dict) or not {"codec", "task", "digest"} <= set(header):
        raise ValueError("its header does not name codec, task and digest")
    return header


def _read_block(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], codec: Any
) -> Block:
    encoded = {name: _read_array(archive, members[name]) for name in encoded_names(str(codec))}
    decoded = 3 * encoded["indices"].size if "indices" in encoded else 0
    if decoded > MAX_BLOCK_BYTES:
        raise ValueError(f"its frames have {decoded:,} bytes")
    arrays = {
        name.removeprefix(_PREFIX): _read_array(archive, entry).copy()
        for name, entry in members.items()
        if name.startswith(_PREFIX)
    }
    starts = _read_array(archive, members["starts"]).copy()
    return Block(decode(codec, encoded), starts, arrays)


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """Reads an array no larger than its archive says; NumPy's own reader believes the array."""
    with archive.open(entry) as file:
        shape, fortran, dtype = _read_npy_header(file)
        if dtype.hasobject or fortran:
            raise ValueError(f"{entry.filename} holds objects or columns")
        expected = math.prod(shape) * dtype.itemsize
        if not 0 <= expected < entry.file_size:
            raise ValueError(f"{entry.filename} is too short for an array {shape}")
        # A limit here also bounds what zlib unpacks, whatever the archive says of the size.
        data = file.read(expected + 1)
    if len(data) != expected:
        raise ValueError(f"{entry.filename} holds more or less than an array {shape}")
    return np.frombuffer(data, dtype).reshape(shape)


def _read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"an array in format {version}")
    return readers[version](file)


def _portable(array: np.ndarray) -> np.ndarray:
    """Returns the array in one piece and with the lowest byte first, on every machine."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
