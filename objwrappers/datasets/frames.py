"""Recorded frames: lossless shards on disk, small frames in memory, batches drawn by step.

* :class:`FrameWriter`: writes a folder of shards, each complete or absent
* :func:`read_frames`: a folder → :class:`Frames` at the size that models learn from
* :class:`Frames`: uint8 (T, N, h, w, 3), N envs side by side, with the starts of episodes
* :class:`SingleFrames`: single frames, for PermaKey
* :class:`FramePairs`: pairs of frames of one episode, for the Transporter

A folder holds ``frames.json`` and ``shard-00000.npz`` and so on. A shard holds ``palette`` uint8
(P, 3), ``indices`` uint8 (t, N, H, W) and ``starts`` bool (t, N). Atari has 128 colours, and
max-pooling of two frames adds few, so that indices into a palette lose nothing; compressed, a
frame takes about 1 KB. A palette of more than 256 colours, as in Battle Zone, has uint16 indices.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objwrappers.files import write_atomically
from objwrappers.perception.layers import AreaResize

__all__ = ["FramePairs", "FrameWriter", "Frames", "SingleFrames", "read_facts", "read_frames"]

INDEX_NAME = "frames.json"
MAX_SHARD_BYTES = 2**31
MAX_COLOURS = 2**16


class FrameWriter:
    """Appends blocks of steps to a folder; an interrupted recording continues where it stopped.

    Args:
        folder: Made if absent.
        facts: What was recorded (game, frame skip, policy); must equal those already there.

    Raises:
        ValueError: The folder holds frames of something else.
    """

    def __init__(self, folder: str | Path, facts: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._index: dict[str, Any] = {**facts, "shards": []}
        if (self.folder / INDEX_NAME).exists():
            there = _read_index(self.folder)
            keys = sorted({*there, *facts} - {"shards"})
            other = {key: there.get(key) for key in keys if there.get(key) != facts.get(key)}
            if other:
                raise ValueError(
                    f"{self.folder} holds other frames ({other}, asked for "
                    f"{ {key: facts.get(key) for key in other} }); give another folder or "
                    "remove it."
                )
            self._index = there

    @property
    def num_frames(self) -> int:
        """Frames on disk, of all envs together."""
        return sum(shard["steps"] * shard["envs"] for shard in self._index["shards"])

    def append(self, frames: np.ndarray, starts: np.ndarray) -> None:
        """Writes one shard, then names it in the index.

        Args:
            frames: uint8 (t, N, H, W, 3).
            starts: bool (t, N), True where an episode or a recording begins.

        Raises:
            ValueError: Another number of envs than in the shards before, or more than 65,536
                colours in one block; record fewer steps at once.
            OSError: The disk is full; what was written before remains valid.
        """
        widths = {shard["envs"] for shard in self._index["shards"]} - {frames.shape[1]}
        if widths:
            raise ValueError(
                f"{self.folder} holds frames of {widths.pop()} envs side by side, got those of "
                f"{frames.shape[1]}; record with as many, or into another folder."
            )
        palette, indices = _to_palette(frames)
        name = f"shard-{len(self._index['shards']):05d}.npz"
        with write_atomically(self.folder / name) as file:
            np.savez_compressed(file, palette=palette, indices=indices, starts=starts)
        shard = {"name": name, "steps": frames.shape[0], "envs": frames.shape[1]}
        self._index["shards"].append(shard)
        with write_atomically(self.folder / INDEX_NAME) as file:
            file.write(json.dumps(self._index, indent=1).encode())


@dataclass(frozen=True)
class Frames:
    """Small frames in memory.

    Attributes:
        frames: uint8 (T, N, h, w, 3).
        starts: bool (T, N), True where a frame does not follow the one before it.
    """

    frames: torch.Tensor
    starts: torch.Tensor

    def split(self, validation_share: float) -> tuple[Frames, Frames]:
        """Returns the first steps for training and the last ones for validation.

        Validation gets at least 64 steps, or half of a recording that is shorter than 128.

        Raises:
            ValueError: Too few steps for both parts.
        """
        steps = len(self.frames)
        cut = steps - max(round(validation_share * steps), min(64, steps // 2), 1)
        if cut < 1:
            raise ValueError(f"{steps} steps are too few to split; collect more frames.")
        return Frames(self.frames[:cut], self.starts[:cut]), Frames(
            self.frames[cut:], self.starts[cut:]
        )

    def runs(self, before: int, after: int = 0) -> torch.Tensor:
        """Returns int64 (M, 2), the (t, n) whose steps t-before..t+after are one episode.

        Raises:
            ValueError: No episode is long enough.
        """
        steps = len(self.starts)
        crossed = torch.zeros_like(self.starts)
        for lag in range(-after, before):
            # A start at t - lag, lag in [-after, before), cuts the window of t.
            shifted = torch.roll(self.starts, lag, dims=0)
            crossed |= shifted
        crossed[: min(before, steps)] = True
        if after:
            crossed[-after:] = True
        inside = (~crossed).nonzero()
        if len(inside) == 0:
            raise ValueError(
                f"No recorded episode lasts {before + after + 1} steps; collect more frames."
            )
        return inside


class SingleFrames(torch.utils.data.Dataset):
    """Batches of single frames, each drawn from all; item s is the same whenever it is asked for.

    Args:
        frames: The frames.
        batch_size: B.
        seed: Of the drawing.
        rank: Of this process among several.
    """

    def __init__(self, frames: Frames, batch_size: int, seed: int = 0, rank: int = 0) -> None:
        self._frames = frames.frames.flatten(0, 1)
        self._batch_size = batch_size
        self._seed = (seed, rank)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns ``frames`` and, the same, ``clean``: uint8 (B, h, w, 3)."""
        rng = np.random.default_rng((*self._seed, step))
        frames = self._frames[rng.integers(len(self._frames), size=self._batch_size)]
        return {"frames": frames, "clean": frames}


