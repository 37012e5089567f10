"""Where a training's frames come from: recordings of one task or of several, or a folder of images.

* :class:`Source`: what :func:`~objwrappers.pretraining.run.pretrain` learns from, read when asked
* :func:`find_source`: the source that a training's arguments name
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch

from objwrappers.datasets.frames import Frames, read_frames
from objwrappers.datasets.index import INDEX_NAME, no_frames
from objwrappers.datasets.recordings import Recording
from objwrappers.envs.control_tasks import TASKS as CONTROL_TASKS
from objwrappers.games import check_game
from objwrappers.perception.base import FrameFormat
from objwrappers.perception.trainable import Trainable
from objwrappers.pretraining.collect import collect, frames_folder
from objwrappers.pretraining.game_sets import GAME_SETS

__all__ = ["GAME_SETS", "ImageSource", "RecordedSource", "Source", "find_source", "tasks_name"]

MOST_NAMED = 3  # tasks whose names a weights folder shows


class Source(ABC):
    """What a training learns from.

    Attributes:
        tasks: What the frames show: games, other tasks, or a folder of images, by its name.
    """

    tasks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The tasks in short, as a weights folder is named after them."""
        return tasks_name(self.tasks)

    @property
    def noise(self) -> str:
        """Bars that are on the frames already."""
        return "none"

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Native frames on disk, in the order in which :meth:`read` puts them side by side."""
        return ()

    def suit(self, module: Trainable) -> None:  # noqa: B027
        """Learns for whom it is prepared."""

    def prepare(self, count: int, progress: bool = False) -> None:  # noqa: B027
        """Makes what is missing, about ``count`` frames for each task; one process does it."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """A name of the whole content, that changes with it."""

    @property
    @abstractmethod
    def num_frames(self) -> int:
        """Frames of all tasks together."""

    @abstractmethod
    def read(self, form: FrameFormat, cache: bool = True) -> Frames:
        """Reads the frames at the size that a model wants, native where it says none.

        Args:
            form: What the model reads.
            cache: Keep them at that size, where a source keeps any.
        """


class RecordedSource(Source):
    """Recordings of tasks, side by side: env after env, cut to the shortest.

    Args:
        tasks: As the recordings name them.
        folder: Of one task's recording, or a folder that has one for each task, by name; None is
            the user's cache, where games that are missing are recorded.
    """

    def __init__(self, tasks: Sequence[str], folder: str | Path | None = None) -> None:
        self.tasks = tuple(tasks)
        self._made = folder is None
        if folder is None:
            self._folders = [frames_folder(task) for task in tasks]
        elif len(self.tasks) == 1:
            self._folders = [Path(folder)]
        else:
            self._folders = [Path(folder) / task for task in tasks]

    @property
    def noise(self) -> str:
        """Bars that are on the frames already.

        Raises:
            ValueError: Several recordings differ in that.
        """
        there = [f for f in self._folders if not self._made and (f / INDEX_NAME).exists()]
        kinds = {str(Recording(folder).facts.get("noise", "none")) for folder in there}
        if len(kinds) > 1:
            raise ValueError(
                f"Recordings with different bars ({', '.join(sorted(kinds))}) cannot be joined: "
                f"{', '.join(map(str, there))}."
            )
        return kinds.pop() if kinds else "none"

    def prepare(self, count: int, progress: bool = False) -> None:
        """Records the games that are not in the user's cache, or are too short there.

        What an agent played is taken as it is.
        """
        for task, folder in zip(self.tasks, self._folders, strict=True):
            if not self._made:
                continue
            there = Recording(folder) if (folder / INDEX_NAME).exists() else None
            if there is None or there.facts.get("policy") == "random":
                collect(task, None, count, seed=1, progress=progress)

    @cached_property
    def recordings(self) -> tuple[Recording, ...]:
        """The recordings.

        Raises:
            FileNotFoundError: One is missing.
            ValueError: One is damaged, or of another task.
        """
        opened = []
        for task, folder in zip(self.tasks, self._folders, strict=True):
            if not (folder / INDEX_NAME).exists():
                raise no_frames(folder, task)
            recording = Recording(folder)
            if recording.task != task:
                raise ValueError(f"{folder} holds frames of {recording.task}, not of {task}.")
            opened.append(recording)
        return tuple(opened)

    @property
    def digest(self) -> str:
        """That of the recording; of several, one of all theirs."""
        digests = [recording.digest for recording in self.recordings]
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    @property
    def num_frames(self) -> int:
        """Frames of all tasks together, cut to the shortest."""
        steps = min(recording.num_steps for recording in self.recordings)
        return steps * sum(recording.num_envs for recording in self.recordings)

    def read(self, form: FrameFormat, cache: bool = True) -> Frames:
        """Reads the recordings side by side, cut to the shortest.

        Raises:
            ValueError: A damaged recording, or native frames of several sizes.
        """
        size = [_sides(form, recording) for recording in self.recordings]
        if len({*size}) > 1:
            raise ValueError(
                f"Native frames of {' and '.join(self.tasks)} have several sizes and cannot be "
                "joined; train on one game, or a model that resizes."
            )
        parts = [
            read_frames(recording.folder, size[0], grayscale=form.grayscale, cache=cache)
            for recording in self.recordings
        ]
        if len(parts) == 1:
            return parts[0]
        steps = min(len(part.starts) for part in parts)
        return Frames(
            torch.cat([part.frames[:steps] for part in parts], dim=1),
            torch.cat([part.starts[:steps] for part in parts], dim=1),
        )


class ImageSource(Source):
    """A folder of images, each by itself.

    Args:
        folder: Its name is that of the task.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It has no images.
    """

    def __init__(self, folder: str | Path) -> None:
        from objwrappers.datasets.images import ImageFolder  # needs Pillow

        self._images = ImageFolder(folder)
        self.tasks = (self._images.name,)

    @property
    def digest(self) -> str:
        """A name of the images' content."""
        return self._images.digest

    @property
    def num_frames(self) -> int:
        """Images, those included that cannot be read."""
        return len(self._images.files)

    def read(self, form: FrameFormat, cache: bool = True) -> Frames:
        """Reads the images.

        Raises:
            ValueError: The model reads native frames, and images are of any size.
        """
        if form.height is None or form.width is None:
            raise ValueError("A model of native frames cannot learn from images of any size.")
        return self._images.read(form.height, form.width, form.grayscale)


