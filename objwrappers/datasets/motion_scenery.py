"""What a game looks like without objects, learned from a recording at its native size.

* :class:`MotionSettings`: how it is learned
* :func:`past_bars`: a scenery with distractor bars
* :func:`sampled_frames`: a few frames of a recording
* :func:`fit_scenery`: recording → :class:`~objwrappers.perception.scenes.subtraction.Scenery`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from objwrappers.datasets.backgrounds import BACKGROUNDS
from objwrappers.datasets.motion_places import travelled_places
from objwrappers.datasets.recordings import Recording
from objwrappers.datasets.sprite_colours import (
    blended_colours,
    colour_groups,
    group_palette,
    mixed_colours,
    usual_sizes,
)
from objwrappers.names import check_name
from objwrappers.perception.scenes.subtraction import (
    ACCESSORY,
    GROUND,
    NUM_CODES,
    Scenery,
    colour_codes,
    foreground_pixels,
)
from objwrappers.rendering.bars import COLOUR

__all__ = ["MotionSettings", "fit_scenery", "past_bars", "sampled_frames"]

LAG = 4  # agent steps in which objects move
SAMPLES = 600  # frames that background and colours are learned from
GROUND_SHARE = 0.2  # of the frame: from here on a colour of the background is ground


@dataclass(frozen=True)
class MotionSettings:
    """How objects are told from the background.

    Attributes:
        split: Tell touching objects apart by colour and size.
        background: ``"neighbours"``, ``"mode"`` or ``"median"`` of the whole game, see
            :mod:`objwrappers.datasets.backgrounds`.
        trail: Compare each frame with the mode of so many frames shortly before it, not with the
            whole game's background; 0 for the latter. Published: 26. The first frames of each
            shard and of each episode have too few before them.
        flow: Only what flows is an object, too, not what rests before the background.

    Raises:
        ValueError: No such background, or a trail that is no number of frames.
    """

    split: bool = True
    background: str = "neighbours"
    trail: int = 0
    flow: bool = False

    def __post_init__(self) -> None:
        """Checks them."""
        check_name("background", self.background, BACKGROUNDS)
        if not isinstance(self.trail, int) or self.trail < 0:
            raise ValueError(f"motion_trail is a number of frames, 0 for none, got {self.trail}.")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> MotionSettings:
        """Those of a model's hyperparameters: ``motion_split``, ``motion_background``, ...

        Raises:
            ValueError: No such background, or a trail that is no number of frames.
        """
        names = (field.name for field in fields(cls))
        return cls(**{n: settings[f"motion_{n}"] for n in names if f"motion_{n}" in settings})

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_scenery(recording: Recording, settings: MotionSettings | None = None) -> Scenery:
    """Finds the background, where what changes travels, and which colours objects have.

    Independent frames do not tell what travels: scores, too, are objects then.

    Args:
        recording: Of at least one shard.
        settings: By default those of :class:`MotionSettings`.

    Raises:
        ValueError: A damaged, cut-off or foreign shard; the message names the file.
    """
    settings = settings or MotionSettings()
    with_bars = recording.facts.get("noise", "none") != "none"
    before, sampled = _pairs(recording)
    in_succession = len(sampled) > 0
    if not in_succession:
        sampled = sampled_frames(recording, SAMPLES)
    plain = _plain(BACKGROUNDS[settings.background](sampled))
    if with_bars:
        plain = past_bars(plain)
    learn = _with_sprites if settings.split else _unchanged
    if in_succession:
        travels = travelled_places(learn(plain, sampled), before, sampled)
        plain = replace(plain, travels=travels)
    return learn(plain, sampled)


def _plain(background: np.ndarray) -> Scenery:
    """A scenery that knows nothing of objects yet."""
    found, areas = np.unique(background.reshape(-1, 3), axis=0, return_counts=True)
    colours = np.full(NUM_CODES, ACCESSORY, np.uint8)
    colours[colour_codes(found[areas >= GROUND_SHARE * areas.sum()])] = GROUND
    return Scenery(
        background=background,
        travels=np.ones(background.shape[:2], np.uint8),
        colours=colours,
        sizes=np.zeros((GROUND - 1, 4), np.float32),
        palette=np.zeros((GROUND, 3), np.uint8),
        stands_for=np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, 1),
    )


def _with_sprites(plain: Scenery, frames: np.ndarray) -> Scenery:
    """Learns the colours and sizes of objects."""
    pixels = foreground_pixels(plain, frames)
    found = np.unique(plain.background.reshape(-1, 3), axis=0)
    blends = blended_colours(pixels, found)
    groups = colour_groups(plain, pixels, blends, len(frames))
    table, stands_for = mixed_colours(groups, pixels)
    palette = group_palette(table, pixels)
    grouped = replace(plain, colours=table, stands_for=stands_for, palette=palette)
    pixels = foreground_pixels(grouped, frames)
    return replace(grouped, sizes=usual_sizes(grouped, pixels, len(frames)))


def _unchanged(plain: Scenery, frames: np.ndarray) -> Scenery:
    return plain


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


def _pairs(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Returns native frames from everywhere, and those LAG steps later in the same episode.

    Both are empty where no two frames are of one episode.
    """
    rng = np.random.default_rng(0)
    share = SAMPLES / recording.num_frames
    before, after = [], []
    for frames, starts, _ in recording:
        if (lag := min(LAG, len(frames) - 1)) < 1:
            continue
        cut = np.cumsum(starts, 0)
        whole = np.argwhere(cut[lag:] == cut[: len(cut) - lag])
        drawn = whole[rng.permutation(len(whole))[: int(np.ceil(share * starts.size))]]
        t, n = drawn.T
        before.append(frames[t, n])
        after.append(frames[t + lag, n])
    none = np.zeros((0, *recording.frame_shape), np.uint8)
    return np.concatenate([none, *before]), np.concatenate([none, *after])
