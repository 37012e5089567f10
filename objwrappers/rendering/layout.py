"""One picture of several.

* :func:`beside`, :func:`below`: in a row, in a column
* :func:`titled`, :func:`write_text`, :func:`write_plate`: with words
* :func:`sheet`: a grid with labels of its rows and heads of its columns
* :func:`fitted`: resized without blurring what is small

Pictures are uint8 (H, W, 3) RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["LINE", "below", "beside", "fitted", "sheet", "titled", "write_plate", "write_text"]

Colour = tuple[int, int, int]

LINE = 16
"""Pixels from one line of text to the next."""

_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4
_SHEET_FONT_SCALE = 0.5
_SHEET_LINE = 20  # pixels
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_LUMA = (0.299, 0.587, 0.114)
_MARGIN = 6  # pixels around words on a sheet


def below(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures one below the other, black to the right of narrow ones."""
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate(
        [np.pad(one, ((0, 0), (0, width - one.shape[1]), (0, 0))) for one in pictures]
    )


def beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures side by side, black below short ones."""
    height = max(len(picture) for picture in pictures)
    return np.concatenate(
        [np.pad(one, ((0, height - len(one)), (0, 0), (0, 0))) for one in pictures], axis=1
    )


def titled(picture: np.ndarray, title: str) -> np.ndarray:
    """Returns the picture with a line of text above it."""
    bar = np.zeros((LINE + 4, picture.shape[1], 3), np.uint8)
    write_text(bar, title, 4, LINE - 2)
    return np.concatenate([bar, picture])


def write_text(
    picture: np.ndarray,
    text: str,
    x: int,
    y: int,
    colour: Colour = _WHITE,
    font_scale: float = _FONT_SCALE,
) -> None:
    """Writes a line of text on a picture, in place.

    Args:
        picture: uint8 (H, W, 3).
        text: ASCII.
        x: Where the text begins, pixels.
        y: Its baseline, pixels.
        colour: RGB.
        font_scale: Of OpenCV's; 0.4 suits :data:`LINE`.
    """
    cv2.putText(picture, text, (x, y), _FONT, font_scale, colour, 1, cv2.LINE_AA)


def write_plate(
    picture: np.ndarray,
    text: str,
    corners: Sequence[Sequence[int]],
    colour: Colour,
    font_scale: float = _FONT_SCALE,
) -> None:
    """Writes the name of a box on a plate of its colour, readable on any ground, in place.

    It is above the box where there is room, else below, and inside the picture from side to side.

    Args:
        picture: uint8 (H, W, 3).
        text: ASCII.
        corners: (x, y) of the box's first and last pixel.
        colour: RGB of the plate; the letters are black or white.
        font_scale: Of OpenCV's.
    """
    (left, top), (_, bottom) = corners
    (width, height), below = cv2.getTextSize(text, _FONT, font_scale, 1)
    width, tall = width + 2, height + below
    # Boxes are outlined, two pixels beyond their own.
    first = top - 2 - tall if top - 2 >= tall else bottom + 3
    left = min(max(left - 2, 0), max(picture.shape[1] - width, 0))
    cv2.rectangle(picture, (left, first), (left + width - 1, first + tall - 1), colour, -1)
    letters = _BLACK if np.dot(colour, _LUMA) > 110 else _WHITE
    write_text(picture, text, left + 1, first + tall - below + 1, letters, font_scale)


def fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a picture: what grows keeps its sharp pixels, what shrinks is averaged.

    Args:
        picture: uint8 (H, W, 3), or grey (H, W).
        height: Pixels.
        width: Pixels.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: Another dtype or shape.
    """
    colour = picture.ndim == 3 and picture.shape[-1] == 3
    if picture.dtype != np.uint8 or not (colour or picture.ndim == 2):
        raise ValueError(
            "A picture must be uint8 of shape (H, W, 3) or (H, W), got "
            f"{picture.dtype} of shape {picture.shape}."
        )
    grows = height >= len(picture) and width >= picture.shape[1]
    how = cv2.INTER_NEAREST if grows else cv2.INTER_AREA
    in_colour = picture if colour else picture[..., None].repeat(3, axis=-1)
    return cv2.resize(in_colour, (width, height), interpolation=how)


def sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    labels: Sequence[str] = (),
    heads: Sequence[str] = (),
    cell: tuple[int, int] | None = None,
    gap: int = 4,
) -> np.ndarray:
    """Returns a grid of pictures on white.

    Args:
        rows: Of pictures, uint8 (H, W, 3) or grey (H, W), stretched to the cells' size; None, or
            the end of a short row, leaves a cell white.
        labels: On the left, one for each row; of several lines where it has
            line breaks.
        heads: Above, one for each column; those that are too long for it are written smaller.
        cell: Height and width of a cell; by default those of the highest and the widest picture.
        gap: Between cells, pixels.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: No picture at all, not as many labels as rows or heads as columns, or a picture
            of another dtype or shape.
    """
    pictures = [picture for row in rows for picture in row if picture is not None]
    columns = max((len(row) for row in rows), default=0)
    if not pictures:
        raise ValueError(f"A sheet needs at least one picture, got {len(rows)} rows of none.")
    for kind, words, count in (("labels", labels, len(rows)), ("heads", heads, columns)):
        if words and len(words) != count:
            raise ValueError(f"There must be {count} {kind}, got {len(words)}: {list(words)}.")
    height, width = cell or (
        max(len(picture) for picture in pictures),
        max(picture.shape[1] for picture in pictures),
    )
    lines = [label.split("\n") for label in labels]
    left = max((_width(line) for label in lines for line in label), default=-2 * _MARGIN)
    left += 2 * _MARGIN
    top = _SHEET_LINE + _MARGIN if heads else 0
    size = (
        top + len(rows) * (height + gap) - gap,
        left + columns * (width + gap) - gap,
        3,
    )
    drawn = np.full(size, 255, np.uint8)
    for j, head in enumerate(heads):
        scale = _SHEET_FONT_SCALE * min(1, (width - _MARGIN) / max(1, _width(head)))
        write_text(drawn, head, left + j * (width + gap) + _MARGIN // 2, 18, _BLACK, scale)
    for i, row in enumerate(rows):
        y = top + i * (height + gap)
        for k, line in enumerate(lines[i] if labels else ()):
            write_text(drawn, line, _MARGIN, y + (k + 1) * _SHEET_LINE, _BLACK, _SHEET_FONT_SCALE)
        for j, picture in enumerate(row):
            x = left + j * (width + gap)
            if picture is not None:
                drawn[y : y + height, x : x + width] = fitted(picture, height, width)
    return drawn


def _width(text: str) -> int:
    """Returns the width of a line on a sheet, pixels."""
    return int(cv2.getTextSize(text, _FONT, _SHEET_FONT_SCALE, 1)[0][0])
