"""Draws the learning curve of several runs: mean score over training steps, range of the seeds.

    python zoo/plot_curves.py logs/seed0 logs/seed1 logs/seed2 --random 210 -o curve.png

Scores are the training episodes' own (VecMonitor's ``0.monitor.csv``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

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


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="log folders of one run each")
    parser.add_argument("-o", "--output", type=Path, default=Path("curve.png"))
    parser.add_argument("--random", type=float, help="score of the random policy, a dashed line")
    parser.add_argument("--window", type=int, default=50, help="episodes averaged")
    parser.add_argument("--title", default="")
    args = parser.parse_args()
    try:
        curves = [read_curve(folder, args.window) for folder in args.runs]
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
    steps = np.linspace(0, min(steps[-1] for steps, _ in curves), POINTS)
    scores = np.stack([np.interp(steps, *curve) for curve in curves])
    figure, axes = plt.subplots(figsize=(6, 3.6), dpi=120)
    axes.fill_between(steps, scores.min(0), scores.max(0), alpha=0.25, label="range of the seeds")
    axes.plot(steps, scores.mean(0), label=f"mean of {len(curves)} seeds")
    if args.random is not None:
        axes.axhline(args.random, color="grey", linestyle="--", label="random policy")
        axes.axhline(3 * args.random, color="grey", linestyle=":", label="three times random")
    axes.set(xlabel="agent steps", ylabel="score", title=args.title)
    axes.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    figure.savefig(args.output)
    print(f"Wrote {args.output}")


if __name__ == "__main__":
    main()
