"""A frame as it was recorded, a PNG that a stranger may have made: checked, then decoded.

* :func:`decode_frame`: bytes → uint8 (210, 160, 3)
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np

__all__ = ["HEIGHT_PX", "MAX_PICTURE_BYTES", "WIDTH_PX", "decode_frame"]

HEIGHT_PX, WIDTH_PX = 210, 160
"""The screen of the Atari 2600, as ALE gives it."""

MAX_PICTURE_BYTES = 2**18
"""Of a PNG: twice what the pixels take that are not compressed at all."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LAST_CHUNK = b"IEND"
_OVERHEAD_BYTES = 12  # of a chunk: its length, name and checksum
_WITHOUT_ALPHA = (0, 2, 3)  # grey, RGB, palette


def decode_frame(content: bytes) -> np.ndarray:
    """Decodes a picture of exactly the screen's size.

    Nothing is unpacked before the header and every checksum are right: what a decoder makes of a
    picture that was cut off looks like a frame.

    Args:
        content: Of the file.

    Returns:
        RGB, uint8 (210, 160, 3).

    Raises:
        ValueError: It is no PNG, damaged, cut off, of another size, or has an alpha channel or
            more than 8 bits.
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise ValueError(f"{len(content):,} bytes, more than {MAX_PICTURE_BYTES:,}")
    _check_chunks(content)
    picture = cv2.imdecode(
        np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if picture is None or picture.shape != (HEIGHT_PX, WIDTH_PX, 3):
        raise ValueError("its pixels are damaged")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _check_chunks(content: bytes) -> None:
    if not content.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    position, name = len(_SIGNATURE), b""
    while name != _LAST_CHUNK:
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + length + _OVERHEAD_BYTES
        if end > len(content) or len(content) - position < _OVERHEAD_BYTES:
            raise ValueError("cut off")
        name = content[position + 4 : position + 8]
        checksum = int.from_bytes(content[end - 4 : end], "big")
        if zlib.crc32(memoryview(content)[position + 4 : end - 4]) != checksum:
            raise ValueError("a checksum is wrong")
        if position == len(_SIGNATURE):
            _check_header(name, content[position + 8 : end - 4])
        position = end


def _check_header(name: bytes, header: bytes) -> None:
    if name != b"IHDR" or len(header) != 13:
        raise ValueError("no header")
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    if (width, height) != (WIDTH_PX, HEIGHT_PX):
        raise ValueError(f"{width}x{height} pixels, not {WIDTH_PX}x{HEIGHT_PX}")
    depth, colours = header[8], header[9]
    if depth > 8 or colours not in _WITHOUT_ALPHA:
        raise ValueError(f"{depth} bits and colour type {colours}, not RGB of 8 bits")
