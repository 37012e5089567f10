"""Recorded human play as what a training learns from.

:class:`HumanSource`: trials of Atari-HEAD, one after the other
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch

from objwrappers.datasets.atari_head.recording import human_recording
from objwrappers.datasets.frames import Frames, read_frames
from objwrappers.datasets.gaze import trials_of_one_game
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.base import FrameFormat
from objwrappers.pretraining.sources import Source

__all__ = ["HumanSource"]


class HumanSource(Source):
    """All trials of one game at a path, each made into a recording in the user's cache.

    Args:
        path: The dataset's folder, a game's, a zip, or one trial's files.
        game: As ids spell it or as the dataset does, or one name in a list; None if there are
            trials of one game only.

    Raises:
        FileNotFoundError: There are no trials of the game.
        ValueError: Atari-HEAD has no such game, trials of several, or none with frames and labels.
    """

    def __init__(self, path: str | Path, game: str | Sequence[str] | None = None) -> None:
        if game is not None and not isinstance(game, str):
            if len(game) != 1:
                raise ValueError(f"People watched one game at a time, got {', '.join(game)}.")
            (game,) = game
        self._trials = trials_of_one_game(path, game)
        self.tasks = (self._trials[0].task,)

    def prepare(self, count: int, progress: bool = False) -> None:
        """Makes the recordings that are missing, of whole trials, whatever the count."""
        self.recordings  # noqa: B018

    @cached_property
    def recordings(self) -> tuple[Recording, ...]:
        """The trials' recordings; their folders hold what people did and saw, too.

        Raises:
            ValueError: Nothing in one of them can be used.
        """
        return tuple(human_recording(trial).recording for trial in self._trials)

    @property
    def digest(self) -> str:
        """A name of all recordings' content."""
        digests = [recording.digest for recording in self.recordings]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    @property
    def num_frames(self) -> int:
        """Steps of all trials."""
        return sum(recording.num_steps for recording in self.recordings)

    def read(self, form: FrameFormat, cache: bool = True) -> Frames:
        """Reads the trials one after the other, as one env's episodes."""
        parts = []
        for recording in self.recordings:
            height, width, _ = recording.frame_shape
            size = (form.height or height, form.width or width)
            parts.append(read_frames(recording.folder, size, grayscale=form.grayscale))
        return Frames(
            torch.cat([part.frames for part in parts]), torch.cat([part.starts for part in parts])
        )
