"""One trial: what is known of it, and its steps, read as a stream.

* :class:`Trial`, :class:`Step`
* :func:`verify_trial`: reads it for its report alone
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from objwrappers.datasets.atari_head.archives import Frames, Open, digest_of, frames_in_order
from objwrappers.datasets.atari_head.labels import MAX_LABEL_BYTES, Labels, read_labels
from objwrappers.datasets.atari_head.metadata import Metadata
from objwrappers.datasets.atari_head.pictures import HEIGHT_PX, WIDTH_PX, decode_frame
from objwrappers.datasets.atari_head.reports import COLUMNS, TrialReport
from objwrappers.games import check_game

__all__ = ["Step", "Trial", "verify_trial"]

_SUBJECTS = {"RZ": "R", "JAW": "J", "KM": "K", "LG": "L"}  # in file names, in the metadata


class Step(NamedTuple):
    """What the player saw, did and looked at; None is what the recording does not tell.

    Attributes:
        frame: RGB, uint8 (210, 160, 3).
        number: Of the frame, from 1; consecutive numbers are 1/60 s of the game apart.
        episode_id: Counted from 0, also across the trials that continue each other.
        score: Of the episode, with this step's reward.
        duration: ms that the frame was on the screen.
        reward: Of this step; negative ones were recorded as null.
        action: ALE's, of all 18, chosen on this frame.
        gaze: float32 (n, 2), native pixels (x, y) from the upper left corner; off-screen, too.
    """

    frame: np.ndarray
    number: int
    episode_id: int | None
    score: int | None
    duration: int | None
    reward: int | None
    action: int | None
    gaze: np.ndarray

    @property
    def on_screen(self) -> np.ndarray:
        """Which samples lie on the frame, bool (n,)."""
        return np.all((self.gaze >= 0) & (self.gaze < (WIDTH_PX, HEIGHT_PX)), axis=1)


class Trial:
    """One trial, of which nothing is read before its steps are.

    Args:
        name: ``"593_RZ_5037271_Aug-05-15-35-12"``, as its files are called.
        frames: Where its pictures are; None where they are missing.
        open_labels: Opens its label file; None where that is missing.
        game: ``"ms_pacman"``; None if unknown.
        highscore: It lies among the long sessions.
        metadata: From ``meta_data.csv``; None if unknown.
        chain: The first of the trials that continue each other up to this one.

    Attributes:
        name: The same.
        game: The same.
        metadata: The same.
        chain: The same; where nothing is known of it, the trial's own number.
        trial_id: What the name begins with.
        subject: The player: ``"R"``, ``"J"``, ``"K"`` or ``"L"``.
        highscore: Of the long sessions, by its folder or by the metadata.
        load_trial: The trial whose saved game it continues; 0 begins anew; None if unknown.
        report: After its steps were read to the end, what became of it; before that None.
    """

    def __init__(
        self,
        name: str,
        frames: Frames | None,
        open_labels: Open | None,
        game: str | None = None,
        highscore: bool = False,
        metadata: Metadata | None = None,
        chain: int | None = None,
    ) -> None:
        self.name = name
        self.game = game
        self.metadata = metadata
        self._frames = frames
        self._open_labels = open_labels
        number, code = name.split("_")[:2]
        self.trial_id = int(number)
        self.chain = self.trial_id if chain is None else chain
        known = metadata.subject if metadata else None
        self.subject = known or _SUBJECTS.get(code, code)
        self.highscore = highscore or (metadata is not None and metadata.highscore)
        self.load_trial = metadata.load_trial if metadata else None
        self.report: TrialReport | None = None

    @property
    def task(self) -> str:
        """The game as ids spell it, ``"MsPacman"``.

        Raises:
            ValueError: The game is unknown.
        """
        if self.game is None:
            raise ValueError(
                f"Which game {self.name} is of is not told by its folder: name that ms_pacman or "
                'so, or read it by read_trials(path, game="ms_pacman").'
            )
        return check_game(self.game)

    @property
    def complete(self) -> bool:
        """Whether there are both frames and labels."""
        return self._frames is not None and self._open_labels is not None

    def digest(self) -> str:
        """Returns the SHA-256 of its files.

        Raises:
            ValueError: One is missing, or cannot be read.
        """
        if self._frames is None or self._open_labels is None:
            raise ValueError(f"{self.name} has no {'labels' if self._frames else 'frames'}.")
        try:
            with self._open_labels() as stream:
                labels = digest_of(stream, MAX_LABEL_BYTES)
            return hashlib.sha256((labels + self._frames.digest()).encode()).hexdigest()
        # Of a damaged archive zipfile raises errors of many kinds.
        except Exception as error:
            raise ValueError(f"{self.name} cannot be read: {error}") from error

    def steps(self) -> Iterator[Step]:
        """Reads the trial, one frame in memory at a time.

        What cannot be used is passed over and told by :attr:`report`: a damaged trial ends early
        or has gaps in its numbers, but no frame ever gets another one's label.

        Yields:
            The steps, by ascending number.
        """
        self.report = None
        report = TrialReport(self.name, self.metadata.total_frames if self.metadata else None)
        labels = self._labels(report)
        if labels is None or self._frames is None:
            self.report = report
            return
        report.rows, report.without_label = labels.rows, int(labels.last is not None)
        stream = frames_in_order(self._frames, labels.session, labels.numbers, labels.last, report)
        for number, content in stream:
            try:
                frame = decode_frame(content)
            except ValueError as error:
                report.rejected.add("damaged pictures", f"{number}: {error}")
                continue
            step = _step(frame, labels, int(np.searchsorted(labels.numbers, number)))
            _count(report, step)
            yield step
        self.report = report

    def _labels(self, report: TrialReport) -> Labels | None:
        if self._frames is None:
            report.rejected.add("trials without frames", self.name)
        if self._open_labels is None:
            report.rejected.add("trials without labels", self.name)
            return None
        try:
            with self._open_labels() as stream:
                return read_labels(stream, report.rejected)
        # Of a damaged archive zipfile raises errors of many kinds.
        except Exception as error:
            report.rejected.add("damaged labels", f"{type(error).__name__}: {error}")
            return None


def verify_trial(trial: Trial) -> TrialReport:
    """Reads a trial to its end and returns its report."""
    for _ in trial.steps():
        pass
    assert trial.report is not None
    return trial.report


def _step(frame: np.ndarray, labels: Labels, row: int) -> Step:
    episode, score, duration, reward, action = (
        None if np.isnan(value) else int(value) for value in labels.values[row]
    )
    gaze = labels.gaze[labels.offsets[row] : labels.offsets[row + 1]].copy()
    number = int(labels.numbers[row])
    return Step(frame, number, episode, score, duration, reward, action, gaze)


def _count(report: TrialReport, step: Step) -> None:
    report.joined += 1
    for column in COLUMNS:
        report.nulls[column] += getattr(step, column) is None
    report.nulls["gaze"] += not len(step.gaze)
    if step.action is not None:
        report.actions[step.action] += 1
    if len(step.gaze):
        (low_x, low_y), (high_x, high_y) = step.gaze.min(axis=0), step.gaze.max(axis=0)
        report.gaze_low = (min(report.gaze_low[0], low_x), min(report.gaze_low[1], low_y))
        report.gaze_high = (max(report.gaze_high[0], high_x), max(report.gaze_high[1], high_y))
        report.samples += len(step.gaze)
        report.off_screen += len(step.gaze) - int(step.on_screen.sum())
