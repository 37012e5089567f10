"""Draws the learning curve of several runs: mean score over training steps, range of the seeds.

    python zoo/plot_curves.py logs/seed0 logs/seed1 logs/seed2 --random 210 -o curve.png
    python zoo/plot_curves.py --group cnn logs/cnn0 logs/cnn1 --group fls logs/fls0 logs/fls1

Scores are those of the training's own games (``0.monitor.csv``), whole and not clipped.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

POINTS = 100


def read_curve(folder: Path, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps and the running mean score of a run.

    Raises:
        FileNotFoundError: No monitor file below the folder.
        ValueError: Several runs there, or no episode ended.
    """
    files = sorted(folder.rglob("0.monitor.csv"))
    if not files:
        raise FileNotFoundError(f"No 0.monitor.csv below {folder}; give the -f of a training.")
    if len(files) > 1:
        raise ValueError(f"{folder} holds several runs: {', '.join(map(str, files))}; give one.")
    episodes = pd.read_csv(files[0], comment="#")
    if episodes.empty:
        raise ValueError(f"{files[0]} has no finished episode.")
    means = episodes["r"].rolling(window, min_periods=1).mean()
    return episodes["l"].cumsum().to_numpy(), means.to_numpy()


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


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("runs", nargs="*", type=Path, help="log folders of one run each")
    add("--group", nargs="+", action="append", default=[], help="a name and its runs; repeatable")
    add("-o", "--output", type=Path, default=Path("curve.png"))
    add("--random", type=float, help="score of the random policy, a dashed line")
    add("--window", type=int, default=50, help="episodes averaged")
    add("--title", default="")
    args = parser.parse_args()
    groups = [(name, [Path(run) for run in runs]) for name, *runs in args.group]
    groups = [("", args.runs), *groups] if args.runs else groups
    if not groups or not all(runs for _, runs in groups):
        raise SystemExit("error: give runs, or --group NAME RUN ...")
    figure, axes = plt.subplots(figsize=(6, 3.6), dpi=120)
    try:
        for name, runs in groups:
            draw_group(axes, name, runs, args.window)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
    if args.random is not None:
        axes.axhline(args.random, color="grey", linestyle="--", label="random policy")
    shaded = ", shaded: range of the seeds" if any(len(runs) > 1 for _, runs in groups) else ""
    axes.set(xlabel="agent steps", ylabel=f"score{shaded}", title=args.title)
    axes.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    figure.savefig(args.output)
    print(f"Wrote {args.output}")


if __name__ == "__main__":
    main()
