"""Measures env-steps per second: raw frames, stacked pixels, keypoints, and scenes.

    python zoo/benchmark.py --game MsPacman --num-envs 16 --json benchmark.json
    python zoo/benchmark.py --game Pong --num-envs 16 --scene motion space_time
    python zoo/benchmark.py --game Pong --scene motion --player
    python zoo/benchmark.py --perception --num-threads 1

Each row plays the same game with random actions. The reference, ratio 1, is ALE's native vector
env with native RGB frames. Rows take turns, so that a busy machine slows all of them; the
figure of a row is the median of its turns. "single envs" is what perception at the vector env
saves: the same keypoints, by 16 single envs one after the other. ``--scene`` adds a row of
ObjScene, tracked, for each model, whose weights are found as gym.make finds them, or for each
folder of weights; ``--player`` adds those that know who the player is.

``--perception`` times the models alone, on batches of as many frames as there would be envs; the
reference is PermaKey as published.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from objwrappers.command_line import run_program, write_json
from objwrappers.scoring.speed import env_speed, model_speed


def show(figures: dict[str, Any]) -> None:
    """Prints the table."""
    machine = f"{figures['processor_cores']} cores, {figures['torch_threads']} torch threads"
    if "batch" in figures:
        print(f"batches of {figures['batch']} frames on {figures['device']}, {machine}\n")
        print(f"{'':28}{'ms a frame':>12}{'times as fast':>15}")
        for row in figures["rows"]:
            print(f"{row['name']:28}{row['ms_per_frame']:>12.2f}{row['ratio_to_reference']:>15.1f}")
        return
    print(f"{figures['game']}, model {figures['model']} on {figures['device']}, {machine}\n")
    width = max(28, *(len(row["name"]) + 1 for row in figures["rows"]))
    print(f"{'':{width}}{'envs':>6}{'env-steps/s':>14}{'of raw ALE':>12}")
    for row in figures["rows"]:
        print(
            f"{row['name']:{width}}{row['num_envs']:>6}{row['env_steps_per_second']:>14,.0f}"
            f"{row['ratio_to_raw']:>12.2f}"
        )
    ratio = figures["vector_over_single_envs"]
    print(f"\nKeypoints at the vector env are {ratio:.1f} times as fast as in single envs.")


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--perception", action="store_true", help="time the models alone")
    add("--game", default="MsPacman")
    add("--num-envs", type=int, default=16, help="envs of the vector rows")
    add("--model", default="motion", help="perception model of ObjKeypoints")
    add("--scene", nargs="+", default=[], help="of ObjScene: motion, space_time, or folders")
    add("--player", action="store_true", help="rows with relations and the map, too")
    add("--device", default="auto", help="of perception")
    add("--num-threads", type=int, default=-1, help="of torch (default: torch's own)")
    add("--seconds", type=float, default=2.0, help="length of a turn")
    add("--repeats", type=int, default=5, help="turns of each row")
    add("--seed", type=int, default=0)
    add("--json", type=Path, metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    if args.num_threads > 0:
        torch.set_num_threads(args.num_threads)
    turns = {"device": args.device, "seconds": args.seconds, "repeats": args.repeats}
    if args.perception:
        figures = run_program(model_speed, args.num_envs, **turns)
    else:
        models = {"model": args.model, "scenes": args.scene, "player": args.player}
        figures = run_program(
            env_speed, args.game, args.num_envs, **models, seed=args.seed, **turns
        )
    show(figures)
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
