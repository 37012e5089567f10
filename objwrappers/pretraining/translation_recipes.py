"""What context translation learns from: demonstrations in two views.

* :func:`pairs`: the recipe
* :class:`DemonstrationSource`: a task's demonstrations, made where there are none
"""

from __future__ import annotations

import math
from typing import Any

import torch

from objwrappers.datasets.demonstrations import (
    Demonstrations,
    demonstrations_folder,
    read_demonstrations,
)
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.translation_pairs import TranslationPairs
from objwrappers.pretraining.demonstrate import collect_demonstrations
from objwrappers.pretraining.recipes import VALIDATION_SHARE, Datasets, Ingredients
from objwrappers.pretraining.sources import RecordedSource

__all__ = ["DemonstrationSource", "pairs"]

FRAMES_PER_EPISODE = 62
"""Of demonstrations as they are made by default: 31 moments in two contexts."""
MEASURED_EPISODES = 64
"""Of the training, by which features are scaled."""


class DemonstrationSource(RecordedSource):
    """A task's demonstrations in the user's cache.

    Args:
        task: Of dm_control, ``"reacher-hard"``.
    """

    def __init__(self, task: str) -> None:
        super().__init__((task,), demonstrations_folder(task))

    def prepare(self, count: int, progress: bool = False) -> None:
        """Lets the task's script demonstrate, where nobody has yet.

        Raises:
            ValueError: The task has no script.
        """
        (folder,), (task,) = self._folders, self.tasks
        if not (folder / INDEX_NAME).exists():
            episodes = math.ceil(count / FRAMES_PER_EPISODE)
            collect_demonstrations(task, folder, episodes, progress=progress)


def pairs(module: Any, given: Ingredients) -> Datasets:
    """Moments, or whole videos, in one view and in another; validation is of whole videos.

    Raises:
        ValueError: Bars, several tasks, no demonstrations, frames of another size than the
            model's, or views that the pairing lacks.
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
    size = (module.image_size, module.image_size)
    if demonstrations.image_size != size:
        height, width = demonstrations.image_size
        raise ValueError(
            f"{module.name} with image_size={module.image_size} cannot learn from demonstrations "
            f"of {height}x{width} pixels: give it image_size:{height}, or record others with "
            f"--image-size {module.image_size}."
        )
    training, validation = demonstrations.split(VALIDATION_SHARE)
    module.prepare(_episodes(training))
    settings = given.settings
    pairing, whole = settings["pairing"], bool(settings["whole_videos"])
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
