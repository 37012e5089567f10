"""A trial as a recording on disk: frames, labels and gaze, made once, then mapped.

* :func:`human_recording`: trial → :class:`HumanRecording`, made if need be
* :class:`HumanRecording`: opens the folder of one, also without the dataset

The folder is a recording like every other (:mod:`objwrappers.datasets.recordings`) of one env,
with the arrays ``number``, ``episode``, ``score``, ``duration``, ``reward`` and ``action``; beside
its shards are kept ``.human-play``, the columns of all steps with the gaze, and the small frames.
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.atari_head.finding import read_trials
from objwrappers.datasets.atari_head.trials import Step, Trial
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.kept import Layout, read_kept, write_kept
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.shards import Block
from objwrappers.files import cache_folder

__all__ = ["SMALL_SIDE_PX", "HumanRecording", "human_recording"]

SMALL_SIDE_PX = 84

_STEPS_PER_SHARD = 256
_KEPT = ".human-play"
_COLUMNS: dict[str, Any] = {
    "number": np.int32,
    "episode": np.int32,
    "score": np.float32,
    "duration": np.float32,
    "reward": np.float32,
    "action": np.int16,
}


class HumanRecording:
    """One trial on disk, T steps.

    Args:
        folder: Written by :func:`human_recording`.

    Attributes:
        recording: The same as recordings of agents are read: ``frames.json`` and shards.
        numbers: int32 (T,), of the frames in the trial, ascending, with gaps where frames or rows
            could not be used.
        starts: bool (T,), True where a step does not follow the one before it: the first one,
            after a gap, and where an episode begins, as far as episodes are known.
        episodes: int32 (T,), -1 where it is unknown.
        scores: float32 (T,), NaN where it is unknown.
        durations: float32 (T,), ms, NaN where it is unknown.
        rewards: float32 (T,), NaN where it is unknown, as all negative ones are.
        actions: int16 (T,), ALE's of all 18, -1 where it is unknown.
        gaze: float32 (P, 2), samples (x, y) in native pixels, off-screen, too.
        gaze_offsets: int64 (T + 1,); step t has the samples ``gaze[offsets[t]:offsets[t + 1]]``.

    Raises:
        FileNotFoundError: No recording there.
        ValueError: A damaged one, of no human play, or one that was not finished.
    """

    def __init__(self, folder: str | Path) -> None:
        self.recording = Recording(folder)
        columns = _read_columns(self.recording)
        if columns is None:
            raise ValueError(
                f"{folder} is no recording of human play, or damaged or not finished: make it "
                "anew, or finish it, by human_recording(trial, folder)."
            )
        (
            self.numbers,
            self.episodes,
            self.scores,
            self.durations,
            self.rewards,
            self.actions,
            self.starts,
            self.gaze_offsets,
            self.gaze,
        ) = columns

    @property
    def task(self) -> str:
        """The game, ``"MsPacman"``."""
        return self.recording.task

    @property
    def name(self) -> str:
        """Of the trial."""
        return self.recording.facts["trial"]

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.recording.folder

    def __len__(self) -> int:
        """Returns the number of steps, T."""
        return self.recording.num_steps

    @cached_property
    def small_frames(self) -> np.ndarray:
        """Grey frames, uint8 (T, 84, 84), a private mapping of a file that is made once.

        OpenCV's luma of the native frame, then INTER_AREA, rounded, as ALE resizes and as all
        small frames here are made.
        """
        # PyTorch comes with it, which reading labels and gaze needs not.
        from objwrappers.datasets.small_frames import small_frames

        frames, _ = small_frames(self.recording, SMALL_SIDE_PX, SMALL_SIDE_PX, grayscale=True)
        return frames.reshape(len(self), SMALL_SIDE_PX, SMALL_SIDE_PX)

    def gaze_of(self, step: int) -> np.ndarray:
        """Returns the samples of a step, float32 (n, 2)."""
        return self.gaze[self.gaze_offsets[step] : self.gaze_offsets[step + 1]]

    def frames(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Returns the native frames of steps start to stop - 1, uint8 (n, 210, 160, 3).

        Args:
            start: First step.
            stop: After the last one; by default the recording's end. Both as in a slice.
        """
        steps = range(len(self))[start:stop]
        found = np.empty((len(steps), *self.recording.frame_shape), np.uint8)
        begin = 0
        for shard, length in enumerate(self.recording.shard_steps):
            low, high = max(steps.start, begin), min(steps.stop, begin + length)
            if low < high:
                frames = self._shard(shard)[low - begin : high - begin]
                found[low - steps.start : high - steps.start] = frames
            begin += length
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        """Gives the native frames one after the other, uint8 (210, 160, 3)."""
        for frames, _, _ in self.recording:
            yield from frames[:, 0]

    def _shard(self, index: int) -> np.ndarray:
        # Neighbours are asked for one after the other.
        if getattr(self, "_latest", (None, None))[0] != index:
            self._latest = (index, self.recording[index].frames[:, 0])
        return self._latest[1]


