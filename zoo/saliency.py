"""Scores where agents look, and gaze models, by where people looked in recorded play.

    python zoo/saliency.py --trials atari_head --game MsPacman --model deconv gcu motion
    python zoo/saliency.py --trials atari_head --algo ppo --env ObjFrames-MsPacman-v0
    python zoo/saliency.py --trials atari_head --algo ppo --env ObjFrames-MsPacman-v0 -f logs \
--methods attention --model deconv --film gaze.mp4

Agents are shown the recorded frames as they saw games in training; each observation's saliency is
measured by the gaze during the frames that it is made of. Without an agent, gaze models are scored
frame by frame. Beside them are maps that know little: even, the centre, the mean gaze of the frames
up to ``--trained``, what moves, and people's own gaze a moment before.

``--as-published`` measures as free-lunch saliency's authors did, mistakes included, of which
``objwrappers.score_gaze`` tells; they scored whole trials: ``--first 1``.

Frames are told by their numbers: by default models learned from the first 10,000 of each trial,
and are scored on those after them. ``--split official`` scores the trials that the dataset's
authors validated on, for models that learned from the others (``pretrain.py -params
split:official``).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    fail,
    import_packages,
    output_path,
    run_program,
    write_json,
)
from objwrappers.datasets.gaze import GAZE_SPLITS
from objwrappers.sb3.saliency import METHODS
from objwrappers.sb3.saliency.policy_outputs import TARGETS
from objwrappers.scoring.gaze import GAZE_HEADS, PUBLISHED_HEADS, score_gaze, undefined_counts
from objwrappers.scoring.gaze_moments import GAZE_OF
from objwrappers.scoring.tables import format_table


def main() -> None:
    """Prints the tables, and writes JSON, a sheet and a film if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--trials",
        type=Path,
        required=True,
        help="Atari-HEAD's folder, zip or trial, or, without agents, a recording",
    )
    add("--game", help="of the trials, where they are of several")
    add("--model", nargs="*", default=[], help="deconv, gcu, motion")
    add("--weights", nargs="+", default=[], help="folders")
    add_agent_options(parser, several=True, plays=False)
    add("--methods", nargs="+", choices=[*METHODS], default=[], metavar="METHOD", help="or all")
    add("--target", choices=TARGETS, default="action", help="whose saliency")
    add("--gaze", choices=GAZE_OF, default="stack", help="of what an agent sees, or of the newest")
    add("--as-published", action="store_true", help="the procedure of free-lunch saliency's paper")
    add("--split", choices=GAZE_SPLITS, default="frames", help="or whole trials, as the authors")
    add("--first", type=int, help="number of the first frame scored")
    add("--last", type=int, help="number of the last one (default: all)")
    add("--trained", type=int, help="number of the last frame of the mean gaze")
    add("--seed", type=int, help="of the shuffled AUC's negatives")
    add("--json", type=output_path, help="file to write the table to")
    add(
        "--picture",
        type=output_path,
        help="of the best, middling and worst frames of the first one",
    )
    add(
        "--film",
        type=output_path,
        help="models and agents side by side, on the first trial's frames",
    )
    options = vars(parser.parse_args())
    import_packages(options.pop("gym_packages"))
    path, trials, models = (options.pop(name) for name in ("json", "trials", "model"))
    options["gaze_of"] = options.pop("gaze")
    options["agents"] = _agents(options)
    table = run_program(score_gaze, trials, models, **options)
    heads = PUBLISHED_HEADS if options["as_published"] else GAZE_HEADS
    print(format_table(table, "gaze", heads))
    missing = undefined_counts(table)
    if any(missing.values()):
        print("\nframes without a figure, where these are not those without gaze")
        measures = {key: head for key, head in heads.items() if key not in ("used", "undefined")}
        print(format_table(missing, "gaze", measures))
    if path:
        write_json(path, {"options": {**options, "model": models}, "table": table})
    for written in (options["picture"], options["film"]):
        if written:
            print(f"Wrote {written}")


def _agents(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Takes the options that are of agents, and returns them for each agent."""
    names = ("env", "algo", "folder", "exp_id", "load_best", "env_kwargs", "trust")
    env_id, algo, folders, runs, best, env_kwargs, trust = (options.pop(name) for name in names)
    if env_id is None and algo is None:
        return []
    if env_id is None or algo is None:
        fail("an agent is told by both --algo and --env.")
    check_env_id(env_id)
    rest = {"load_best": best, "env_kwargs": env_kwargs, "trust": trust}
    return [
        {"algo": algo, "env_id": env_id, "folder": folder, "exp_id": run, **rest}
        for folder in folders
        for run in runs
    ]


if __name__ == "__main__":
    main()
