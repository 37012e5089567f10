"""Trains a perception model on recorded frames and puts its weights where gym.make finds them.

    python zoo/pretrain.py --model motion --game Pong
    python zoo/pretrain.py --teacher permakey --game Pong
    torchrun --nproc-per-node 4 zoo/pretrain.py --model transporter --game Pong --devices 4

Frames are recorded first where there are none. An interrupted training goes on with the same
command. Hyperparameters are those of hyperparams/perception/<model>.yml; -params replaces them.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from collect import collect, frames_folder
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch.utils.data import Dataset
from training import Training

from objwrappers.datasets.frames import FramePairs, Frames, SingleFrames, read_facts, read_frames
from objwrappers.datasets.motion import MotionFrames, background, travel_mask, usual_colours
from objwrappers.datasets.noise import NoisyBatches
from objwrappers.datasets.teaching import TaughtFrames
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule, check_replaceable
from objwrappers.perception.loading import (
    MODELS,
    load_model,
    model_class,
    model_of,
    model_presets,
    weights_name,
)
from objwrappers.perception.permakey import PermaKey
from objwrappers.perception.scenery import Scenery
from objwrappers.rendering.bars import check_noise

HYPERPARAMS = Path(__file__).parents[1] / "hyperparams" / "perception"
VALIDATION_SHARE = 0.1
COUNTS = ("n_frames", "n_timesteps", "batch_size", "eval_freq", "checkpoint_every", "patience")


def read_hyperparams(model: str, game: str, changes: list[str]) -> dict[str, Any]:
    """Returns the YAML's defaults, updated by the game's entry and by ``key:value`` changes.

    The model's arguments, under ``"model"``, are those of the preset where the YAML and the
    changes say nothing else.

    Raises:
        ValueError: A change of a key that does not exist, or one that is not ``key:value``.
    """
    table = yaml.safe_load((HYPERPARAMS / f"{model}.yml").read_text())
    chosen = {**table["default"], **table.get(game, {})}
    arguments = {**table["default"]["model"], **chosen.pop("model")}
    known = [name for name in inspect.signature(model_class(model)).parameters if name != "self"]
    for change in changes:
        key, colon, value = change.partition(":")
        if not colon:
            raise ValueError(f"-params takes key:value, got {change!r}.")
        if key not in chosen and key not in known:
            keys = ", ".join([*chosen, *known])
            raise ValueError(f"-params {key}: no such hyperparameter; there are {keys}.")
        where = chosen if key in chosen else arguments
        where[key] = _parse(value)
        if key in chosen and isinstance(table["default"][key], str) != isinstance(where[key], str):
            kind = "a word" if isinstance(table["default"][key], str) else "a number"
            raise ValueError(f"-params {key} takes {kind}, got {value!r}.")
    for key in COUNTS:
        if not isinstance(chosen[key], int) or chosen[key] < 1:
            raise ValueError(f"-params {key} must be an integer of at least 1, got {chosen[key]}.")
    if not 0 < chosen.get("usual_share", 1.0) <= 1:
        raise ValueError(
            "-params usual_share is a share of the frames, above 0 and at most 1, got "
            f"{chosen['usual_share']}."
        )
    if "preset" in chosen:
        presets = model_presets(model)
        if chosen["preset"] not in presets:
            raise ValueError(
                f"Unknown preset {chosen['preset']!r}; there are {', '.join(presets)}."
            )
        arguments = {**presets[chosen["preset"]], **arguments}
    return {**chosen, "model": arguments}


def _parse(value: str) -> Any:
    """Reads a value as YAML does, and 1e-3 as the number that people mean by it."""
    parsed = yaml.safe_load(value)
    try:
        return float(parsed) if isinstance(parsed, str) else parsed
    except ValueError:
        return parsed


def make_datasets(
    module: PerceptionModule,
    frames: Frames,
    batch_size: int,
    noise: str,
    seed: int,
    rank: int,
    teacher: PerceptionModule | None = None,
    usual_share: float = 1.0,
) -> tuple[Dataset, Dataset]:
    """Returns the batches that a model trains on and those that it is validated on.

    A model that looks past the scenery is told that of the training frames. Bars are drawn on
    what a model looks at; what keypoints should cover is known without them, and so is what a
    teacher sees.
    """
    training, validation = frames.split(VALIDATION_SHARE)
    if teacher is not None:
        taught = (TaughtFrames(p, teacher, batch_size, seed, rank) for p in (training, validation))
        first, second = (NoisyBatches(each, ("frames",), noise, seed, rank) for each in taught)
        return first, second
    still = background(training)
    travels = travel_mask(training, still)
    usual = usual_colours(training, usual_share) if usual_share < 1 else None
    if isinstance(module, Scenery) and module.foreground:
        module.set_scenery(still, travels)

    def batches(part: Frames) -> Dataset:
        if module.name == "transporter":
            pairs = FramePairs(part, batch_size, seed, rank=rank)
            return NoisyBatches(pairs, ("source", "target"), noise, seed, rank)
        if isinstance(module, PermaKey) and not module.moving:
            single = SingleFrames(part, batch_size, seed, rank)
            return NoisyBatches(single, ("frames",), noise, seed, rank)
        moving = MotionFrames(part, batch_size, still, travels, seed, rank, usual)
        return NoisyBatches(moving, ("frames",), noise, seed, rank)

    return batches(training), batches(validation)


def load_teacher(options: argparse.Namespace, game: str) -> PerceptionModule | None:
    """Loads the model of ``--teacher``, None where the model learns by itself.

    Raises:
        ValueError: A student without a teacher, or a teacher of what learns by itself.
        FileNotFoundError: The teacher has no weights.
    """
    if (options.teacher is not None) != (options.model == "student"):
        raise ValueError(
            f"--model student and --teacher go together, got --model {options.model} and "
            f"--teacher {options.teacher}."
        )
    if options.teacher is None:
        return None
    if options.teacher in MODELS:
        return load_model(options.teacher, game, device="cpu")
    return load_model(model_of(options.teacher), game, weights=options.teacher, device="cpu")


def _digest(facts: dict[str, Any]) -> str:
    """A short name of a recording or a teacher, that changes with what it names."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def make_fabric(options: argparse.Namespace, run: Path) -> Fabric:
    """Returns what the training runs on.

    Raises:
        ValueError: A device or precision that this machine has not.
    """
    try:
        return Fabric(
            accelerator={"cuda": "gpu"}.get(options.device, options.device),
            devices=options.devices,
            num_nodes=options.num_nodes,
            strategy=_strategy(options),
            precision=options.precision,
            loggers=TensorBoardLogger(run, name="tensorboard", version=""),
        )
    except (RuntimeError, TypeError, MisconfigurationException) as error:
        raise ValueError(
            f"--device {options.device} --devices {options.devices} "
            f"--precision {options.precision}: {error}"
        ) from error


