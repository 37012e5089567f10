"""Records of cells → the figures of the table.

* :class:`Board`: what the file that travels holds, asked by game, observation and group
* :class:`Group`: budget, noise and algorithm, one table each
* :class:`Score`, :class:`Cost`: figures, with the number of runs behind them
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from objwrappers.boards.plan import CLEAN, RANDOM
from objwrappers.metrics.scores import interquartile_mean, stratified_interval

__all__ = ["Board", "Cost", "Group", "Score"]


@dataclass(frozen=True)
class Group:
    """What a table's runs have in common."""

    budget: int
    noise: str
    algo: str


@dataclass(frozen=True)
class Score:
    """An interquartile mean.

    Attributes:
        value: Of the runs.
        interval: 95 %, of resampled runs; None of a single run.
        runs: How many.
        games: How many.
    """

    value: float
    interval: tuple[float, float] | None
    runs: int
    games: int


@dataclass(frozen=True)
class Cost:
    """What trainings took, means over runs.

    Attributes:
        processor_s: Of all processors.
        wall_s: Of the clock.
        steps_per_s: Agent steps in a second of the clock.
        steps_per_processor_s: In a second of one processor.
        to_reference_s: Processor seconds until the reference's final score, the median over runs;
            None where half of them or more do not reach it.
        reached: Runs that reach it; None where there is no such score, or none above random.
        runs: How many.
    """

    processor_s: float
    wall_s: float
    steps_per_s: float
    steps_per_processor_s: float
    to_reference_s: float | None
    reached: int | None
    runs: int


class Board:
    """Figures of a board.

    Args:
        content: ``board`` and ``cells``, as :func:`~objwrappers.boards.records.read_export` gives
            them.

    Attributes:
        plan: What the file tells of the plan.
        games: Rows.
        columns: Names of observations.
        labels: Name → head.
        groups: Those of which something was run, in the plan's order.
        not_run: The others.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.plan = content["board"]
        self.games: list[str] = self.plan["games"]
        self.columns = list(self.plan["observations"])
        self.labels: dict[str, str] = self.plan["observations"]
        self.reference: str = self.plan["reference"]
        self.records: list[Mapping[str, Any]] = list(content["cells"].values())
        self._runs: dict[tuple[str, str, Group], list[Mapping[str, Any]]] = {}
        for record in self.records:
            group = Group(record["budget"], record["noise"], record["algo"])
            self._runs.setdefault((record["game"], record["observation"], group), []).append(record)
        planned = [
            Group(budget, noise, algo)
            for budget in self.plan["budgets"]
            for algo in self.plan["algos"]
            for noise in self.plan["noises"]
        ]
        run = {group for _, _, group in self._runs}
        self.groups = [group for group in planned if group in run]
        self.not_run = [group for group in planned if group not in run]

    def runs(self, game: str, column: str, group: Group) -> list[Mapping[str, Any]]:
        """Returns the records of one cell of the table, one for each seed."""
        return self._runs.get((game, column, group), [])

    def random(self, game: str) -> float | None:
        """Returns the random policy's score, 0 where the plan does without, None if it is missing.

        Scores are counted from there.
        """
        if not self.plan["random"]:
            return 0.0
        runs = self.runs(game, RANDOM, Group(0, CLEAN, RANDOM))
        return runs[0]["score"] if runs else None

    def score(self, game: str, column: str, group: Group) -> Score | None:
        """Returns the score in one game; None where nothing was run."""
        return _score([[record["score"] for record in self.runs(game, column, group)]])

    def shares(
        self, game: str, column: str, group: Group, of: tuple[str, Group]
    ) -> list[float] | None:
        """Returns each run's score as a share of another column's or group's, random being 0.

        None where one of the three is missing, or the other is no better than random.
        """
        begin, whole = self.random(game), self.score(game, *of)
        runs = self.runs(game, column, group)
        if not runs or begin is None or whole is None or whole.value <= begin:
            return None
        return [(record["score"] - begin) / (whole.value - begin) for record in runs]

    def share(
        self, games: Iterable[str], column: str, group: Group, of: tuple[str, Group]
    ) -> Score | None:
        """Returns the interquartile mean of those shares, over the games that have them."""
        found = (self.shares(game, column, group, of) for game in games)
        return _score([shares for shares in found if shares is not None])

    def ratio(self, game: str, column: str, group: Group) -> Score | None:
        """Returns the share of the reference's score in one game."""
        return self.share([game], column, group, (self.reference, group))

    def overall(self, column: str, group: Group) -> Score | None:
        """Returns the share of the reference's score over all games."""
        return self.share(self.games, column, group, (self.reference, group))

    def cost(self, games: Iterable[str], column: str, group: Group) -> Cost | None:
        """Returns what the trainings took; None where nothing was run."""
        runs = [(game, record) for game in games for record in self.runs(game, column, group)]
        if not runs:
            return None
        records = [record for _, record in runs]
        seconds = [self._to_reference(game, record, group) for game, record in runs]
        middle = statistics.median(seconds)
        known = any(self._wanted(game, group) is not None for game, _ in runs)
        return Cost(
            processor_s=_mean(records, "processor_s"),
            wall_s=_mean(records, "wall_s"),
            steps_per_s=_mean(records, "steps") / max(_mean(records, "wall_s"), 1e-9),
            steps_per_processor_s=_mean(records, "steps")
            / max(_mean(records, "processor_s"), 1e-9),
            to_reference_s=middle if math.isfinite(middle) else None,
            reached=sum(map(math.isfinite, seconds)) if known else None,
            runs=len(runs),
        )

    def _to_reference(self, game: str, record: Mapping[str, Any], group: Group) -> float:
        """Processor seconds until a window of the curve has the score; infinite if none has."""
        wanted = self._wanted(game, group)
        for steps, mean, _ in record["curve"] if wanted is not None else ():
            if mean is not None and mean >= wanted:
                return record["processor_s"] * min(steps / max(record["steps"], 1), 1.0)
        return math.inf

    def _wanted(self, game: str, group: Group) -> float | None:
        """The reference's score; None where there is none, or a random policy reaches it."""
        score, begin = self.score(game, self.reference, group), self.random(game)
        return None if score is None or begin is None or score.value <= begin else score.value


def _score(strata: Sequence[Sequence[float]]) -> Score | None:
    """Summarises the runs of each game."""
    strata = [runs for runs in strata if runs]
    if not strata:
        return None
    runs = np.concatenate([np.asarray(values, float) for values in strata])
    return Score(interquartile_mean(runs), stratified_interval(strata), len(runs), len(strata))


def _mean(records: Sequence[Mapping[str, Any]], key: str) -> float:
    return statistics.fmean(record[key] for record in records)
