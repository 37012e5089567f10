"""Files from the web: gone on with after a cut, and whole, with the right checksum, or absent.

* :func:`fetch_json`, :func:`fetch_file`
* :class:`RemoteFile`: what is known of a file before it is fetched
* :func:`bytes_to_fetch`, :func:`check_space`: whether there is room
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError

__all__ = ["RemoteFile", "bytes_to_fetch", "check_space", "fetch_file", "fetch_json"]

MAX_JSON_BYTES = 2**22

_CHUNK_BYTES = 2**20
_TIMEOUT_S = 30.0
_TRIES = 5
_PAUSE_S = 1.0
_SPARE_BYTES = 2**26
_PARTIAL = 206
_RANGE_NOT_THERE = 416


class RemoteFile(NamedTuple):
    """A file on a server.

    Attributes:
        name: It gets, without folders.
        url: By http or https.
        num_bytes: Its size.
        md5: Of its content, hexadecimal.
    """

    name: str
    url: str
    num_bytes: int
    md5: str


def fetch_json(url: str) -> dict[str, Any]:
    """Returns a JSON object from the web.

    Raises:
        ConnectionError: The server cannot be reached, or refuses.
        ValueError: It is no JSON object, or larger than 4 MiB.
    """
    try:
        with _open(url) as response:
            content = response.read(MAX_JSON_BYTES + 1)
    except (http.client.HTTPException, OSError) as error:
        raise _unreachable(url, error) from error
    try:
        value = json.loads(content) if len(content) <= MAX_JSON_BYTES else None
    except (RecursionError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{url} gives no JSON object of at most {MAX_JSON_BYTES:,} bytes.")
    return value


def bytes_to_fetch(file: RemoteFile, folder: Path) -> int:
    """Returns how much of a file is still to come; 0 where it lies in the folder as it should."""
    path = folder / file.name
    if path.is_file() and path.stat().st_size == file.num_bytes and _md5(path) == file.md5:
        return 0
    there = max(_size(_part(path)), 0)
    # A part that is whole is still to be checked, and a file that is empty still to be made.
    return max(file.num_bytes - there, 1) if there <= file.num_bytes else file.num_bytes


def check_space(folder: Path, num_bytes: int) -> None:
    """Checks that so many bytes have room in a folder, with some to spare.

    Raises:
        OSError: They have not.
    """
    free = shutil.disk_usage(folder).free
    if free < num_bytes + _SPARE_BYTES:
        raise OSError(
            f"{folder} has room for {free:,} bytes, but {num_bytes:,} are to come and "
            f"{_SPARE_BYTES:,} should stay free: make room or give another folder."
        )


def fetch_file(
    file: RemoteFile, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> Path:
    """Fetches a file, from where an earlier attempt was cut off.

    Until it is whole and right it is called ``<name>.part``.

    Args:
        file: Which one.
        folder: Must exist, and have one writer.
        advance: Is told of bytes as they come; of those to come again, with a minus.

    Returns:
        Its path.

    Raises:
        ConnectionError: The server cannot be reached, refuses, or cuts off again and again. What
            came stays, and the next call goes on.
        ValueError: The content is not what was announced; it is removed.
        OSError: The disk is full.
    """
    path = folder / file.name
    part = _part(path)
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            _go_on(file, part, advance)
        except (http.client.HTTPException, ConnectionError, TimeoutError, URLError) as error:
            # What cannot be reached at first will not be after a pause; what was cut off may.
            if isinstance(error, HTTPError) or (isinstance(error, URLError) and not attempt):
                raise _unreachable(file.url, error) from error
            continue
        if _size(part) == file.num_bytes:
            break
    else:
        raise ConnectionError(
            f"{file.url} was cut off {_TRIES} times, at last at {max(_size(part), 0):,} of "
            f"{file.num_bytes:,} bytes; the same command goes on from there."
        )
    if (found := _md5(part)) != file.md5:
        part.unlink()
        raise ValueError(
            f"{file.url} came with another content than announced (MD5 {found} instead of "
            f"{file.md5}) and was removed; fetch it again."
        )
    os.replace(part, path)
    return path


def _go_on(file: RemoteFile, part: Path, advance: Callable[[int], object]) -> None:
    there = _size(part)
    if there == file.num_bytes:
        return
    if there > file.num_bytes:
        part.unlink()
    if not 0 < there < file.num_bytes:
        there = 0
    try:
        response = _open(file.url, {"Range": f"bytes={there}-"} if there else {})
    except HTTPError as error:
        if error.code != _RANGE_NOT_THERE or not there:
            raise
        part.unlink()
        advance(-there)
        return
    with response:
        goes_on = response.status == _PARTIAL and response.headers.get(
            "Content-Range", ""
        ).startswith(f"bytes {there}-")
        if there and not goes_on:
            advance(-there)
            there = 0
        with part.open("ab" if there else "wb") as out:
            while chunk := response.read(_CHUNK_BYTES):
                there += len(chunk)
                if there > file.num_bytes:
                    out.truncate(0)
                    raise ValueError(
                        f"{file.url} gives more than the {file.num_bytes:,} bytes that were "
                        "announced."
                    )
                out.write(chunk)
                advance(len(chunk))
            out.flush()
            os.fsync(out.fileno())


def _open(url: str, headers: dict[str, str] | None = None) -> Any:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url!r} is no address of the web.")
    request = urllib.request.Request(url, headers={"User-Agent": "objwrappers", **(headers or {})})
    return urllib.request.urlopen(request, timeout=_TIMEOUT_S)


def _unreachable(url: str, error: Exception) -> ConnectionError:
    if isinstance(error, HTTPError):
        return ConnectionError(f"{url} answers {error.code} {error.reason}; try again later.")
    reason = getattr(error, "reason", None) or error
    return ConnectionError(f"{url} cannot be reached ({reason}): this machine seems to be offline.")


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