def _strategy(options: argparse.Namespace) -> str:
    # Some modules do not learn at every step: PermaKey's PointNet waits for the error maps.
    alone = (options.devices, options.num_nodes) == ("1", 1)
    return "auto" if alone else "ddp_find_unused_parameters_true"


def make_module(model: str, arguments: dict[str, Any]) -> PerceptionModule:
    """Returns an untrained model.

    Raises:
        ValueError: Arguments that it cannot have, a word where a number belongs among them.
    """
    try:
        return model_class(model)(**arguments)
    except TypeError as error:
        raise ValueError(f"{model} cannot have {arguments}: {error}") from error


def pretrain(options: argparse.Namespace) -> Path:
    """Trains, writes the weights and returns their folder."""
    game = check_game(options.game)
    model_class(options.model)
    changes = list(options.hyperparams)
    if options.n_timesteps is not None:
        changes.append(f"n_timesteps:{options.n_timesteps}")
    settings = read_hyperparams(options.model, game, changes)
    name = weights_name(options.model, game, check_noise(options.noise))
    output = options.output or cache_folder("weights", name)
    run = options.log_folder / "perception" / f"{output.name}-{options.seed}"
    check_replaceable(output)
    fabric = make_fabric(options, run)
    fabric.launch()
    seed_everything(options.seed, verbose=False)
    arguments = settings.pop("model")
    teacher = load_teacher(options, game)
    if teacher is not None:
        arguments["num_keypoints"] = teacher.observation_space["keypoints"].shape[0]  # type: ignore[index]
        arguments["teacher"] = teacher.name
        teacher = teacher.to(fabric.device)
    module = make_module(options.model, arguments)
    folder = options.frames_folder or frames_folder(game)
    show = not options.no_progress and fabric.is_global_zero
    if fabric.is_global_zero:
        run.mkdir(parents=True, exist_ok=True)
        if options.frames_folder is None:
            collect(game, folder, settings["n_frames"], seed=1, progress=show)
    fabric.barrier()
    facts = {"model": options.model, "game": game, "noise": options.noise, "seed": options.seed}
    recorded = read_facts(folder)
    if recorded.get("game", game) != game:
        raise ValueError(f"{folder} holds frames of {recorded['game']}, not of {game}.")
    facts["frames"] = _digest(recorded)
    if teacher is not None:
        facts["teacher"] = _digest({**teacher.arguments, **teacher.record})
    facts |= settings
    facts["arguments"] = arguments
    frames = read_frames(folder, module.size)
    count = int(np.prod(frames.starts.shape))
    batches = make_datasets(
        module,
        frames,
        settings["batch_size"],
        options.noise,
        options.seed,
        fabric.global_rank,
        teacher,
        settings.get("usual_share", 1.0),
    )
    training = Training(fabric, module, settings, facts, run)
    if not training.finished:
        training.fit(*batches, progress=show)
    if not training.best_state:
        raise ValueError(
            f"The training diverged: the validation loss was never a number. Remove {run} and "
            f"lower learning_rate ({settings['learning_rate']})."
        )
    if fabric.is_global_zero:
        module.load_state_dict(training.best_state)
        module.record = {
            "game": game,
            "noise": options.noise,
            "training": {
                "command": shlex.join(["python", "zoo/pretrain.py", *sys.argv[1:]]),
                "frames": count,
                "steps": training.step,
                "batch_size": settings["batch_size"],
                "seed": options.seed,
                "validation": {key: round(value, 5) for key, value in training.losses.items()},
            },
        }
        module.save_pretrained(output)
    fabric.barrier()
    return output


