"""Pictures as files.

* :func:`write_picture`: PNG, JPEG or WebP, complete or not at all
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from objwrappers.files import check_writable, write_atomically

__all__ = ["PICTURE_SUFFIXES", "check_picture_path", "write_picture"]

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_picture_path(path: str | Path) -> Path:
    """Returns the path, for programs that want to know before their work, not after it.

    Raises:
        ValueError: It does not end as a picture's name does.
        OSError: Nobody may write there.
    """
    if Path(path).suffix.lower() not in PICTURE_SUFFIXES:
        raise ValueError(
            f"A picture's name must end with one of {', '.join(PICTURE_SUFFIXES)}, "
            f"got {str(path)!r}."
        )
    check_writable(path)
    return Path(path)


def write_picture(path: str | Path, picture: np.ndarray) -> None:
    """Writes a picture; one that was there before stays until the new one is complete.

    Args:
        path: Ends with ``.png``, ``.jpg``, ``.jpeg`` or ``.webp``; its folder is made.
        picture: uint8 (H, W, 3) RGB, or grey (H, W), not empty.

    Raises:
        ValueError: Another suffix, dtype or shape.
        OSError: It cannot be written.
    """
    path = check_picture_path(path)
    colour = picture.ndim == 3 and picture.shape[-1] == 3
    if picture.dtype != np.uint8 or not (colour or picture.ndim == 2) or not picture.size:
        raise ValueError(
            "A picture must be uint8 of shape (H, W, 3) or (H, W), got "
            f"{picture.dtype} of shape {picture.shape}."
        )
    try:
        done, data = cv2.imencode(path.suffix.lower(), picture[..., ::-1] if colour else picture)
    except cv2.error as error:
        raise OSError(f"{path} cannot be written: {error}") from error
    if not done:
        raise OSError(f"{path} cannot be written: OpenCV encoded nothing.")
    with write_atomically(path) as file:
        file.write(data.tobytes())
