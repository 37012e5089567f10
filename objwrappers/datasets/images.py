"""A folder of images as frames: any sizes, any kind that Pillow reads, in folders within folders.

* :class:`ImageFolder`: finds, names and reads them

Files are a stranger's: one that is damaged, no image or too large is passed over with a warning
that names it.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from objwrappers.datasets.frames import Frames
from objwrappers.files import read_regular
from objwrappers.perception.resizing import resize_area

__all__ = ["SUFFIXES", "ImageFolder", "read_image"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""How the names of images end."""

MAX_FILE_BYTES = 2**28
MAX_PIXELS = 2**26
"""Of an image: what it unpacks to is bounded before it is unpacked."""

_LUMA = (0.299, 0.587, 0.114)  # OpenCV's
_ORDER_SEED = 0


class ImageFolder:
    """The images in a folder and in the folders within it.

    Args:
        folder: With at least one image; what begins with a dot is not looked at.

    Attributes:
        folder: The same.
        name: The folder's, by which weights know what they were trained on.
        files: The images, sorted by path.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: No file in it is an image by its name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"There is no folder of images {folder}.")
        self.name = self.folder.resolve().name or "images"
        found = list(_visible_files(self.folder))
        self.files = sorted(path for path in found if path.suffix.lower() in SUFFIXES)
        if not self.files:
            raise ValueError(
                f"{folder} has no images: of {len(found)} files, none ends with "
                f"{', '.join(SUFFIXES)}."
            )
        if others := len(found) - len(self.files):
            warnings.warn(
                f"{others} files in {folder} are no images by their names and are passed over.",
                stacklevel=2,
            )

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all names and contents; files that cannot be read have none."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(str(path.relative_to(self.folder)).encode(errors="surrogateescape"))
            try:
                digest.update(hashlib.sha256(read_regular(path, MAX_FILE_BYTES)).digest())
            except (OSError, ValueError):
                digest.update(b"unreadable")
        return digest.hexdigest()

    def read(self, height: int, width: int, grayscale: bool = False) -> Frames:
        """Reads the images, resized by area, each the start of an episode of its own.

        Args:
            height: h, pixels.
            width: w, pixels.
            grayscale: One grey channel instead of three colours.

        Returns:
            Frames uint8 (T, 1, h, w, 3 or 1), in an order that mixes the folders within, so that
            the last ones are like the others.

        Raises:
            ValueError: Fewer than two of them can be read, too few to train and validate on.
        """
        small = []
        for path in self.files:
            try:
                image = read_image(path)
            except (OSError, ValueError) as error:
                warnings.warn(f"{path} is passed over: {error}", stacklevel=2)
                continue
            if grayscale:
                image = (image @ np.array(_LUMA)).round().astype(np.uint8)[..., None]
            small.append(resize_area(torch.from_numpy(image), height, width))
        if len(small) < 2:
            raise ValueError(
                f"{self.folder} has {len(small)} images that can be read, of {len(self.files)}; "
                "training needs at least two."
            )
        order = np.random.default_rng(_ORDER_SEED).permutation(len(small))
        frames = torch.stack([small[i] for i in order])[:, None]
        return Frames(frames, torch.ones(frames.shape[:2], dtype=torch.bool))


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image as RGB, turned as its EXIF data say, transparent parts black.

    Args:
        path: Of an image of at most 2^26 pixels; of an animation, the first frame.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no image, damaged, cut off, or too large.
    """
    content = read_regular(path, MAX_FILE_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, of odd files; bounds are checked below
            with Image.open(io.BytesIO(content)) as image:
                pixels = image.width * image.height
                if not 0 < pixels <= MAX_PIXELS:
                    raise ValueError(f"{image.width} by {image.height} pixels are too many")
                return _as_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:  # its own message is of memory addresses
        raise ValueError("no image, or a damaged one: of no kind that Pillow knows") from error
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise ValueError(f"no image, or a damaged one ({error})") from error


def _as_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, (0, 0, 0, 255)), clear)
    return np.array(image.convert("RGB"))


def _visible_files(folder: Path) -> list[Path]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    return found
