"""Measures env-steps per second: raw frames, stacked pixels, keypoints, and scenes.

    python zoo/benchmark.py --game MsPacman --num-envs 16 --json benchmark.json
    python zoo/benchmark.py --game Pong --num-envs 16 --scene motion space_time
    python zoo/benchmark.py --game Pong --scene motion --player
    python zoo/benchmark.py --perception --num-threads 1
    python zoo/benchmark.py --scale 1 16 256 --model light motion --runtime torch onnx --peers
    python zoo/benchmark.py --ppo --num-envs 16 --model light motion
    python zoo/benchmark.py --recall --num-threads 1 --model light motion permakey

Each row plays the same game with random actions. The reference, ratio 1, is ALE's native vector
env with native RGB frames. Rows take turns, so that a busy machine slows all of them; the
figure of a row is the median of its turns. "single envs" is what perception at the vector env
saves: the same keypoints, by 16 single envs one after the other. ``--scene`` adds a row of
ObjScene, tracked, for each model, whose weights are found as gym.make finds them, or for each
folder of weights; ``--player`` adds those that know who the player is.

``--perception`` times the models alone, on batches of as many frames as there would be envs; the
reference is PermaKey as published. ``--scale`` plays with more and more envs, with a row for each
model and runtime, and tells by how much memory grew; ``--peers`` adds SB3's own wrappers and
processes, ``--oc-atari`` OC_Atari, which needs an environment of its own. ``--ppo`` learns, too:
the reference is PPO on pixels by SB3's own means. ``--recall`` scores models, or folders of their
weights, by the console's memory and times their networks in each ``--runtime``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from objwrappers.command_line import output_path, run_program, write_json
from objwrappers.scoring.speed import env_speed, model_speed


def show_envs(figures: dict[str, Any], machine: str) -> None:
    """Prints the table of envs."""
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


def show_models(figures: dict[str, Any], machine: str) -> None:
    """Prints the table of models alone."""
    print(f"batches of {figures['batch']} frames on {figures['device']}, {machine}\n")
    print(f"{'':28}{'ms a frame':>12}{'times as fast':>15}")
    for row in figures["rows"]:
        print(f"{row['name']:28}{row['ms_per_frame']:>12.2f}{row['ratio_to_reference']:>15.1f}")


def show_ppo(figures: dict[str, Any], machine: str) -> None:
    """Prints the table of PPO."""
    print(f"PPO in {figures['game']} on {figures['device']}, {machine}\n")
    print(f"{'':44}{'envs':>6}{'env-steps/s':>14}{'times as fast':>15}")
    for row in figures["rows"]:
        print(
            f"{row['name']:44}{row['num_envs']:>6}{row['env_steps_per_second']:>14,.0f}"
            f"{row['ratio_to_reference']:>15.2f}"
        )


def show_recall(figures: dict[str, Any], machine: str) -> None:
    """Prints the table of recall over time."""
    print(f"{figures['game']}, {figures['batch']} frames at once on {figures['device']}, {machine}")
    print(f"\n{'':28}{'runtime':>8}{'µs a frame':>12}{'recall':>9}", end="")
    print(f"{'precision':>11}{'centre px':>11}")
    for row in figures["rows"]:
        print(
            f"{row['name']:28}{row['runtime']:>8}{row['microseconds']:>12,.0f}"
            f"{row['recall']:>9.3f}{row['precision']:>11.3f}{row['centre_error']:>11.2f}"
        )


def show_scaling(figures: dict[str, Any], machine: str) -> None:
    """Prints the table of numbers of envs."""
    print(f"{figures['game']} on {figures['device']}, {machine}\n")
    print(f"{'':44}{'envs':>6}{'env-steps/s':>14}{'of raw ALE':>12}{'MB':>8}")
    for row in figures["rows"]:
        ratio = "" if row["ratio_to_raw"] is None else f"{row['ratio_to_raw']:.2f}"
        memory = "" if row["memory_mb"] is None else f"{row['memory_mb']:,.0f}"
        print(
            f"{row['name']:44}{row['num_envs']:>6}{row['env_steps_per_second']:>14,.0f}"
            f"{ratio:>12}{memory:>8}"
        )


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--perception", action="store_true", help="time the models alone")
    add("--game", default="MsPacman")
    add("--recall", action="store_true", help="what models find over the time of a frame")
    add("--num-envs", type=int, default=16, help="envs of the vector rows; frames at once")
    add(
        "--model", nargs="+", default=["motion"], help="of ObjKeypoints; with --recall folders, too"
    )
    add("--scale", nargs="+", type=int, metavar="N", help="numbers of envs, instead of --num-envs")
    add("--runtime", nargs="+", help="with --scale (auto) or --recall: auto, torch, onnx")
    add("--peers", action="store_true", help="with --scale: SB3's wrappers and processes, too")
    add("--oc-atari", type=Path, metavar="PYTHON", help="with --scale: that has OC_Atari")
    add("--ppo", action="store_true", help="learn, too")
    add("--scene", nargs="+", default=[], help="of ObjScene: motion, space_time, or folders")
    add("--player", action="store_true", help="rows with relations and the map, too")
    add("--device", default="auto", help="of perception")
    add("--num-threads", type=int, default=-1, help="of torch (default: torch's own)")
    add("--seconds", type=float, default=2.0, help="length of a turn")
    add("--repeats", type=int, default=5, help="turns of each row")
    add("--seed", type=int, default=0)
    add("--json", type=output_path, metavar="FILE", help="write the figures here too")
    add("--picture", type=output_path, metavar="PNG", help="with --recall: draw it")
    args = parser.parse_args()
    if args.num_threads > 0:
        torch.set_num_threads(args.num_threads)
    turns = {"device": args.device, "seconds": args.seconds, "repeats": args.repeats}
    if args.perception:
        figures, show = run_program(model_speed, args.num_envs, **turns), show_models
    elif args.recall:
        from objwrappers.scoring.trade_off import recall_over_time

        drawn = {"runtimes": args.runtime or ["torch", "onnx"], "picture": args.picture}
        figures = run_program(
            recall_over_time, args.game, args.model, batch=args.num_envs, **drawn, **turns
        )
        show = show_recall
    elif args.scale:
        from objwrappers.scoring.speed_scale import env_scaling

        rows = {"models": args.model, "runtimes": args.runtime or ["auto"], "peers": args.peers}
        rows |= {"oc_atari": args.oc_atari, "seed": args.seed}
        figures = run_program(env_scaling, args.game, args.scale, **rows, **turns)
        show = show_scaling
    elif args.ppo:
        from objwrappers.scoring.speed_ppo import ppo_speed

        options = {"models": args.model, "seed": args.seed}
        figures = run_program(ppo_speed, args.game, args.num_envs, **options, **turns)
        show = show_ppo
    else:
        if len(args.model) > 1:
            parser.error("several models go together with --scale or --ppo")
        models = {"model": args.model[0], "scenes": args.scene, "player": args.player}
        figures = run_program(
            env_speed, args.game, args.num_envs, **models, seed=args.seed, **turns
        )
        show = show_envs
    cores, threads = figures["processor_cores"], figures["torch_threads"]
    show(figures, f"{cores} cores, {threads} torch threads")
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
