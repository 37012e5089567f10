"""Where the frames of a trial come from: a tar, alone or within a zip, or a folder of pictures.

* :class:`TarFrames`, :class:`FolderFrames`: give each picture with its name, and unpack nothing
* :func:`frames_in_order`: by number, whatever their order in the archive, in flat memory
* :func:`digest_of`: of a stream

Archives are a stranger's. Only regular files are read, never links or devices; names serve to
find a frame's number, no path is ever made of them; what is read is bounded, for each member and
in all.
"""

from __future__ import annotations

import bz2
import hashlib
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from objwrappers.datasets.atari_head.pictures import MAX_PICTURE_BYTES
from objwrappers.datasets.atari_head.reports import Rejections, TrialReport
from objwrappers.files import read_regular

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "FolderFrames",
    "Frames",
    "Open",
    "TarFrames",
    "digest_of",
    "frames_in_order",
]

MAX_ARCHIVE_BYTES = 2**31
"""Of a compressed tar: longer than any session by far."""

MAX_UNPACKED_BYTES = 2**32
"""Of all that a tar unpacks to."""

MAX_WAITING_BYTES = 2**26
"""Of pictures that are read before their turn; further ones are read again when it comes."""

_MAX_HEADER_BYTES = 2**16
_CHUNK_BYTES = 2**20
_NAME = re.compile(r"([A-Za-z]{1,16}_\d{1,18})_(\d{1,9})\.png", re.ASCII)

Open = Callable[[], AbstractContextManager[IO[bytes]]]
"""Opens a file of a trial, from its beginning."""


class Frames(Protocol):
    """Pictures of a trial."""

    def pictures(self, rejected: Rejections) -> Iterator[tuple[str, bytes]]:
        """Gives name and content of each picture; counts what is none, and never raises."""

    def digest(self) -> str:
        """Returns the SHA-256 of what they are read from.

        Raises:
            OSError, ValueError: It cannot be read.
        """


class TarFrames:
    """The pictures in a tar compressed by bzip2.

    Args:
        open_archive: Opens it as a stream, from its beginning.
    """

    def __init__(self, open_archive: Open) -> None:
        self._open = open_archive

    def digest(self) -> str:
        """Returns the SHA-256 of the archive."""
        with self._open() as stream:
            return digest_of(stream, MAX_ARCHIVE_BYTES)

    def pictures(self, rejected: Rejections) -> Iterator[tuple[str, bytes]]:
        """Gives the pictures in the archive's order, up to where it is damaged."""
        try:
            with self._open() as packed, bz2.open(packed) as unpacked:
                yield from _members(_Rationed(unpacked), rejected)
        # Of a damaged archive zipfile, bz2 and tarfile raise errors of many kinds.
        except Exception as error:
            rejected.add("damaged archives", f"{type(error).__name__}: {error}")


