"""Draws keypoints of many games and writes what they are worth, as a page with a picture.

    python zoo/gallery.py --game all --jobs 2
    python zoo/gallery.py --model motion --game Pong MsPacman -o motion.md

Each game needs weights: those in your cache come before the bundled ones. Sets of games are
atari57 and all.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from objwrappers.command_line import output_path, run_program
from objwrappers.pretraining.game_sets import games_of
from objwrappers.scoring.gallery import STILL, gallery


def main() -> None:
    """Scores, draws and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", default=["all"], help="games, or sets of them")
    add("--model", default="light", help="perception model of keypoints")
    add("-n", "--frames", type=int, default=1000, help="scored where the memory is known")
    add("-o", "--output", type=output_path, help="the page (default: <model>.md)")
    add("--jobs", type=int, default=1, help="games scored at once")
    add("--device", default="auto")
    add("--no-progress", action="store_true", help="show no bar")
    args = parser.parse_args()
    page = args.output or Path(f"{args.model}.md")
    games = run_program(games_of, args.game)
    rows = run_program(
        gallery,
        games,
        page,
        args.model,
        frames=args.frames,
        device=args.device,
        jobs=args.jobs,
        command=shlex.join(["python", "zoo/gallery.py", *sys.argv[1:]]),
        progress=not args.no_progress,
    )
    found = [row["found"] for row in rows.values() if row["things"] >= STILL]
    mean = sum(found) / max(1, len(found))
    print(f"{len(found)} games in which anything moves: {mean:.2f} of it is found")
    print(f"Wrote {page} and {page.with_suffix('.png')}")


if __name__ == "__main__":
    main()
