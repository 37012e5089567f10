"""Scores keypoints against the objects that the console's memory knows.

A uniformly random policy plays seeds that training never sees; frames are what the envs give
(maximum of the last two raw frames, frame skip 4, no sticky actions).

    python zoo/score.py --game MsPacman Pong --model motion transporter --noise none both
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.command_line import run_program, write_json
from objwrappers.envs.distractors import MOTIONS
from objwrappers.scoring.keypoints import FIRST_SEED, score
from objwrappers.scoring.tables import format_table


def main() -> None:
    """Prints the table of each game, and writes JSON and pictures if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", required=True, help="games, e.g. MsPacman Pong")
    add("--model", nargs="*", default=[], help="motion, permakey, transporter")
    add("--weights", nargs="+", default=[], help="folders; several: mean and worst too")
    add("--noise", nargs="+", default=["none"], help="bars: none, vertical, horizontal, both")
    add("--noise-motion", default="iid", choices=MOTIONS)
    add("--frames", type=int, default=1000, help="frames scored in each game")
    add("--num-keypoints", type=int, default=10, help="of the baselines alone")
    add("--seed", type=int, default=FIRST_SEED, help="of the first episode")
    add("--device", default="auto")
    add("--json", type=Path, help="file to write the table to")
    add("--picture", help="beginning of the names of the pictures to write")
    options = vars(parser.parse_args())
    path = options.pop("json")
    games, models = options.pop("game"), options.pop("model")
    table = run_program(score, games, models, **options)
    print(format_table(table))
    if options["picture"]:
        print(f"Wrote {options['picture']}-*.png")
    if path:
        write_json(path, {"options": {**options, "game": games, "model": models}, "table": table})


if __name__ == "__main__":
    main()
