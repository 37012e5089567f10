"""Frames at the size that models learn from: made once of a recording and kept beside its shards.

A folder ``.small-84x84-rgb`` holds ``frames.npy`` and ``starts.npy``, see
:mod:`objwrappers.datasets.kept`. Every run and every process maps the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from objwrappers.datasets.kept import keep, read_kept, write_kept
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.resizing import resize_area

__all__ = ["small_frames"]


def small_frames(
    recording: Recording, height: int, width: int, grayscale: bool = False, cache: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a recording's frames resized by area, as ALE and OpenCV do, and its starts.

    Args:
        recording: Of at least one shard.
        height: h, pixels.
        width: w, pixels.
        grayscale: Grey (OpenCV's luma) before they are resized.
        cache: Keep them beside the shards, or in the user's cache where that is read-only. A disk
            without room is no error; the frames are made in memory then.

    Returns:
        uint8 (T, N, h, w, 3) or (T, N, h, w, 1), a private mapping of the file; bool (T, N).

    Raises:
        ValueError: A damaged, cut-off or foreign shard; the message names the file.
    """
    if cache:
        name = f".small-{height}x{width}-{'grey' if grayscale else 'rgb'}"
        made_of = {"recording": recording.digest}
        steps = (recording.num_steps, recording.num_envs)
        shape = (*steps, height, width, 1 if grayscale else 3)
        layout = {"frames": (shape, np.uint8), "starts": (steps, np.bool_)}

        def write(folder: Path) -> None:
            _write(folder, made_of, shape, _resized(recording, height, width, grayscale))

        kept = keep(recording, name, lambda folder: read_kept(folder, made_of, layout), write)
        if kept is not None:
            frames, starts = kept
            return frames, starts
    blocks = zip(*_resized(recording, height, width, grayscale), strict=True)
    frames, starts = (np.concatenate(parts) for parts in blocks)
    return frames, starts


def _resized(
    recording: Recording, height: int, width: int, grayscale: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for frames, starts, _ in recording:
        flat = frames.reshape(-1, *frames.shape[2:])
        if grayscale:
            flat = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in flat])[..., None]
        small = resize_area(torch.from_numpy(flat), height, width).numpy()
        yield small.reshape(*starts.shape, *small.shape[1:]), starts


def _write(
    folder: Path,
    made_of: dict[str, Any],
    shape: tuple[int, ...],
    blocks: Iterator[tuple[np.ndarray, np.ndarray]],
) -> None:
    with write_kept(folder, made_of) as (temporary, content):
        starts = []
        with (temporary / "frames.npy").open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for small, new in blocks:
                file.write(small.data)
                content.update(small.data)
                starts.append(new)
        everywhere = np.concatenate(starts)
        content.update(everywhere.data)
        np.save(temporary / "starts.npy", everywhere)
