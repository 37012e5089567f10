"""What models learn from: a recording, split in two, as batches for training and validation.

A recipe is a function :data:`Recipe`; the table of models names it beside the model's class. Bars
are drawn on what a model looks at; what its keypoints should cover is known without them, and so
is what a teacher sees.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from objwrappers.datasets.frames import FramePairs, Frames, SingleFrames
from objwrappers.datasets.motion import (
    MotionFrames,
    MotionMaps,
    background,
    scrolling_share,
    travel_mask,
    usual_colours,
)
from objwrappers.datasets.noise import NoisyBatches
from objwrappers.datasets.teaching import TaughtFrames
from objwrappers.perception.base import SMALL_RGB, FrameFormat
from objwrappers.perception.registry import model_entry
from objwrappers.perception.storage import DEFAULT_FAMILY

__all__ = ["Ingredients", "Recipe", "light", "motion", "pairs", "permakey", "recipe_of", "student"]

VALIDATION_SHARE = 0.1

CROWDED = 0.02  # share of the frames in which more may move than there are keypoints, but for SPARE
SPARE = 1.5  # keypoints for each thing that moves
FEWEST, MOST = 4, 50  # keypoints, where they are counted


ReadFrames = Callable[..., Frames]
"""() → frames at the size that a model reads; (form) → at another."""


@dataclass(frozen=True)
class Ingredients:
    """What a recipe is made of.

    Attributes:
        training: First part of the recording.
        validation: Its end.
        settings: Hyperparameters, ``batch_size`` among them.
        noise: Bars on the frames that the model looks at.
        seed: Of the batches.
        rank: Of this process among several.
        teacher: Of a student: a frozen model, else None.
        device: Where the training runs.
        num_keypoints: K, where it is given; else a model that can finds it in the recording.
        recordings: Native frames on disk, in the order in which the frames of ``training`` and
            ``validation`` lie side by side along the axis of envs; step t of them is step t of
            both parts one after the other. Empty where the frames are images.
    """

    training: Frames
    validation: Frames
    settings: Mapping[str, Any]
    noise: str = "none"
    seed: int = 0
    rank: int = 0
    teacher: Any = None
    device: Any = "cpu"
    num_keypoints: int | None = None
    recordings: tuple[Any, ...] = ()  # native frames on disk, see Frames

    @classmethod
    def of(
        cls, frames: Frames | ReadFrames, settings: Mapping[str, Any], **options: Any
    ) -> Ingredients:
        """Splits a recording; the last tenth is for validation.

        Args:
            frames: The frames, or what reads them, at the size that the model reads or at
                another: only when a recipe asks for them, then.
            settings: Hyperparameters.
            **options: The other attributes.
        """
        if callable(frames):
            return _ReadWhenAsked(frames, settings, **options)
        return cls(*frames.split(VALIDATION_SHARE), settings, **options)

    @property
    def batch_size(self) -> int:
        """B."""
        return int(self.settings["batch_size"])

    @cached_property
    def scenery(self) -> tuple[Tensor, Tensor]:
        """The background and the travel mask of the training frames.

        Raises:
            ValueError: They are of several games, which have no background in common.
        """
        return self.scenery_of(self.training)

    def scenery_of(self, frames: Frames, least_left: float = 0.0) -> tuple[Tensor, Tensor]:
        """Returns :attr:`scenery` where the training frames lie, on another device, say."""
        if len(tasks := [recording.task for recording in self.recordings]) > 1:
            raise ValueError(
                f"This model subtracts one background, which {', '.join(tasks)} have not in "
                "common: train it on one game."
            )
        still = background(frames)
        return still, travel_mask(frames, still, least_left)

    def usual_in(self, frames: Frames, scenery: tuple[Tensor, Tensor]) -> Tensor | None:
        """The colours that are background, too, where the settings say how usual they must be.

        Where they say from what :func:`scrolling_share` on, there are none below it.
        """
        share, reach = self.settings.get("usual_share", 1.0), self.settings.get("usual_reach", 0)
        least = self.settings.get("scrolling_share", 0)
        if share == 1 or (least and scrolling_share(frames, *scenery) < least):
            return None
        return usual_colours(frames, share, reach)

    def at(self, form: FrameFormat) -> tuple[Frames, Frames]:
        """Returns both parts of the recording at another size; here as they are."""
        return self.training, self.validation

    def noisy(self, batches: Dataset, *keys: str) -> Dataset:
        """Draws bars on the frames under these keys."""
        return NoisyBatches(batches, keys, self.noise, self.seed, self.rank)


class _ReadWhenAsked(Ingredients):
    """Ingredients for recipes that may do without small frames."""

    def __init__(self, read: ReadFrames, settings: Mapping[str, Any], **options: Any) -> None:
        unread: Any = None
        super().__init__(unread, unread, settings, **options)
        # What an instance holds would hide the properties below.
        del self.__dict__["training"], self.__dict__["validation"]
        self.__dict__["_read"] = read

    @cached_property
    def _parts(self) -> tuple[Frames, Frames]:
        return self.__dict__["_read"]().split(VALIDATION_SHARE)

    def at(self, form: FrameFormat) -> tuple[Frames, Frames]:
        return self.__dict__["_read"](form).split(VALIDATION_SHARE)

    @cached_property
    def training(self) -> Frames:
        return self._parts[0]

    @cached_property
    def validation(self) -> Frames:
        return self._parts[1]


Datasets = tuple[Dataset, Dataset]
Recipe = Callable[[Any, Ingredients], Datasets]
"""(model, ingredients) → batches to train on and to validate on; item s is the batch of step s."""


def motion(module: Any, given: Ingredients) -> Datasets:
    """Frames with maps of what moves, as motion-coverage keypoints learn from them."""
    still, travels = given.scenery
    usual = given.usual_in(given.training, given.scenery)

    def batches(part: Frames) -> Dataset:
        moving = MotionFrames(part, given.batch_size, still, travels, given.seed, given.rank, usual)
        return given.noisy(moving, "frames")

    return batches(given.training), batches(given.validation)


def light(module: Any, given: Ingredients) -> Datasets:
    """Frames of half size with maps of what moves, made once; K is found where none is given.

    K is what all but :data:`CROWDED` of the frames have moving at once, and :data:`SPARE` more.
    """
    if given.recordings:
        if "height" in given.settings.get("model", {}):
            raise ValueError("height is half of that of the game's frames: leave it out.")
        module.fit(native_height=given.recordings[0].frame_shape[0])

    def placed(parts: tuple[Frames, Frames]) -> list[Frames]:
        return [Frames(part.frames.to(given.device), part.starts) for part in parts]

    # Thin waves that hardly show on frames for `motion` are plain to see on those of half size.
    watched = placed(given.at(SMALL_RGB))
    scenery = given.scenery_of(watched[0], given.settings.get("least_left", 0.0))
    rest = (*scenery, given.seed, given.rank, given.usual_in(watched[0], scenery))
    batches = [
        MotionMaps(part, looked_at.frames, module.cells, given.batch_size, *rest)
        for part, looked_at in zip(watched, placed((given.training, given.validation)), strict=True)
    ]
    if given.num_keypoints is None:
        crowd = float(batches[0].things().float().quantile(1 - CROWDED))
        module.fit(num_keypoints=min(max(round(SPARE * crowd), FEWEST), MOST))
    training, validation = (given.noisy(part, "frames") for part in batches)
    return training, validation


def pairs(module: Any, given: Ingredients) -> Datasets:
    """Two frames of one episode, for Transporter; its scenery where it looks past that."""
    if module.foreground:
        module.set_scenery(*given.scenery)

    def batches(part: Frames) -> Dataset:
        found = FramePairs(part, given.batch_size, given.seed, rank=given.rank)
        return given.noisy(found, "source", "target")

    return batches(given.training), batches(given.validation)


def permakey(module: Any, given: Ingredients) -> Datasets:
    """Single frames, with maps of what moves where PermaKey asks for motion; its scenery."""
    if module.foreground:
        module.set_scenery(*given.scenery)
    if module.moving:
        return motion(module, given)

    def batches(part: Frames) -> Dataset:
        single = SingleFrames(part, given.batch_size, given.seed, given.rank)
        return given.noisy(single, "frames")

    return batches(given.training), batches(given.validation)


def student(module: Any, given: Ingredients) -> Datasets:
    """Frames with a teacher's keypoints."""

    def batches(part: Frames) -> Dataset:
        taught = TaughtFrames(part, given.teacher, given.batch_size, given.seed, given.rank)
        return given.noisy(taught, "frames")

    return batches(given.training), batches(given.validation)


def recipe_of(model: str, family: str = DEFAULT_FAMILY) -> Recipe:
    """Returns the recipe that the table of models names beside a model.

    Raises:
        ValueError: No such family or model.
    """
    module, _, function = model_entry(model, family).recipe.partition(":")
    return getattr(importlib.import_module(module), function)
