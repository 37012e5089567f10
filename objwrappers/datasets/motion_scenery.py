"""What a game looks like without objects, learned from a recording at its native size.

* :class:`MotionSettings`: how it is learned
* :func:`past_bars`: a scenery with distractor bars
* :func:`sampled_frames`: a few frames of a recording
* :func:`fit_scenery`: recording → :class:`~objwrappers.perception.foreground.Scenery`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion import background, travel_mask
from objwrappers.datasets.recordings import Recording
from objwrappers.datasets.sprite_colours import (
    blended_colours,
    colour_groups,
    group_palette,
    mixed_colours,
    usual_sizes,
)
from objwrappers.perception.foreground import (
    ACCESSORY,
    GROUND,
    NUM_CODES,
    Scenery,
    colour_codes,
    foreground_pixels,
)
from objwrappers.rendering.bars import COLOUR
from objwrappers.resizing import resize_frames

__all__ = ["MotionSettings", "fit_scenery", "past_bars", "sampled_frames"]

SAMPLES = 600  # frames that background and colours are learned from
GROUND_SHARE = 0.2  # of the frame: from here on a colour of the background is ground


@dataclass(frozen=True)
class MotionSettings:
    """How objects are told from the background.

    Attributes:
        split: Tell touching objects apart by colour and size.
    """

    split: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> MotionSettings:
        """Those of a model's hyperparameters, ``motion_split``."""
        return cls(split=bool(settings.get("motion_split", True)))

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_scenery(recording: Recording, settings: MotionSettings | None = None) -> Scenery:
    """Finds the background, where what changes travels, and which colours objects have.

    Args:
        recording: Of at least one shard.
        settings: By default those of :class:`MotionSettings`.

    Raises:
        ValueError: A damaged, cut-off or foreign shard; the message names the file.
    """
    settings = settings or MotionSettings()
    with_bars = recording.facts.get("noise", "none") != "none"
    sampled, half = _read(recording)
    shown = torch.from_numpy(sampled)[:, None]
    still = background(Frames(shown, torch.zeros(shown.shape[:2], dtype=torch.bool))).numpy()
    travels = travel_mask(half, background(half)).numpy()
    height, width = still.shape[:2]
    rows = np.arange(height) * travels.shape[0] // height
    columns = np.arange(width) * travels.shape[1] // width
    palette = np.zeros((GROUND, 3), np.uint8)
    themselves = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, 1)
    found, areas = np.unique(still.reshape(-1, 3), axis=0, return_counts=True)
    colours = np.full(NUM_CODES, ACCESSORY, np.uint8)
    colours[colour_codes(found[areas >= GROUND_SHARE * height * width])] = GROUND
    sizes = np.zeros((GROUND - 1, 4), np.float32)
    mask = travels[np.ix_(rows, columns)].astype(np.uint8)
    plain = Scenery(still, mask, colours, sizes, palette, themselves)
    if with_bars:
        plain = past_bars(plain)
    if not settings.split:
        return plain
    pixels = foreground_pixels(plain, sampled)
    blends = blended_colours(pixels, found)
    table, stands_for = mixed_colours(colour_groups(plain, pixels, blends, len(sampled)), pixels)
    grouped = replace(plain, colours=table, stands_for=stands_for)
    grouped = replace(grouped, palette=group_palette(table, pixels))
    pixels = foreground_pixels(grouped, sampled)
    return replace(grouped, sizes=usual_sizes(grouped, pixels, len(sampled)))


def past_bars(scenery: Scenery) -> Scenery:
    """Returns a scenery whose objects are never of the colour of distractor bars."""
    colours = scenery.colours.copy()
    colours[colour_codes(COLOUR)] = GROUND
    return replace(scenery, colours=colours)


def sampled_frames(recording: Recording, count: int, seed: int = 0) -> np.ndarray:
    """Returns ``count`` native frames, or a few more, from everywhere in a recording."""
    rng = np.random.default_rng(seed)
    share = count / recording.num_frames
    drawn = []
    for frames, _, _ in recording:
        flat = frames.reshape(-1, *frames.shape[2:])
        drawn.append(flat[rng.permutation(len(flat))[: int(np.ceil(share * len(flat)))]])
    return np.concatenate(drawn)


def _read(recording: Recording) -> tuple[np.ndarray, Frames]:
    """Returns some native frames, and all at half their size: where things travel needs no more."""
    rng = np.random.default_rng(0)
    share = SAMPLES / recording.num_frames
    sampled, small, starts = [], [], []
    for frames, new, _ in recording:
        flat = frames.reshape(-1, *frames.shape[2:])
        sampled.append(flat[rng.permutation(len(flat))[: int(np.ceil(share * len(flat)))]])
        size = max(1, flat.shape[1] // 2), max(1, flat.shape[2] // 2)
        small.append(resize_frames(flat, *size).reshape(*new.shape, *size, 3))
        starts.append(new)
    frames_at_half = torch.from_numpy(np.concatenate(small))
    return np.concatenate(sampled), Frames(frames_at_half, torch.from_numpy(np.concatenate(starts)))
