"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

    python zoo/collect.py --game MsPacman -n 20000
    python zoo/collect.py --game MsPacman --split all --truth --root --plot-boxes boxes
    python zoo/collect.py --game MsPacman --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/collect.py --game MsPacman --noise both --folder noisy

An interrupted recording goes on with the same command.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from objwrappers.command_line import fail, run_program
from objwrappers.games import check_game
from objwrappers.pretraining.collect import SPLITS, agent_play, collect, next_command
from objwrappers.pretraining.recorded_pictures import (
    write_motion_pictures,
    write_root_images,
    write_truth_pictures,
)
from objwrappers.registration import task_of


def main() -> None:
    """Records and says what to run next."""
    options = _parser().parse_args()
    agent = _agent(options)
    splits = [*SPLITS] if options.split == "all" else [options.split]
    first = None
    for split in splits:
        folder = options.folder
        if folder is not None and options.split == "all":
            folder = folder / split
        recording = run_program(
            collect,
            options.game,
            folder,
            options.num_frames,
            seed=options.seed,
            num_envs=options.num_envs,
            noise=options.noise,
            agent=agent,
            split=split,
            truth=options.truth or options.plot_boxes is not None,
            iid=options.iid,
            progress=True,
        )
        count, size = recording.num_frames, recording.num_bytes / recording.num_frames / 1024
        print(f"{count} frames of {recording.task} in {recording.folder}, {size:.2f} KB each")
        _write_pictures(options, recording, split)
        first = first or recording
    print(f"Next: {run_program(next_command, first)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", required=True, help="as ids spell it, e.g. MsPacman")
    sizes = ", ".join(f"{split.num_frames} {name}" for name, split in SPLITS.items())
    add("-n", "--num-frames", type=int, help=f"of each split (default: {sizes})")
    add("--split", default="train", choices=[*SPLITS, "all"], help="parts that share no game")
    add("--folder", type=Path, help="default: in the user's cache; of all splits, one within each")
    add("--num-envs", type=int, default=8)
    add("--seed", type=int, default=1)
    add("--iid", type=float, metavar="P", help="keep each frame with this probability, by itself")
    add("--truth", action="store_true", help="record boxes and labels from the console's memory")
    add("--plot-boxes", type=Path, metavar="FOLDER", help="frames with their truth, as PNG")
    add("--plot-motion", type=Path, metavar="FOLDER", help="steps of motion supervision, as PNG")
    add("--root", action="store_true", help="write background/mode.png and median.png")
    add(
        "--noise",
        default="none",
        help="bars on the recorded frames: vertical, horizontal, both; "
        "pretrain.py --noise draws its own on clean ones",
    )
    add("--algo", help="of a trained agent; default: a random policy")
    add("--env", help="id of the trained agent, e.g. ObjKeypoints-MsPacman-v0")
    add("-f", "--log-folder", default="logs", help="of the agent's training")
    add("--exp-id", type=int, default=0, help="run of the agent (default: the latest)")
    add("--device", default="auto", help="of the agent")
    add("--trust", action="store_true", help="read agents that RL Zoo wrote: pickles, run as code")
    return parser


def _agent(options: argparse.Namespace) -> Any:
    if (options.algo is None) != (options.env is None):
        fail("--algo and --env go together: both are of the trained agent.")
    if options.algo is None:
        return None
    if task_of(options.env) != run_program(check_game, options.game):
        fail(f"--env {options.env} is not an id of {options.game}.")
    return run_program(
        agent_play,
        options.algo,
        options.env,
        folder=options.log_folder,
        exp_id=options.exp_id,
        device=options.device,
        trust=options.trust,
    )


def _write_pictures(options: argparse.Namespace, recording: Any, split: str) -> None:
    written = []
    if options.root:
        written += run_program(write_root_images, recording)
    for folder, write in (
        (options.plot_boxes, write_truth_pictures),
        (options.plot_motion, write_motion_pictures),
    ):
        if folder is not None:
            where = folder / split if options.split == "all" else folder
            written += run_program(write, recording, where)
    for path in written:
        print(f"Wrote {path}")


if __name__ == "__main__":
    main()
