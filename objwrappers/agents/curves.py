"""Learning curves of several runs: mean score over training steps, range of the seeds.

Scores are those of the training's own games (``0.monitor.csv``), whole and not clipped.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from objwrappers.files import read_regular

__all__ = ["NoEpisodes", "draw_curves", "read_curve", "read_games"]

POINTS = 100
MAX_MONITOR_BYTES = 2**30


class NoEpisodes(ValueError):
    """A run in which no episode ended."""


def read_games(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the agent steps at which the games of a run ended, and their scores.

    Files that do not tell the steps have those of the games that ended until then.

    Raises:
        FileNotFoundError: No monitor file below the folder.
        NoEpisodes: None ended; a ValueError.
        ValueError: Several runs there, or a damaged file. A last line that was cut off is not one.
    """
    files = sorted(folder.rglob("0.monitor.csv"))
    if not files:
        raise FileNotFoundError(f"No 0.monitor.csv below {folder}; give the -f of a training.")
    if len(files) > 1:
        raise ValueError(f"{folder} holds several runs: {', '.join(map(str, files))}; give one.")
    path = files[0]
    content = read_regular(path, MAX_MONITOR_BYTES)
    whole = content[: content.rfind(b"\n") + 1]
    try:
        episodes = pd.read_csv(io.BytesIO(whole), comment="#")
        steps = episodes["steps"] if "steps" in episodes else episodes["l"].cumsum()
        columns = [column.to_numpy(np.float64) for column in (steps, episodes["r"])]
        if not np.isfinite(columns).all():
            raise ValueError("it has numbers that are not finite")
    except (KeyError, TypeError, OverflowError, ValueError) as error:
        raise ValueError(f"{path} tells of no games: {error}.") from error
    if episodes.empty:
        raise NoEpisodes(f"{path} has no finished episode.")
    return columns[0], columns[1]


def read_curve(folder: Path, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps and the running mean score of a run; see :func:`read_games`."""
    steps, scores = read_games(folder)
    return steps, pd.Series(scores).rolling(window, min_periods=1).mean().to_numpy()


def draw_group(axes: Axes, name: str, folders: Sequence[Path], window: int) -> None:
    """Draws the mean of some runs, and their range."""
    curves = [read_curve(folder, window) for folder in folders]
    steps = np.linspace(0, min(steps[-1] for steps, _ in curves), POINTS)
    scores = np.stack([np.interp(steps, *curve) for curve in curves])
    many = f"mean of {len(curves)} seeds" if len(curves) > 1 else "one seed"
    label = f"{name}, {many}".removeprefix(", ")
    (line,) = axes.plot(steps, scores.mean(0), label=label)
    axes.fill_between(
        steps, scores.min(0), scores.max(0), alpha=0.2, color=line.get_color(), linewidth=0
    )


def draw_curves(
    groups: Sequence[tuple[str, Sequence[str | Path]]],
    output: str | Path,
    *,
    random: float | None = None,
    window: int = 50,
    title: str = "",
) -> None:
    """Writes a picture of learning curves.

    Args:
        groups: A name, and the log folders of its runs, one each.
        output: The picture.
        random: Score of the random policy, a dashed line.
        window: Episodes averaged.
        title: Above the picture.

    Raises:
        FileNotFoundError: No monitor file below a folder.
        ValueError: Several runs there, or no episode ended.
    """
    figure = matplotlib.figure.Figure(figsize=(6, 3.6), dpi=120)
    axes = figure.subplots()
    for name, runs in groups:
        draw_group(axes, name, [Path(run) for run in runs], window)
    if random is not None:
        axes.axhline(random, color="grey", linestyle="--", label="random policy")
    shaded = ", shaded: range of the seeds" if any(len(runs) > 1 for _, runs in groups) else ""
    axes.set(xlabel="agent steps", ylabel=f"score{shaded}", title=title)
    axes.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    figure.savefig(output)
