"""Scores of agents, summarised so that one lucky run does not decide.

* :func:`interquartile_mean`: mean of the middle half
* :func:`stratified_interval`: its 95 % interval, runs resampled within each task
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.stats

__all__ = ["interquartile_mean", "stratified_interval"]

RESAMPLES = 2_000


def interquartile_mean(scores: np.ndarray) -> float:
    """Mean of the middle half; a quarter of the values, rounded down, is left out at each end."""
    return float(scipy.stats.trim_mean(scores, 0.25, axis=None))


def stratified_interval(strata: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Returns the 95 % bootstrap interval of the interquartile mean of all runs.

    Runs are drawn anew within each task (Agarwal et al. 2021, section 4.2), so that a resample has
    as many of each as there were.

    Args:
        strata: Scores of each task's runs, comparable between tasks.

    Returns:
        Its ends; None where no task has two runs, and nothing can be resampled.
    """
    if max(map(len, strata), default=0) < 2:
        return None
    rng = np.random.default_rng(0)
    drawn = [
        np.asarray(runs, float)[rng.integers(len(runs), size=(RESAMPLES, len(runs)))]
        for runs in strata
        if len(runs)
    ]
    means = scipy.stats.trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
