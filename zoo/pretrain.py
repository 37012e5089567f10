"""Trains a perception model on recorded frames and puts its weights where gym.make finds them.

    python zoo/pretrain.py --model motion --game Pong
    python zoo/pretrain.py --teacher permakey --game Pong
    torchrun --nproc-per-node 4 zoo/pretrain.py --model transporter --game Pong --devices 4

Frames are recorded first where there are none. An interrupted training goes on with the same
command. Hyperparameters are those of hyperparams/perception/<model>.yml; -params replaces them.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from objwrappers.command_line import KeyValues, run_program
from objwrappers.games import check_game
from objwrappers.pretraining import pretrain


def main() -> None:
    """Trains, then says what was written and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", help="motion, permakey, transporter, student")
    add("--family", default="keypoints", help="of the model")
    add("--teacher", help="of a student: motion, permakey, transporter, or weights")
    add("--game", required=True, help="as ids spell it, e.g. MsPacman")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("-n", "--n-timesteps", type=int, help="optimiser steps")
    changes: dict[str, Any] = {"nargs": "+", "action": KeyValues, "metavar": "key:value"}
    add("-params", "--hyperparams", default={}, **changes)
    add("--frames-folder", type=Path, help="of zoo/collect.py; default: the cache")
    add("--output", type=Path, help="weights folder; default: the user's cache")
    add("-f", "--log-folder", type=Path, default=Path("logs"))
    add("--seed", type=int, default=0)
    add("--device", default="auto", help="auto, cpu, cuda")
    add("--devices", default="1", help="processes on each node, as in Fabric")
    add("--num-nodes", type=int, default=1)
    add("--precision", default="32-true", help="e.g. bf16-mixed, as in Fabric")
    add("--no-progress", action="store_true", help="show no bar")
    options = vars(parser.parse_args())
    if options["model"] is None:
        if options["teacher"] is None:
            parser.error("one of --model and --teacher is required")
        options["model"] = "student"
    options["progress"] = not options.pop("no_progress")
    command = shlex.join(["python", "zoo/pretrain.py", *sys.argv[1:]])
    output = run_program(pretrain, **options, command=command)
    noise = "" if options["noise"] == "none" else f" noise:{options['noise']}"
    weights = "" if options["output"] is None else f' weights:"{str(output)!r}"'
    game = check_game(options["game"])
    print(f"Wrote {output}/config.json and model.safetensors")
    print(
        f"Next: python zoo/record.py --env ObjKeypoints-{game}-v0 --env-kwargs "
        f"model:{options['model']}{noise}{weights} -o {game}.mp4"
    )


if __name__ == "__main__":
    main()