def human_recording(
    trial_or_path: Trial | str | Path, folder: str | Path | None = None
) -> HumanRecording:
    """Returns a trial as a recording, after it was made if need be.

    One that was interrupted goes on: the trial is read again, and what is there already is
    compared instead of written. Of what could not be used, a warning tells.

    Args:
        trial_or_path: A trial, a path at which there is exactly one (see
            :func:`.finding.read_trials`), or the folder of a recording.
        folder: Made if absent; by default in the user's cache.

    Raises:
        FileNotFoundError: There is no trial.
        ValueError: There are several, nothing in it can be used, its game is unknown, or the
            folder holds another recording.
        BlockingIOError: Another process records into the folder.
    """
    if not isinstance(trial_or_path, Trial) and (Path(trial_or_path) / INDEX_NAME).is_file():
        return HumanRecording(trial_or_path)
    trial = _one_trial(trial_or_path)
    digest = trial.digest()
    facts = {"task": trial.task, "policy": "human", "trial": trial.name, "source": digest}
    if folder is None:
        name = f"{trial.game}-{trial.name}-{digest[:12]}"
        folder = cache_folder("frames", "atari_head", name)
    folder = Path(folder)
    if (folder / INDEX_NAME).is_file():
        there = Recording(folder)
        there.check_facts(facts)
        if _read_columns(there) is not None:
            return HumanRecording(folder)
    _record(trial, folder, facts)
    return HumanRecording(folder)


def _one_trial(trial_or_path: Trial | str | Path) -> Trial:
    if isinstance(trial_or_path, Trial):
        return trial_or_path
    trials = read_trials(trial_or_path)
    if len(trials) > 1:
        raise ValueError(
            f"There are {len(trials)} trials in {trial_or_path}, a recording is of one: give "
            f"read_trials(path)[i], {trials[0].name} the first of them."
        )
    return trials[0]


def _record(trial: Trial, folder: Path, facts: dict[str, Any]) -> None:
    blocks: list[dict[str, np.ndarray]] = []
    gaze, counts = array("f"), array("q")
    steps = trial.steps()
    starts = _Starts()
    with RecordingWriter(folder, facts) as writer:
        there = writer.digests
        while part := list(islice(steps, _STEPS_PER_SHARD)):
            block = _block(part, starts)
            if len(blocks) >= len(there):
                writer.append(*block)
            elif writer.digest_of(*block) != there[len(blocks)]:
                raise ValueError(
                    f"{folder} cannot go on: shard {len(blocks)} is not what {trial.name} holds. "
                    "Remove it or give another folder."
                )
            blocks.append({**block.arrays, "starts": block.starts})
            for step in part:
                gaze.frombytes(np.ascontiguousarray(step.gaze, np.float32).tobytes())
                counts.append(len(step.gaze))
        if not blocks:
            raise ValueError(f"Nothing of this trial can be used.\n{trial.report}")
        columns = [
            np.concatenate([block[name][:, 0] for block in blocks])
            for name in (*_COLUMNS, "starts")
        ]
        columns.append(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
        columns.append(np.array(gaze, np.float32).reshape(-1, 2))
        _write_columns(Recording(folder), columns)
    assert trial.report is not None
    if not trial.report.ok:
        warnings.warn(f"Not all of a trial could be used.\n{trial.report}", stacklevel=3)


def _block(steps: list[Step], starts: _Starts) -> Block:
    values = {
        "number": [step.number for step in steps],
        "episode": [_or(step.episode_id, -1) for step in steps],
        "score": [_or(step.score, np.nan) for step in steps],
        "duration": [_or(step.duration, np.nan) for step in steps],
        "reward": [_or(step.reward, np.nan) for step in steps],
        "action": [_or(step.action, -1) for step in steps],
    }
    return Block(
        np.stack([step.frame for step in steps])[:, None],
        np.array([starts(step) for step in steps])[:, None],
        {name: np.array(values[name], dtype)[:, None] for name, dtype in _COLUMNS.items()},
    )


class _Starts:
    """Tells whether a step does not follow the one that it was asked for before."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._episode: int | None = None

    def __call__(self, step: Step) -> bool:
        starts = self._number is None or step.number != self._number + 1
        self._number = step.number
        # Where the episode is not told, it is taken to go on.
        if step.episode_id is not None:
            starts |= self._episode not in (None, step.episode_id)
            self._episode = step.episode_id
        return starts


def _or(value: int | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _read_columns(recording: Recording) -> tuple[np.ndarray, ...] | None:
    if recording.num_envs != 1:
        return None
    steps = recording.num_steps
    layout: Layout = {
        **{name: ((steps,), dtype) for name, dtype in _COLUMNS.items()},
        "starts": ((steps,), np.bool_),
        "offsets": ((steps + 1,), np.int64),
        "gaze": ((None, 2), np.float32),
    }
    return read_kept(recording.folder / _KEPT, {"recording": recording.digest}, layout)


def _write_columns(recording: Recording, columns: list[np.ndarray]) -> None:
    names = (*_COLUMNS, "starts", "offsets", "gaze")
    made_of = {"recording": recording.digest}
    with write_kept(recording.folder / _KEPT, made_of) as (temporary, content):
        for name, column in zip(names, columns, strict=True):
            content.update(column.data)
            np.save(temporary / f"{name}.npy", column)