def main() -> None:
    """Trains, then says what was written and what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="motion, permakey, transporter, student")
    parser.add_argument("--teacher", help="of a student: motion, permakey, transporter, or weights")
    parser.add_argument("--game", required=True, help="as ids spell it, e.g. MsPacman")
    parser.add_argument("--noise", default="none", help="bars: vertical, horizontal, both")
    parser.add_argument("-n", "--n-timesteps", type=int, help="optimiser steps")
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="key:value")
    parser.add_argument("--frames-folder", type=Path, help="of zoo/collect.py; default: the cache")
    parser.add_argument("--output", type=Path, help="weights folder; default: the user's cache")
    parser.add_argument("-f", "--log-folder", type=Path, default=Path("logs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--devices", default="1", help="processes on each node, as in Fabric")
    parser.add_argument("--num-nodes", type=int, default=1)
    parser.add_argument("--precision", default="32-true", help="e.g. bf16-mixed, as in Fabric")
    parser.add_argument("--no-progress", action="store_true", help="show no bar")
    options = parser.parse_args()
    if options.model is None:
        if options.teacher is None:
            parser.error("one of --model and --teacher is required")
        options.model = "student"
    try:
        output = pretrain(options)
    except (ValueError, OSError) as error:
        raise SystemExit(f"pretrain: {error}") from error
    game = check_game(options.game)
    noise = "" if options.noise == "none" else f" noise:{options.noise}"
    print(f"Wrote {output}/config.json and model.safetensors")
    weights = "" if options.output is None else f' weights:"{str(output)!r}"'
    print(
        f"Next: python zoo/record.py --env ObjKeypoints-{game}-v0 --env-kwargs "
        f"model:{options.model}{noise}{weights} -o {game}.mp4"
    )


if __name__ == "__main__":
    main()
