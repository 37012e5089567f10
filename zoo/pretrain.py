"""Trains a perception model on recorded frames and puts its weights where gym.make finds them.

    python zoo/pretrain.py --model light --game Pong
    python zoo/pretrain.py --teacher permakey --game Pong
    python zoo/pretrain.py --model space_time --game Pong MsPacman
    python zoo/pretrain.py --model light --game all --each --jobs 2
    python zoo/pretrain.py --model space --images my_images --entry 3DRooms
    python zoo/pretrain.py --model deconv --game MsPacman --trials atari_head
    torchrun --nproc-per-node 4 zoo/pretrain.py --model transporter --game Pong --devices 4

Frames are recorded first where there are none. An interrupted training goes on with the same
command. Hyperparameters are those of hyperparams/perception/<model>.yml; -params replaces them.
Several games, or the name of a set of them (published, moc, atari57, all), give one set of weights;
with --each every game has its own, and those whose weights are there are passed over.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

from objwrappers.command_line import KeyValues, output_folder, run_program
from objwrappers.games import GAMES
from objwrappers.metrics.ram import RAM_GAMES
from objwrappers.perception.loading import family_and_model_of
from objwrappers.perception.registry import family_of_model
from objwrappers.perception.storage import read_config
from objwrappers.pretraining import pretrain, pretrain_each
from objwrappers.registration import FAMILIES


def main() -> None:
    """Trains, then says what was written and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", help="light, motion, permakey, transporter; space, space_time; deconv, gcu")
    add("--family", help="keypoints, scenes or gaze, where several have such a model")
    add("--teacher", help="of a student: motion, permakey, transporter, or weights")
    add("--game", nargs="+", help="as ids spell it, e.g. MsPacman; a recorded task; several")
    add("--each", action="store_true", help="one training for each of the games")
    add("--jobs", type=int, default=1, help="with --each: games trained at once")
    add("--images", type=Path, help="a folder of images to learn from, instead of a game")
    add("--trials", type=Path, help="human play to learn from: Atari-HEAD's folder, zip or trial")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("-n", "--n-timesteps", type=int, help="optimiser steps")
    changes: dict[str, Any] = {"nargs": "+", "action": KeyValues, "metavar": "key:value"}
    add("-params", "--hyperparams", default={}, **changes)
    add("--entry", help="of the hyperparameters' file (default: the game's; of several: joint)")
    add("--frames-folder", type=Path, help="of zoo/collect.py; default: the cache")
    add("--output", type=Path, help="weights folder; default: the user's cache")
    add("-f", "--log-folder", type=output_folder, default="logs")
    add("--seed", type=int, default=0)
    add("--device", default="auto", help="auto, cpu, cuda")
    add("--devices", default="1", help="processes on each node, as in Fabric")
    add("--num-nodes", type=int, default=1)
    add("--precision", default="32-true", help="e.g. bf16-mixed, as in Fabric")
    add("--flow", action="store_true", help="log weights and gradients, layer by layer")
    add("--no-progress", action="store_true", help="show no bar")
    options = vars(parser.parse_args())
    if options["model"] is None:
        if options["teacher"] is None:
            parser.error("one of --model and --teacher is required")
        options["model"] = "student"
    options["progress"] = not options.pop("no_progress")
    jobs = options.pop("jobs")
    if options.pop("each"):
        _train_each(parser, options, jobs)
        return
    if jobs != 1:
        parser.error("--jobs goes together with --each")
    command = shlex.join(["python", "zoo/pretrain.py", *sys.argv[1:]])
    output = run_program(pretrain, **options, command=command)
    print(f"Wrote {output}/config.json and model.safetensors")
    for line in _next_commands(options, output):
        print(f"Next: {line}")


def _train_each(parser: argparse.ArgumentParser, options: dict[str, Any], jobs: int) -> None:
    """Trains game after game, then says what was written and what was wrong."""
    if not options["game"]:
        parser.error("--each needs --game: games, or a set of them, such as all")
    if options["images"] or options["trials"] or options["frames_folder"]:
        parser.error(
            "--each records games by itself: leave out --images, --trials, --frames-folder"
        )
    if options["devices"] != "1" or options["num_nodes"] != 1:
        parser.error("--each trains on one device: leave out --devices, --num-nodes; see --jobs")
    for name in ("images", "trials", "frames_folder"):
        del options[name]
    games = options.pop("game")

    written, wrong = run_program(
        pretrain_each, games=games, jobs=jobs, command_of=partial(_command_of, options), **options
    )
    for game, error in wrong.items():
        print(f"{game}: {error}", file=sys.stderr)
    for folder in {output.parent for output in written.values()}:
        print(f"Weights of {len(written)} games lie in {folder}")
    if options["output"] is None and options["noise"] == "none" and written:
        if family_of_model(options["model"]) == "keypoints":
            words = shlex.join(["--model", options["model"], "--game", *games])
            print(f"Next: python zoo/gallery.py {words}")
    if wrong:
        sys.exit(f"{len(wrong)} games have none; the same command goes on with them")


def _command_of(options: dict[str, Any], game: str) -> str:
    """Returns the command that trains a game alone, wherever its weights go."""
    words = ["python", "zoo/pretrain.py", "--model", options["model"], "--game", game]
    for name in ("family", "teacher", "n_timesteps", "entry", "noise", "seed", "precision"):
        if options[name] not in (None, "none", 0, "32-true"):
            words += [f"--{name.replace('_', '-')}", str(options[name])]
    if options["hyperparams"]:
        words += ["-params", *(f"{key}:{value!r}" for key, value in options["hyperparams"].items())]
    return shlex.join(words)


def _next_commands(options: dict[str, Any], output: Path) -> list[str]:
    """Returns what to run with the weights: a film; of scenes, a classifier; of gaze, its score."""
    family, model = family_and_model_of(output)
    trained_on = read_config(output)["trained_on"]
    game = trained_on.get("tasks", [trained_on["task"]])[0]
    if game not in GAMES:
        weights = "" if options["output"] is None else f", weights={str(output)!r}"
        call = f"objwrappers.load_model({model!r}, {game!r}{weights}, family={family!r})"
        return [f"in Python: {call}"]
    if family == "gaze":
        played = options["trials"] or options["frames_folder"]
        words = ["python", "zoo/saliency.py", "--trials", str(played), "--game", game]
        chosen = ["--model", model] if options["output"] is None else ["--weights", str(output)]
        return [shlex.join([*words, *chosen])]
    noise = "" if options["noise"] == "none" else f" noise:{options['noise']}"
    weights = "" if options["output"] is None else f' weights:"{str(output)!r}"'
    env_id = FAMILIES["ObjScene" if family == "scenes" else "ObjKeypoints"].id_of(game)
    film = (
        f"python zoo/record.py --env {env_id} --env-kwargs model:{model}{noise}{weights} "
        f"-o {game}.mp4"
    )
    if family != "scenes" or game not in RAM_GAMES:
        return [film]
    words = ["python", "zoo/classify.py", "--game", game, "--model", model]
    if options["output"] is not None:
        words += ["--weights", str(output)]
    return [shlex.join(words), film]


if __name__ == "__main__":
    main()
