"""What context translation learns from: demonstrations in two views.

* :func:`pairs`: the recipe
* :class:`DemonstrationSource`: a task's demonstrations, made where there are none
"""

from __future__ import annotations

import math
from typing import Any

import torch

from objwrappers.datasets.demonstrations import (
    KIND,
    Demonstrations,
    demonstrations_folder,
    read_demonstrations,
)
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording
from objwrappers.datasets.translation_pairs import TranslationPairs
from objwrappers.pretraining.demonstrate import CONTEXTS, HORIZON, collect_demonstrations
from objwrappers.pretraining.recipes import VALIDATION_SHARE, Datasets, Ingredients
from objwrappers.pretraining.sources import RecordedSource

__all__ = ["DemonstrationSource", "pairs"]

RECORDED_BY = ("horizon", "contexts", "cameras", "image_size", "min_return", "seed")
"""Facts that are arguments of a recording."""
MEASURED_EPISODES = 64
"""Of the training, by which features are scaled."""


class DemonstrationSource(RecordedSource):
    """A task's demonstrations in the user's cache.

    Args:
        task: Of dm_control, ``"reacher-hard"``.
    """

    def __init__(self, task: str) -> None:
        super().__init__((task,), demonstrations_folder(task))
        self._image_size = 48

    def suit(self, module: Any) -> None:
        """Takes the size of the frames from the model.

        Raises:
            ValueError: It is no context translation.
        """
        if module.family != "translation":
            raise ValueError(
                f"{module.name} learns from frames, but what is recorded of {self.name} by itself "
                "are demonstrations for context translation: give a recording (--frames-folder)."
            )
        self._image_size = module.image_size

    def prepare(self, count: int, progress: bool = False) -> None:
        """Lets the task's script demonstrate, where nobody has, or not often enough.

        What an agent demonstrated is taken as it is.

        Raises:
            ValueError: The task has no script, or there are frames of another size than the
                model's.
        """
        (folder,), (task,) = self._folders, self.tasks
        options: dict[str, Any] = {"image_size": self._image_size}
        if (folder / INDEX_NAME).exists():
            facts = Recording(folder).facts
            if facts.get("kind") != KIND or facts.get("policy") != "scripted":
                return
            _check_size(module_size=self._image_size, size=(facts["image_size"],) * 2)
            options = {name: facts[name] for name in RECORDED_BY}
        length = options.get("horizon", HORIZON) + 1
        views = len(options.get("contexts", CONTEXTS)) * len(options.get("cameras", [0]))
        collect_demonstrations(
            task, folder, math.ceil(count / length / views), progress=progress, **options
        )


def _check_size(module_size: int, size: tuple[int, int]) -> None:
    if size != (module_size, module_size):
        height, width = size
        raise ValueError(
            f"Context translation with image_size={module_size} cannot learn from demonstrations "
            f"of {height}x{width} pixels: give it image_size:{height}, or record others with "
            f"--image-size {module_size}."
        )


def pairs(module: Any, given: Ingredients) -> Datasets:
    """Moments, or whole videos, in one view and in another; validation is of whole videos.

    Raises:
        ValueError: Bars, several tasks, no demonstrations, frames of another size than the
            model's, views that the pairing lacks, or moments for a recurrent model.
    """
    if given.noise != "none":
        raise ValueError(f"Contexts are no bars: noise='none', got {given.noise!r}.")
    if len(given.recordings) != 1:
        tasks = ", ".join(recording.task for recording in given.recordings) or "images"
        raise ValueError(
            f"{module.name} learns from the demonstrations of one task, got {tasks}: record some "
            "with python zoo/collect.py --task reacher-hard"
        )
    demonstrations = read_demonstrations(given.recordings[0])
    _check_size(module.image_size, demonstrations.image_size)
    training, validation = demonstrations.split(VALIDATION_SHARE)
    module.prepare(_episodes(training))
    settings = given.settings
    pairing, whole = settings["pairing"], bool(settings["whole_videos"])
    if module.arguments.get("translator") == "lstm" and not whole:
        raise ValueError(
            "A recurrent translator sees videos from their first frame on: give it "
            "whole_videos:true."
        )
    videos = given.batch_size if whole else math.ceil(given.batch_size / 8)
    return (
        TranslationPairs(training, given.batch_size, pairing, whole, given.seed, given.rank),
        TranslationPairs(validation, videos, pairing, True, given.seed, given.rank),
    )


def _episodes(training: Demonstrations) -> torch.Tensor:
    """Returns whole videos, uint8 (n, T + 1, h, w, 3), of all views alike."""
    count = min(MEASURED_EPISODES, len(training))
    views = [i % training.num_views for i in range(count)]
    return torch.from_numpy(training.frames[range(count), views])
