"""Where what moves is in a recording: boxes and masks of its native frames, made once and kept.

* :class:`MotionBoxes`: of each frame, boxes and the mask of what is no background
* :func:`motion_boxes`: a recording → its boxes, kept beside its shards
* :func:`cell_targets`: boxes → the cells of a scene model
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from objwrappers.datasets.backgrounds import flowing, mode_background
from objwrappers.datasets.locking import FileLock
from objwrappers.datasets.motion_scenery import MotionSettings, fit_scenery
from objwrappers.datasets.recordings import Recording
from objwrappers.files import cache_folder, write_folder_atomically
from objwrappers.perception.scenes.motion_objects import FoundObjects, find_objects, joined
from objwrappers.perception.scenes.subtraction import Scenery

__all__ = ["MotionBoxes", "cell_targets", "motion_boxes"]

_VERSION = 3  # of the method; boxes of another are made anew
_NAMES = ("boxes", "counts", "masks", "background")
_FACTS = "digest.json"


@dataclass(frozen=True)
class MotionBoxes:
    """What moves in the frames of a recording of T steps and N envs.

    Attributes:
        boxes: float32 (T, N, M, 4): centre in [-1, 1], ±1 the frame's border; width and height as
            shares of the frame's; the first ``counts`` of M are boxes, the others zero.
        counts: int64 (T, N).
        masks: uint8 (T, N, H, ⌈W/8⌉), a bit for each pixel that belongs to an object.
        background: uint8 (H, W, 3).
    """

    boxes: np.ndarray
    counts: np.ndarray
    masks: np.ndarray
    background: np.ndarray

    def mask(self, t: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Returns the masks of some frames, uint8 (B, H, W) in {0, 1}."""
        return np.unpackbits(self.masks[t, n], axis=-1, count=self.background.shape[1])


def motion_boxes(
    recording: Recording, settings: MotionSettings | None = None, cache: bool = True
) -> MotionBoxes:
    """Finds what moves in each frame of a recording.

    Args:
        recording: Of at least one shard.
        settings: How the background is found and objects are told from it.
        cache: Keep the boxes beside the shards, or in the user's cache where that is read-only.
            A disk without room is no error; they are in memory then.

    Raises:
        ValueError: A damaged, cut-off or foreign shard; the message names the file.
    """
    settings = settings or MotionSettings()
    if not cache:
        return _make(recording, settings)
    made_of = {"recording": recording.digest, "version": _VERSION, **settings.facts}
    name = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    for home in (recording.folder, cache_folder("frames", f".{made_of['recording'][:16]}")):
        folder = home / f".motion-{name}"
        if (kept := _read(folder, made_of)) is not None:
            return kept
        try:
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / f"{folder.name}.lock", wait=True):
                if (kept := _read(folder, made_of)) is None:
                    kept = _make(recording, settings)
                    _write(folder, made_of, kept)
            return kept
        except OSError:
            continue
    return _make(recording, settings)


def _make(recording: Recording, settings: MotionSettings) -> MotionBoxes:
    scenery = fit_scenery(recording, settings)
    parts, counts, masks = [], [], []
    for frames, starts, _ in recording:
        for found in _found(scenery, settings, frames, starts):
            parts.append(found.boxes)
            counts.append(found.counts)
            masks.append(np.packbits(found.masks, axis=-1))
    most = max(1, *(part.shape[1] for part in parts))
    padded = [np.pad(part, ((0, 0), (0, most - part.shape[1]), (0, 0))) for part in parts]
    return MotionBoxes(np.stack(padded), np.stack(counts), np.stack(masks), scenery.background)


def _found(
    scenery: Scenery, settings: MotionSettings, frames: np.ndarray, starts: np.ndarray
) -> Iterator[FoundObjects]:
    """Finds the objects of each step of a shard, (t, N, H, W, 3)."""
    if not (settings.trail or settings.flow):
        yield from (find_objects(scenery, now) for now in frames)
        return
    own = [scenery] * frames.shape[1]
    for t, now in enumerate(frames):
        # As many frames as the trail has see the same one, that of the frames before.
        if settings.trail and t and t % settings.trail == 0:
            before = slice(t - settings.trail, t)
            own = [
                scenery
                if starts[before.start + 1 : t + 1, n].any()
                else replace(scenery, background=mode_background(frames[before, n]))
                for n in range(len(own))
            ]
        seen = own
        if settings.flow and t:
            flows = map(flowing, frames[t - 1], now)
            seen = [replace(s, travels=s.travels * f) for s, f in zip(own, flows, strict=True)]
        yield joined([find_objects(s, now[n, None]) for n, s in enumerate(seen)])


def _write(folder: Path, made_of: dict, found: MotionBoxes) -> None:
    for unfinished in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    with write_folder_atomically(folder) as temporary:
        content = hashlib.sha256()
        for name in _NAMES:
            array = np.ascontiguousarray(getattr(found, name))
            np.save(temporary / f"{name}.npy", array)
            content.update(array.data)
        facts = {**made_of, "content": content.hexdigest()}
        (temporary / _FACTS).write_text(json.dumps(facts))


def _read(folder: Path, made_of: dict) -> MotionBoxes | None:
    """Reads what is kept; None where it is missing, damaged or made of something else."""
    try:
        facts = json.loads((folder / _FACTS).read_text())
        expected = facts.pop("content")
        if facts != json.loads(json.dumps(made_of)):
            return None
        content, arrays = hashlib.sha256(), []
        for name in _NAMES:
            array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            content.update(np.ascontiguousarray(array).data)
            arrays.append(array)
    except Exception:  # NumPy raises many kinds for a damaged header
        return None
    return MotionBoxes(*arrays) if content.hexdigest() == expected else None


def cell_targets(boxes: Tensor, counts: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """Gives each box to the cell of its centre; of two in one cell the larger stays.

    Args:
        boxes: float32 (B, M, 4), as :attr:`MotionBoxes.boxes`.
        counts: int64 (B,), boxes of each frame.
        grid: G, cells a side.

    Returns:
        Presence float32 (B, G²) in {0, 1} and boxes float32 (B, G², 4), zero where there is none;
        cell n = row·G + column.
    """
    boxes = torch.nn.functional.pad(boxes, (0, 0, 0, 1))  # frames without any box have one row
    cell = ((boxes[..., :2] + 1) / 2 * grid).long().clamp(0, grid - 1)
    number = cell[..., 1] * grid + cell[..., 0]
    there = torch.arange(boxes.shape[1]) < counts[:, None]
    number = torch.where(there, number, grid**2)
    # The larger come later, and the last one of a cell stays.
    area = torch.where(there, boxes[..., 2] * boxes[..., 3], -1.0)
    order = area.argsort(dim=1, stable=True)
    number = number.gather(1, order)
    sorted_boxes = boxes.gather(1, order[..., None].expand_as(boxes))
    rank = torch.arange(1, boxes.shape[1] + 1).expand_as(number)
    last = torch.zeros(len(boxes), grid**2 + 1, dtype=torch.long)
    last = last.scatter_reduce(1, number, rank, "amax")[:, :-1]
    present = last > 0
    chosen = (last - 1).clamp(min=0)[..., None].expand(-1, -1, 4)
    return present.float(), sorted_boxes.gather(1, chosen) * present[..., None]
