"""Folders of images, as strangers have them."""

import io
import os
import warnings

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from objwrappers.datasets import images as module
from objwrappers.datasets.images import ImageFolder, read_image
from objwrappers.perception.resizing import resize_area


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return array


def noise(seed, height=20, width=30):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_images_of_any_size_and_folder_are_resized_by_area(tmp_path):
    written = [
        save(tmp_path / "a.png", noise(0)),
        save(tmp_path / "within" / "b.bmp", noise(1, 40, 24)),
        save(tmp_path / "within" / "deeper" / "C.WEBP", noise(2, 12, 12), lossless=True),
    ]
    frames = ImageFolder(tmp_path).read(10, 12)
    assert frames.frames.shape == (3, 1, 10, 12, 3) and frames.frames.dtype == torch.uint8
    assert frames.starts.all() and frames.starts.shape == (3, 1)
    expected = [resize_area(torch.from_numpy(image), 10, 12) for image in written]
    for image in expected:
        assert any(torch.equal(image, frame) for frame in frames.frames[:, 0])
    shrunk = cv2.resize(written[0], (12, 10), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(expected[0].numpy(), shrunk)
    training, validation = frames.split(0.1)
    assert (len(training.frames), len(validation.frames)) == (2, 1)


def test_grey_is_the_luma(tmp_path):
    save(tmp_path / "a.png", np.full((4, 4, 3), (200, 100, 50), np.uint8))
    save(tmp_path / "b.png", np.full((4, 4, 3), (200, 100, 50), np.uint8))
    frames = ImageFolder(tmp_path).read(2, 2, grayscale=True).frames
    assert frames.shape == (2, 1, 2, 2, 1)
    assert frames.unique().tolist() == [124]  # .299 · 200 + .587 · 100 + .114 · 50 = 124.2


def test_transparency_depth_and_orientation(tmp_path):
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[..., 0], clear[0, 0, 3] = 255, 255
    save(tmp_path / "clear.png", clear)
    assert read_image(tmp_path / "clear.png")[..., 0].tolist() == [[255, 0], [0, 0]]
    save(tmp_path / "deep.png", np.array([[0, 256 * 7], [65535, 300]], np.uint16))
    assert read_image(tmp_path / "deep.png")[..., 1].tolist() == [[0, 7], [255, 1]]
    turned = Image.fromarray(noise(3, 4, 6))
    exif = turned.getexif()
    exif[0x0112] = 6  # shown turned right by 90 degrees
    turned.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), np.rot90(noise(3, 4, 6), -1))


def test_what_cannot_be_read_is_passed_over_once_and_named(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.png", noise(i))
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / ".hidden.png").write_text("not looked at")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folder = ImageFolder(tmp_path)
        frames = folder.read(8, 8).frames
    assert len(frames) == 3
    said = [str(warning.message) for warning in caught]
    assert len(said) == 4
    assert said[0].startswith("1 files in")
    for name in ("cut.png", "pipe.png", "text.jpg"):
        assert sum(f"{name} is passed over" in message for message in said) == 1


def test_huge_images_are_not_unpacked(tmp_path, monkeypatch):
    save(tmp_path / "a.png", noise(0, 20, 30))
    monkeypatch.setattr(module, "MAX_PIXELS", 599)
    with pytest.raises(ValueError, match="30 by 20 pixels are too many"):
        read_image(tmp_path / "a.png")
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    with pytest.raises(ValueError, match=r"a.png is too large"):
        read_image(tmp_path / "a.png")


def test_the_digest_is_that_of_names_and_contents(tmp_path):
    save(tmp_path / "a.png", noise(0))
    digest = ImageFolder(tmp_path).digest
    assert ImageFolder(tmp_path).digest == digest
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    renamed = ImageFolder(tmp_path).digest
    save(tmp_path / "b.png", noise(1))
    assert len({digest, renamed, ImageFolder(tmp_path).digest}) == 3


def test_folders_without_images_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder of images .*nowhere"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="has no images: of 0 files"):
        ImageFolder(tmp_path)
    (tmp_path / "a.png").write_text("no image")
    with (
        pytest.warns(UserWarning, match=r"a.png is passed over"),
        pytest.raises(ValueError, match="has 0 images that can be read, of 1"),
    ):
        ImageFolder(tmp_path).read(8, 8)


def _encoded(kind):
    buffer = io.BytesIO()
    Image.fromarray(noise(5, 9, 7)).save(buffer, kind)
    return buffer.getvalue()


ENCODED = {kind: _encoded(kind) for kind in ("png", "jpeg", "webp", "bmp", "gif", "tiff", "ppm")}


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(ENCODED)), data=st.data())
def test_damaged_images_are_an_error_or_an_image(tmp_path_factory, kind, data):
    content = bytearray(ENCODED[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(bytes(content[:cut]))
    try:
        image = read_image(path)
    except ValueError as error:
        assert "image" in str(error)
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[-1] == 3
        assert 0 < image.shape[0] * image.shape[1] <= module.MAX_PIXELS


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=200))
def test_random_bytes_are_no_image(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no image, or a damaged one"):
        read_image(path)