class FolderFrames:
    """The pictures in an unpacked folder.

    Args:
        folder: With ``<frame_id>.png``; folders within it are not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest(self) -> str:
        """Returns the SHA-256 of names and contents."""
        content = hashlib.sha256()
        for name, picture in self.pictures(Rejections()):
            content.update(f"{name} {len(picture)} ".encode("utf-8", "surrogateescape"))
            content.update(picture)
        return content.hexdigest()

    def pictures(self, rejected: Rejections) -> Iterator[tuple[str, bytes]]:
        """Gives the pictures by their numbers."""
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, entry.is_file(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            rejected.add("damaged archives", error)
            return
        for name, regular in sorted(found, key=lambda entry: (_number(entry[0]), entry[0])):
            if not regular:
                rejected.add("members that are no files", name)
                continue
            try:
                yield name, read_regular(self._folder / name, MAX_PICTURE_BYTES)
            except (OSError, ValueError) as error:
                rejected.add("members that cannot be read", f"{name}: {error}")


def frames_in_order(
    source: Frames, session: str, wanted: np.ndarray, last: int | None, report: TrialReport
) -> Iterator[tuple[int, bytes]]:
    """Gives the frames that have a label, by ascending number.

    The source is read once for what it holds, then once for its content, or oftener where it is
    so disordered that more than 64 MiB would wait for their turn.

    Args:
        source: Of the pictures.
        session: What the names of the trial's frames begin with.
        wanted: The numbers that have a label, ascending.
        last: The number of the last row, whose frame is not missed.
        report: Counts frames, and those that are not used: without a row, repeated and so on. Of
            frames that are repeated alike one is used, of those that differ none.

    Yields:
        Number and content.
    """
    there = _list(source, session, {*wanted.tolist()}, last, report)
    for number in wanted.tolist():
        if number not in there:
            report.rejected.add("rows without a frame", number)
    order = sorted(there)
    position = 0
    while position < len(order):
        before, waiting, size, ceiling = position, {}, 0, order[-1]
        for name, content in source.pictures(Rejections()):
            number = _number(name)
            if not order[position] <= number <= ceiling or there.get(number) != _mark(
                name, content
            ):
                continue
            size += len(content) if number not in waiting else 0
            waiting[number] = content
            while position < len(order) and order[position] in waiting:
                content = waiting.pop(order[position])
                size -= len(content)
                yield order[position], content
                position += 1
            if position == len(order):
                return
            while size > MAX_WAITING_BYTES and len(waiting) > 1:
                ceiling = max(waiting)
                size -= len(waiting.pop(ceiling))
                ceiling -= 1
        if position == before:  # Somebody writes there.
            report.rejected.add("frames that vanished while they were read", order[position])
            position += 1


def digest_of(stream: IO[bytes], max_bytes: int) -> str:
    """Returns the SHA-256 of a stream.

    Raises:
        ValueError: It is longer than that.
    """
    content, total = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        total += len(chunk)
        if total > max_bytes:
            raise ValueError(f"more than {max_bytes:,} bytes")
        content.update(chunk)
    return content.hexdigest()


def _list(
    source: Frames, session: str, wanted: set[int], last: int | None, report: TrialReport
) -> dict[int, bytes]:
    """Returns the frames to use: number → a mark of name and content."""
    rejected = report.rejected
    there: dict[int, bytes] = {}
    conflicting = set()
    for name, content in source.pictures(rejected):
        match = _NAME.fullmatch(name)
        if match is None:
            rejected.add("members of other names", name)
            continue
        report.frames += 1
        number = int(match[2])
        if match[1] != session:
            rejected.add("frames of another session", name)
        elif number not in wanted:
            if number != last:
                rejected.add("frames without a row", number)
        elif number not in there:
            there[number] = _mark(name, content)
        elif there[number] == _mark(name, content):
            rejected.add("repeated frames", number)
        else:
            rejected.add("frames that contradict each other", number)
            conflicting.add(number)
    return {number: mark for number, mark in there.items() if number not in conflicting}


def _mark(name: str, content: bytes) -> bytes:
    session = name.rpartition("_")[0]
    return hashlib.blake2b(session.encode("ascii", "replace") + content, digest_size=16).digest()


def _number(name: str) -> int:
    match = _NAME.fullmatch(name)
    return int(match[2]) if match else -1


class _Rationed:
    """Reads a tar's bytes as long as they are granted: tarfile believes any header's size.

    Args:
        stream: The unpacked tar.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._total = MAX_UNPACKED_BYTES
        self.grant(0)

    def grant(self, size: int) -> None:
        """Allows so many bytes, and a header's."""
        self._left = size + _MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        """Reads at most so many bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        self._total -= len(data)
        if self._left < 0 or self._total < 0:
            raise ValueError(f"a header or the archive is too large, at {data[:20]!r}")
        return data


def _members(stream: _Rationed, rejected: Rejections) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
        while (member := tar.next()) is not None:
            # tarfile keeps what it read.
            tar.members.clear()
            tar.pax_headers.clear()
            if member.size < 0:
                raise ValueError(f"{member.name[:100]!r} has {member.size} bytes")
            stream.grant(member.size)
            parts = member.name.split("/")
            if member.isdir():
                continue
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                rejected.add("members that are no files", member.name)
            elif member.name.startswith(("/", "\\")) or ".." in parts:
                rejected.add("members outside the archive", member.name)
            elif member.size > MAX_PICTURE_BYTES:
                rejected.add("members that are too large", f"{member.name}: {member.size:,} bytes")
            else:
                content = tar.extractfile(member)
                data = content.read() if content else b""
                if len(data) != member.size:
                    raise ValueError(f"{member.name[:100]!r} is cut off")
                yield parts[-1], data
