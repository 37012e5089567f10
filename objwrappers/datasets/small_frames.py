"""Frames at the size that models learn from: made once of a recording and kept beside its shards.

A folder ``.small-84x84-rgb`` holds ``frames.npy`` and ``starts.npy``, see
:mod:`objwrappers.datasets.kept`. Every run and every process maps the same file.

* :func:`small_frames`: all of a recording, kept
* :func:`stream_frames`: one block after the other, not kept
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from objwrappers.datasets.kept import keep, read_kept, write_kept
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.resizing import resize_area

__all__ = ["small_frames", "stream_frames"]


def small_frames(
    recording: Recording,
    height: int,
    width: int,
    grayscale: bool = False,
    cache: bool = True,
    pooled: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a recording's frames resized by area, as ALE and OpenCV do, and its starts.

    Args:
        recording: Of at least one shard.
        height: h, pixels.
        width: w, pixels.
        grayscale: Grey (OpenCV's luma) before they are resized.
        cache: Keep them beside the shards, or in the user's cache where that is read-only. A disk
            without room is no error; the frames are made in memory then.
        pooled: Each is the maximum of itself and the one before it, as an agent sees it; one that
            follows none is itself.

    Returns:
        uint8 (T, N, h, w, 3) or (T, N, h, w, 1), a private mapping of the file; bool (T, N).

    Raises:
        ValueError: A damaged, cut-off or foreign shard; the message names the file.
    """
    blocks = partial(stream_frames, recording, height, width, grayscale, pooled)
    if cache:
        kind = ("grey" if grayscale else "rgb") + ("-pooled" if pooled else "")
        name = f".small-{height}x{width}-{kind}"
        made_of = {"recording": recording.digest}
        steps = (recording.num_steps, recording.num_envs)
        shape = (*steps, height, width, 1 if grayscale else 3)
        layout = {"frames": (shape, np.uint8), "starts": (steps, np.bool_)}

        def write(folder: Path) -> None:
            _write(folder, made_of, shape, blocks())

        kept = keep(recording, name, lambda folder: read_kept(folder, made_of, layout), write)
        if kept is not None:
            frames, starts = kept
            return frames, starts
    frames, starts = (np.concatenate(parts) for parts in zip(*blocks(), strict=True))
    return frames, starts


def stream_frames(
    recording: Recording,
    height: int | None,
    width: int | None,
    grayscale: bool = False,
    pooled: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Gives a recording's frames as :func:`small_frames` does, a shard at a time.

    Args:
        recording: Of at least one shard.
        height: h; None for the height that they have.
        width: w; None for the width that they have.
        grayscale: See :func:`small_frames`.
        pooled: See :func:`small_frames`.

    Yields:
        uint8 (T', N, h, w, C); bool (T', N), True where a frame does not follow the one before it.
    """
    last = None
    for frames, starts, _ in recording:
        flat = frames.reshape(-1, *frames.shape[2:])
        if grayscale:
            flat = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in flat])[..., None]
        if pooled:
            whole = flat.reshape(*starts.shape, *flat.shape[1:])
            before = np.concatenate([whole[:1] if last is None else last, whole[:-1]])
            last = whole[-1:].copy()
            alone = starts[..., None, None, None]
            flat = np.maximum(whole, np.where(alone, whole, before)).reshape(flat.shape)
        size = (height or flat.shape[1], width or flat.shape[2])
        small = resize_area(torch.from_numpy(flat), *size).numpy()
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