class FramePairs(torch.utils.data.Dataset):
    """Batches of two frames of one episode, the target later by at most ``max_gap`` steps.

    An item is a whole batch, drawn by a generator seeded with (seed, step, rank): item s is the
    same whenever it is asked for, so that a resumed training sees what an uninterrupted one does.

    Args:
        frames: The frames.
        batch_size: Pairs in a batch, B.
        seed: Of the drawing.
        max_gap: Largest distance in steps.
        rank: Of this process among several.
    """

    def __init__(
        self, frames: Frames, batch_size: int, seed: int = 0, max_gap: int = 20, rank: int = 0
    ) -> None:
        self._frames = frames
        self._batch_size = batch_size
        self._seed = (seed, rank)
        starts = frames.starts.numpy().copy()
        starts[0] = True
        steps = np.arange(len(starts))[:, None]
        first = np.maximum.accumulate(np.where(starts, steps, 0), axis=0)
        past = np.minimum(steps - first, max_gap)
        self._targets = np.argwhere(past > 0)
        self._past = past[tuple(self._targets.T)]
        if len(self._targets) == 0:
            raise ValueError("No recorded episode lasts two steps; collect more frames.")

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns ``source`` and ``target``, uint8 (B, h, w, 3) each."""
        rng = np.random.default_rng((*self._seed, step))
        chosen = rng.integers(len(self._targets), size=self._batch_size)
        gaps = rng.integers(1, self._past[chosen] + 1)
        t, n = self._targets[chosen].T
        return {
            "source": self._frames.frames[t - gaps, n],
            "target": self._frames.frames[t, n],
        }


def read_frames(folder: str | Path, size: int = 84) -> Frames:
    """Reads a folder of shards and resizes the frames by area.

    Args:
        folder: Written by :class:`FrameWriter`.
        size: Height and width h = w of the frames in memory, pixels.

    Raises:
        FileNotFoundError: No frames there.
        ValueError: A damaged, cut-off or foreign folder; the message names the file.
    """
    folder = Path(folder)
    index = _read_index(folder)
    resize = AreaResize(size)
    frames, starts = [], []
    widths = {shard["envs"] for shard in index["shards"]}
    if len(widths) != 1:
        raise ValueError(f"{folder} holds no frames, or shards of several widths: {widths}.")
    for shard in index["shards"]:
        palette, indices, new = _read_shard(folder / shard["name"], shard)
        for block in np.array_split(indices, max(1, len(indices) // 32)):
            native = torch.from_numpy(palette[block.reshape(-1, *block.shape[2:])])
            small = (resize(native) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
            frames.append(small.reshape(*block.shape[:2], size, size, 3))
        starts.append(torch.from_numpy(new))
    return Frames(torch.cat(frames), torch.cat(starts))


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Returns what is known of a recording (game, policy, seed, noise) and its ``shards``.

    Raises:
        FileNotFoundError: No frames there.
        ValueError: A damaged index.
    """
    return _read_index(Path(folder))


def _to_palette(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wide = frames.astype(np.uint32)
    codes = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    colours = np.unique(codes)
    if len(colours) > MAX_COLOURS:
        raise ValueError(
            f"{len(colours)} colours in one block of frames, a palette has at most {MAX_COLOURS}; "
            "record fewer steps at once."
        )
    palette = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1)
    width = np.uint8 if len(colours) <= 256 else np.uint16
    return palette.astype(np.uint8), np.searchsorted(colours, codes).astype(width)


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX_NAME
    if not path.exists():
        raise FileNotFoundError(
            f"No frames in {folder}: {INDEX_NAME} is missing. Record some: "
            f"python zoo/collect.py --game MsPacman --folder {folder}"
        )
    try:
        index = json.loads(path.read_text())
        shards = index["shards"]
        for shard in shards:
            name, steps, envs = shard["name"], shard["steps"], shard["envs"]
            if os.path.basename(name) != name or min(int(steps), int(envs)) < 1:
                raise ValueError(f"bad shard {shard}")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove {folder} and record again."
        ) from error
    return index


def _read_shard(path: Path, shard: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cure = f"Remove {path.parent} and record again with zoo/collect.py."
    if not path.exists():
        raise ValueError(f"{path} is missing although {INDEX_NAME} names it. {cure}")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_SHARD_BYTES:
            raise ValueError(f"it unpacks to {size} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            palette, indices, starts = arrays["palette"], arrays["indices"], arrays["starts"]
        expected = (int(shard["steps"]), int(shard["envs"]))
        if indices.shape[:2] != expected or starts.shape != expected or indices.ndim != 4:
            raise ValueError(f"shapes {indices.shape} and {starts.shape}, not {expected}")
        if palette.ndim != 2 or palette.shape[1] != 3 or len(palette) <= int(indices.max()):
            raise ValueError(f"palette of shape {palette.shape}")
        types = (palette.dtype.name, indices.dtype.name, starts.dtype.name)
        if types not in (("uint8", "uint8", "bool"), ("uint8", "uint16", "bool")):
            raise ValueError("arrays of other types")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut off ({error}). {cure}") from error
    return palette, indices, starts
