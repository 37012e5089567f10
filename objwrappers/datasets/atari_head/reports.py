"""What became of a trial: how much of it could be used, and what could not, and why.

* :class:`Rejections`: counts by kind, with the first few of each
* :class:`TrialReport`: of one trial
* :class:`Verification`: of several
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["ACTION_NAMES", "COLUMNS", "Rejections", "TrialReport", "Verification"]

COLUMNS = ("episode_id", "score", "duration", "reward", "action")
"""The columns of a label that are a number or null, in the order of the file; then the gaze."""

ACTION_NAMES = (
    *("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT"),
    *("UPFIRE", "RIGHTFIRE", "LEFTFIRE", "DOWNFIRE", "UPRIGHTFIRE", "UPLEFTFIRE"),
    *("DOWNRIGHTFIRE", "DOWNLEFTFIRE"),
)
"""ALE's, by number."""

_FIRST_FEW = 5
_MOST_CHARACTERS = 120


class Rejections:
    """What could not be used, by kind: how many, and the first few."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}

    def add(self, kind: str, what: object) -> None:
        """Counts one.

        Args:
            kind: ``"malformed rows"``.
            what: Which one, in a few words; what strangers wrote is printed safely.
        """
        self._counts[kind] = self._counts.get(kind, 0) + 1
        first = self._first.setdefault(kind, [])
        if len(first) < _FIRST_FEW:
            text = str(what).encode("ascii", "backslashreplace").decode()
            text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
            first.append(text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…")

    def count(self, kind: str) -> int:
        """Returns how many of a kind there were."""
        return self._counts.get(kind, 0)

    def first(self, kind: str) -> list[str]:
        """Returns the first few of a kind."""
        return list(self._first.get(kind, ()))

    def __iter__(self) -> Iterator[str]:
        """Gives the kinds that occurred."""
        return iter(self._counts)

    def __len__(self) -> int:
        """Returns how many were rejected, of all kinds together."""
        return sum(self._counts.values())

    def __str__(self) -> str:
        return "\n".join(
            f"{kind}: {count} ({', '.join(self._first[kind])}{', …' * (count > _FIRST_FEW)})"
            for kind, count in self._counts.items()
        )


@dataclass
class TrialReport:
    """What became of one trial.

    Attributes:
        name: Of the trial.
        expected_frames: That ``meta_data.csv`` says it has; None if unknown.
        rows: In the label file, the usable and the others.
        frames: Pictures by their names, the usable and the others.
        joined: Rows with their frame: the trial's steps.
        without_label: Last rows left out, which hold no gaze in this dataset: 0 or 1.
        nulls: Column → how many of the steps have none; ``"gaze"`` counts steps without samples.
        samples: Gaze samples of all steps.
        off_screen: Those beyond the frame's borders; they are kept.
        gaze_low: Smallest x and y, native pixels; infinite without samples.
        gaze_high: Largest x and y.
        actions: Steps of each of ALE's 18 actions.
        rejected: Everything that could not be used.
    """

    name: str
    expected_frames: int | None = None
    rows: int = 0
    frames: int = 0
    joined: int = 0
    without_label: int = 0
    nulls: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*COLUMNS, "gaze"), 0))
    samples: int = 0
    off_screen: int = 0
    gaze_low: tuple[float, float] = (math.inf, math.inf)
    gaze_high: tuple[float, float] = (-math.inf, -math.inf)
    actions: list[int] = field(default_factory=lambda: [0] * len(ACTION_NAMES))
    rejected: Rejections = field(default_factory=Rejections)

    @property
    def ok(self) -> bool:
        """Whether there are steps, and nothing was rejected."""
        return self.joined > 0 and not len(self.rejected)

    def __str__(self) -> str:
        expected = "unknown" if self.expected_frames is None else self.expected_frames
        nulls = ", ".join(f"{column} {count}" for column, count in self.nulls.items() if count)
        actions = ", ".join(
            f"{name} {count}"
            for name, count in zip(ACTION_NAMES, self.actions, strict=True)
            if count
        )
        share = 100 * self.off_screen / max(self.samples, 1)
        lines = [
            f"{self.name}: {self.joined} steps of {self.rows} rows and {self.frames} frames "
            f"({expected} by meta_data.csv)",
            *(["the last row, without gaze, is left out"] if self.without_label else []),
            f"null: {nulls or 'none'}",
            f"actions: {actions or 'none'}",
            f"gaze: {self.samples} samples, {share:.2f} % off-screen"
            + (
                f", x {self.gaze_low[0]:.2f} to {self.gaze_high[0]:.2f}, "
                f"y {self.gaze_low[1]:.2f} to {self.gaze_high[1]:.2f}"
                if self.samples
                else ""
            ),
            *(f"rejected, {line}" for line in str(self.rejected).splitlines()),
        ]
        return "\n  ".join(lines)


@dataclass(frozen=True)
class Verification:
    """What became of several trials.

    Attributes:
        reports: Of each.
        rejected: What belongs to no trial: files of other names, archives that cannot be opened.
    """

    reports: list[TrialReport]
    rejected: Rejections = field(default_factory=Rejections)

    @property
    def ok(self) -> bool:
        """Whether there are trials, and nothing of them was rejected."""
        return bool(self.reports) and all(report.ok for report in self.reports)

    def __str__(self) -> str:
        steps = sum(report.joined for report in self.reports)
        bad = sum(not report.ok for report in self.reports)
        return "\n".join(
            [
                *map(str, self.reports),
                *(f"passed over, {line}" for line in str(self.rejected).splitlines()),
                f"{len(self.reports)} trials, {steps} steps; "
                + (f"{bad} with rejections" if bad else "nothing rejected"),
            ]
        )
