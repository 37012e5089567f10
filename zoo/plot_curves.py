"""Draws the learning curve of several runs: mean score over training steps, range of the seeds.

    python zoo/plot_curves.py logs/seed0 logs/seed1 logs/seed2 --random 210 -o curve.png
    python zoo/plot_curves.py --group cnn logs/cnn0 logs/cnn1 --group fls logs/fls0 logs/fls1

Scores are those of the training's own games (``0.monitor.csv``), whole and not clipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.agents.curves import draw_curves
from objwrappers.command_line import fail, output_path, run_program


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("runs", nargs="*", type=Path, help="log folders of one run each")
    add("--group", nargs="+", action="append", default=[], help="a name and its runs; repeatable")
    add("-o", "--output", type=output_path, default="curve.png")
    add("--random", type=float, help="score of the random policy, a dashed line")
    add("--window", type=int, default=50, help="episodes averaged")
    add("--title", default="")
    options = vars(parser.parse_args())
    output, runs = options.pop("output"), options.pop("runs")
    groups = [(name, runs) for name, *runs in options.pop("group")]
    groups = [("", runs), *groups] if runs else groups
    if not groups or not all(runs for _, runs in groups):
        fail("give runs, or --group NAME RUN ...")
    run_program(draw_curves, groups, output, **options)
    print(f"Wrote {output}")


if __name__ == "__main__":
    main()
