"""Pictures of every step from a native frame to its motion targets, for people.

* :func:`motion_pictures`: frame → named pictures
* :func:`motion_sheet`: some frames of a recording, a row each
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from objwrappers.datasets.motion_boxes import cell_targets
from objwrappers.datasets.motion_scenery import fit_scenery, sampled_frames
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.scenes.motion_objects import FoundObjects, find_objects
from objwrappers.perception.scenes.subtraction import GROUND, Scenery
from objwrappers.resizing import resize_frames

__all__ = ["motion_pictures", "motion_sheet"]

ENLARGED = 2  # a line of one pixel would hide a ball
BOX, CELL, SHADE = (0, 255, 0), (255, 64, 64), 0.35


def motion_pictures(
    scenery: Scenery, frame: np.ndarray, grid: int = 16, size: int = 128
) -> dict[str, np.ndarray]:
    """Shows each step of finding what moves.

    Args:
        scenery: Of the game.
        frame: uint8 (H, W, 3), native.
        grid: G, cells a side of the targets.
        size: Side of the frames that a model reads, pixels.

    Returns:
        Name → uint8 (h, w, 3): ``frame``, ``background``, ``difference``, ``travels`` (what may
        move), ``mask``, ``connected`` (boxes of connected pixels), ``boxes`` (told apart by colour
        and size), ``cells`` (those with an object), ``targets`` (what a model learns, at its size).
    """
    unsplit = scenery.colours.copy()
    unsplit[unsplit != GROUND] = 0
    connected = find_objects(replace(scenery, colours=unsplit), frame[None])
    found = find_objects(scenery, frame[None])
    change = cv2.absdiff(frame, scenery.background).max(-1)
    small = resize_frames(frame[None], size, size)[0]
    present, where = cell_targets(
        torch.from_numpy(found.boxes), torch.from_numpy(found.counts), grid
    )
    kept = where[0, present[0] > 0].numpy()
    mask = resize_frames(found.masks[..., None].astype(np.uint8) * 255, size, size)[0]
    return {
        "frame": frame,
        "background": scenery.background,
        "difference": _grey(change),
        "travels": _grey(scenery.travels * 255),
        "mask": _grey(found.masks[0] * 255),
        "connected": _boxed(frame, _first(connected)),
        "boxes": _boxed(frame, _first(found)),
        "cells": _celled(frame, present[0].numpy().reshape(grid, grid) > 0),
        "targets": _boxed(_shaded(small, mask.reshape(size, size) > 0), kept),
    }


def motion_sheet(
    recording: Recording, count: int = 4, scenery: Scenery | None = None, **options: int
) -> np.ndarray:
    """Returns a picture, uint8 (h, w, 3), with a row of :func:`motion_pictures` for each frame.

    Args:
        recording: Of a game.
        count: Frames, from everywhere in it.
        scenery: Of the game; by default :func:`fit_scenery` of the recording.
        **options: ``grid`` and ``size`` of :func:`motion_pictures`.
    """
    scenery = scenery or fit_scenery(recording)
    frames = sampled_frames(recording, count)
    chosen = frames[np.linspace(0, len(frames) - 1, count).astype(int)]
    rows = []
    for frame in chosen:
        pictures = motion_pictures(scenery, frame, **options).values()
        high = max(picture.shape[0] for picture in pictures)
        scaled = [cv2.resize(p, (p.shape[1] * high // p.shape[0], high)) for p in pictures]
        rows.append(np.concatenate(scaled, 1))
    return np.concatenate(rows)


def _first(found: FoundObjects) -> np.ndarray:
    return found.boxes[0, : found.counts[0]]


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., None], 3, -1)


def _large(picture: np.ndarray) -> np.ndarray:
    return picture.repeat(ENLARGED, 0).repeat(ENLARGED, 1).copy()


def _boxed(picture: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    height, width = (side * ENLARGED for side in picture.shape[:2])
    large = _large(picture)
    centre = (boxes[:, :2] + 1) / 2 * (width, height)
    half = boxes[:, 2:] / 2 * (width, height)
    corners = np.concatenate([centre - half - 1, centre + half], 1)
    for x0, y0, x1, y1 in np.rint(corners).astype(int).tolist():
        cv2.rectangle(large, (x0, y0), (x1, y1), BOX, 1)
    return large


def _celled(picture: np.ndarray, cells: np.ndarray) -> np.ndarray:
    large = _large(picture)
    height, width = large.shape[:2]
    row = np.arange(height) * cells.shape[0] // height
    column = np.arange(width) * cells.shape[1] // width
    large = _shaded(large, cells[np.ix_(row, column)])
    large[1:][np.diff(row) > 0] = large[1:][np.diff(row) > 0] // 2
    large[:, 1:][:, np.diff(column) > 0] = large[:, 1:][:, np.diff(column) > 0] // 2
    return large


def _shaded(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    mixed = picture * (1 - SHADE) + np.array(CELL) * SHADE
    return np.where(mask[..., None], mixed, picture).astype(np.uint8)
