"""Frames at the size that models learn from: made once of a recording and kept beside its shards.

A folder ``.small-84x84-rgb`` holds ``frames.npy``, ``starts.npy`` and ``digest.json``: of which
content of the recording they were made, and their own. Every run and every process maps the same
file; one that is outdated or damaged is made anew, by one process while the others wait.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from objwrappers.datasets.locking import FileLock
from objwrappers.datasets.recordings import Recording
from objwrappers.files import cache_folder, write_folder_atomically
from objwrappers.perception.resizing import resize_area

__all__ = ["small_frames"]

_FRAMES, _STARTS, _DIGEST = "frames.npy", "starts.npy", "digest.json"


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
        digest = recording.digest
        name = f".small-{height}x{width}-{'grey' if grayscale else 'rgb'}"
        shape = (recording.num_steps, recording.num_envs, height, width, 1 if grayscale else 3)
        for home in (recording.folder, cache_folder("frames", f".{digest[:16]}")):
            kept = _read(home / name, digest, shape)
            if kept is not None:
                return kept
            try:
                home.mkdir(parents=True, exist_ok=True)
                with FileLock(home / f"{name}.lock", wait=True):
                    kept = _read(home / name, digest, shape)
                    if kept is None:
                        resized = _resized(recording, height, width, grayscale)
                        _write(home / name, digest, shape, resized)
                        kept = _read(home / name, digest, shape)
            except OSError:
                continue
            if kept is not None:
                return kept
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
    digest: str,
    shape: tuple[int, ...],
    blocks: Iterator[tuple[np.ndarray, np.ndarray]],
) -> None:
    for unfinished in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    with write_folder_atomically(folder) as temporary:
        content, starts = hashlib.sha256(), []
        with (temporary / _FRAMES).open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for small, new in blocks:
                file.write(small.data)
                content.update(small.data)
                starts.append(new)
        everywhere = np.concatenate(starts)
        content.update(everywhere.data)
        np.save(temporary / _STARTS, everywhere)
        made = {"recording": digest, "content": content.hexdigest()}
        (temporary / _DIGEST).write_text(json.dumps(made))


def _read(
    folder: Path, digest: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Maps what is kept; None where it is missing, damaged or of other content."""
    try:
        made = json.loads((folder / _DIGEST).read_text())
        if made["recording"] != digest:
            return None
        # Copy-on-write: PyTorch takes no read-only arrays, and nobody writes.
        frames = np.load(folder / _FRAMES, mmap_mode="c", allow_pickle=False)
        starts = np.load(folder / _STARTS, allow_pickle=False)
        kinds = (frames.shape, frames.dtype, starts.shape, starts.dtype)
        if kinds != (shape, np.uint8, shape[:2], np.bool_) or frames.flags.fnc:
            return None
        content = hashlib.sha256(frames.data)
        content.update(starts.data)
    except (OSError, ValueError, TypeError, KeyError, EOFError, RecursionError):
        return None
    return (frames, starts) if content.hexdigest() == made["content"] else None