def find_source(
    game: str | Sequence[str] | None,
    frames_folder: str | Path | None = None,
    images: str | Path | None = None,
    trials: str | Path | None = None,
) -> Source:
    """Returns the source that a training's arguments name.

    Args:
        game: A game, several, a name of :data:`GAME_SETS`, or another task, whose recording
            ``frames_folder`` is.
        frames_folder: Of the recording; of several games, a folder that has one for each.
        images: A folder of images, instead of a game.
        trials: Of Atari-HEAD, instead of recorded frames.

    Raises:
        FileNotFoundError: There are no such images or trials.
        ValueError: No such game, a game and images, or neither.
    """
    if trials is not None:
        from objwrappers.pretraining.human_source import HumanSource

        if images is not None or frames_folder is not None:
            raise ValueError(f"Trials are frames by themselves: give nothing beside {trials}.")
        return HumanSource(trials, game)
    if (game is None) == (images is None):
        got = "neither" if game is None else f"both {game!r} and {str(images)!r}"
        raise ValueError(f"Give a game or a folder of images, got {got}.")
    if images is not None:
        if frames_folder is not None:
            raise ValueError(f"Give images or recorded frames, got {images} and {frames_folder}.")
        return ImageSource(images)
    assert game is not None
    named = [game] if isinstance(game, str) else list(game)
    if not named:
        raise ValueError("Give at least one game.")
    if frames_folder is None and any(name in CONTROL_TASKS for name in named):
        from objwrappers.pretraining.translation_recipes import DemonstrationSource

        if len(named) > 1:
            raise ValueError(f"Tasks of dm_control are learned one by one, got {named}.")
        return DemonstrationSource(named[0])
    tasks: list[str] = []
    for name in named:
        tasks += GAME_SETS.get(name) or [_check_task(name, frames_folder)]
    return RecordedSource([*dict.fromkeys(tasks)], frames_folder)


def tasks_name(tasks: Sequence[str]) -> str:
    """Returns one task's name, or a short one of several: ``"Pong-MsPacman"``, ``"published"``."""
    if len(tasks) <= MOST_NAMED:
        return "-".join(tasks)
    for name, games in GAME_SETS.items():
        if {*games} == {*tasks}:
            return name
    digest = hashlib.sha256(json.dumps(sorted(tasks)).encode()).hexdigest()
    return f"{len(tasks)}-games-{digest[:6]}"


def _check_task(name: str, folder: str | Path | None) -> str:
    """Returns a game as ids spell it, or another task that a recording has."""
    recorded = [Path(folder), Path(folder) / name] if folder is not None else []
    for place in recorded:
        if (place / INDEX_NAME).exists() and Recording(place).task == name:
            return name
    try:
        return check_game(name)
    except ValueError as error:
        raise ValueError(f"{error} Sets of games are {', '.join(GAME_SETS)}.") from error


def _sides(form: FrameFormat, recording: Recording) -> tuple[int, int]:
    height, width, _ = recording.frame_shape
    return form.height or height, form.width or width
