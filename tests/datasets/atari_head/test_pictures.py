"""PNGs of strangers."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from objwrappers.datasets.atari_head.pictures import MAX_PICTURE_BYTES, decode_frame

FRAME = np.random.default_rng(0).integers(0, 256, (210, 160, 3), np.uint8)
FRAME[:100] = (10, 20, 30)


def png(frame, kind="PNG", **options):
    content = io.BytesIO()
    Image.fromarray(frame).save(content, kind, **options)
    return content.getvalue()


PNG = png(FRAME)


def test_pixels_are_those_that_were_recorded():
    frame = decode_frame(PNG)
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, FRAME)


def test_a_picture_with_a_palette_or_grey():
    grey = FRAME[..., 0]
    np.testing.assert_array_equal(decode_frame(png(grey)), np.repeat(grey[..., None], 3, axis=2))
    content = io.BytesIO()
    Image.fromarray(FRAME // 128 * 255).quantize(8).save(content, "PNG")
    np.testing.assert_array_equal(decode_frame(content.getvalue()), FRAME // 128 * 255)


def test_what_a_picture_says_of_its_orientation_is_not_believed():
    exif = Image.Exif()
    exif[0x0112] = 3
    np.testing.assert_array_equal(decode_frame(png(FRAME, exif=exif)), FRAME)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no PNG"),
        (png(FRAME, "BMP"), "no PNG"),
        (png(FRAME[:, :159]), "159x210 pixels, not 160x210"),
        (png(FRAME.transpose(1, 0, 2)), "210x160 pixels"),
        (png(np.zeros((210, 160, 4), np.uint8)), "8 bits and colour type 6"),
        (png(np.zeros((210, 160), np.uint16)), "16 bits and colour type 0"),
        (bytes(MAX_PICTURE_BYTES + 1), "more than 262,144"),
        (PNG[:-1], "cut off"),
        (PNG[:8], "cut off"),
    ],
)
def test_other_pictures_are_refused(content, why):
    with pytest.raises(ValueError, match=why):
        decode_frame(content)


def test_a_huge_picture_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", None)
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(ValueError, match="2147483647x2147483647"):
        decode_frame(PNG[:8] + chunk + PNG[33:])


def test_right_checksums_of_too_few_pixels():
    data = PNG[PNG.index(b"IDAT") + 4 : PNG.index(b"IDAT") + 500]
    chunk = struct.pack(">I", len(data)) + b"IDAT" + data
    chunk += struct.pack(">I", zlib.crc32(b"IDAT" + data))
    with pytest.raises(ValueError, match="its pixels are damaged"):
        decode_frame(PNG[:33] + chunk + PNG[-12:])


@given(st.integers(0, len(PNG) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(position, change):
    damaged = bytearray(PNG)
    damaged[position] ^= change
    with pytest.raises(ValueError):
        decode_frame(bytes(damaged))


@given(st.integers(0, len(PNG) - 1))
def test_no_cut_goes_unnoticed(length):
    with pytest.raises(ValueError):
        decode_frame(PNG[:length])
