"""Records frames of a game, or demonstrations of a task of dm_control, lossless.

    python zoo/collect.py --game MsPacman -n 20000
    python zoo/collect.py --game MsPacman --split all --truth --root --plot-boxes boxes
    python zoo/collect.py --game MsPacman --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/collect.py --game MsPacman --noise both --folder noisy
    python zoo/collect.py --task reacher-hard -n 800
    python zoo/collect.py --task finger-spin --algo sac --contexts mismatch-body default

Games are played by a random policy or a trained agent, tasks by their script or an agent. An
interrupted recording goes on with the same command.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from objwrappers.command_line import fail, output_folder, run_program
from objwrappers.games import check_game
from objwrappers.pretraining.collect import SPLITS, agent_play, collect, next_command
from objwrappers.pretraining.demonstrate import collect_demonstrations, trained
from objwrappers.pretraining.recorded_pictures import (
    write_motion_pictures,
    write_root_images,
    write_truth_pictures,
)
from objwrappers.registration import task_of

GAMES_ALONE = (
    *("split", "num_envs", "iid", "truth", "plot_boxes", "plot_motion", "root", "noise"),
    "env",
)
TASKS_ALONE = ("horizon", "contexts", "cameras", "image_size", "min_return")


def main() -> None:
    """Records and says what to run next."""
    parser = _parser()
    options = parser.parse_args()
    of_games, of_tasks = (
        [name for name in names if getattr(options, name) != parser.get_default(name)]
        for names in (GAMES_ALONE, TASKS_ALONE)
    )
    if foreign := of_tasks if options.task is None else of_games:
        option = foreign[0].replace("_", "-")
        fail(f"--{option} is an option of {'--task' if options.task is None else '--game'} alone.")
    if options.task is None:
        _record(options)
    else:
        _demonstrate(options)


def _record(options: argparse.Namespace) -> None:
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


def _demonstrate(options: argparse.Namespace) -> None:
    found = {"folder": options.log_folder, "exp_id": options.exp_id}
    expert = None
    if options.algo is not None:
        trusted = {"device": options.device, "trust": options.trust}
        expert = run_program(trained, options.algo, options.task, **found, **trusted)
    recording = run_program(
        collect_demonstrations,
        options.task,
        options.folder,
        *([] if options.num_frames is None else [options.num_frames]),
        expert=expert,
        horizon=options.horizon,
        contexts=options.contexts,
        cameras=[int(name) if name.isdigit() else name for name in options.cameras],
        image_size=options.image_size,
        min_return=options.min_return,
        seed=options.seed,
        progress=True,
    )
    episodes = recording.num_steps // (options.horizon + 1)
    size = recording.num_bytes / episodes / 1024
    print(
        f"{episodes} demonstrations of {recording.task} in {recording.folder}, {size:.1f} KB each"
    )
    print(f"Look at them: {recording.folder / 'preview.png'}")
    words = ["python", "zoo/pretrain.py", "--model", "context_translation"]
    words += ["--game", recording.task]
    if options.folder is not None:
        words += ["--frames-folder", str(options.folder)]
    print(f"Next: {shlex.join(words)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--game", help="as ids spell it, e.g. MsPacman")
    what.add_argument("--task", help="of dm_control, as ids spell it, e.g. reacher-hard")
    sizes = ", ".join(f"{split.num_frames} {name}" for name, split in SPLITS.items())
    add(
        "-n",
        "--num-frames",
        type=int,
        help=f"of each split (default: {sizes}); of tasks, episodes (800)",
    )
    add("--split", default="train", choices=[*SPLITS, "all"], help="parts that share no game")
    add("--folder", type=Path, help="default: in the user's cache; of all splits, one within each")
    add("--num-envs", type=int, default=8)
    add("--seed", type=int, default=1)
    add("--iid", type=float, metavar="P", help="keep each frame with this probability, by itself")
    add("--truth", action="store_true", help="record boxes and labels from the console's memory")
    add(
        "--plot-boxes", type=output_folder, metavar="FOLDER", help="frames with their truth, as PNG"
    )
    add(
        "--plot-motion",
        type=output_folder,
        metavar="FOLDER",
        help="steps of motion supervision, as PNG",
    )
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
    add = parser.add_argument_group("demonstrations of a task").add_argument
    add("--horizon", type=int, default=30, help="actions of an episode")
    add("--contexts", nargs="+", default=["light", "light"], help="names, or JSON files")
    add("--cameras", nargs="+", default=[], help="names or numbers, each for all contexts")
    add("--image-size", type=int, default=48, help="sides of the frames, pixels")
    add("--min-return", type=float, default=1.0, help="leave out episodes of less reward")
    add = parser.add_argument_group("a trained agent").add_argument
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
