"""A whole training: frames, recipe, loop, weights.

:func:`pretrain`: a model's name and a game → weights where ``gym.make`` finds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from objwrappers.datasets.frames import Frames
from objwrappers.files import cache_folder, check_writable
from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.base import (
    FrameFormat,
    PerceptionModule,
    check_replaceable,
    frame_format_of,
)
from objwrappers.perception.loading import (
    MODELS,
    load_model,
    model_class,
    model_of,
    weights_name,
)
from objwrappers.perception.registry import family_of_model, model_entry
from objwrappers.perception.trainable import Trainable
from objwrappers.pretraining.evaluation import evaluator_of
from objwrappers.pretraining.loop import Training
from objwrappers.pretraining.recipes import Ingredients, recipe_of
from objwrappers.pretraining.settings import read_settings
from objwrappers.pretraining.sources import ImageSource, Source, find_source
from objwrappers.rendering.bars import check_noise

__all__ = ["pretrain"]


def pretrain(
    model: str,
    game: str | Sequence[str] | None = None,
    *,
    images: str | Path | None = None,
    trials: str | Path | None = None,
    teacher: str | None = None,
    noise: str = "none",
    n_timesteps: int | None = None,
    hyperparams: Mapping[str, Any] | None = None,
    entry: str | None = None,
    frames_folder: str | Path | None = None,
    output: str | Path | None = None,
    log_folder: str | Path = "logs",
    seed: int = 0,
    device: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    precision: str = "32-true",
    family: str | None = None,
    flow: bool = False,
    cache: bool = True,
    progress: bool = False,
    command: str | None = None,
) -> Path:
    """Trains a perception model on a game, or on several, and writes its weights.

    Frames are recorded first where there are none. An interrupted training goes on when it is
    started again with the same arguments.

    Args:
        model: ``"motion"``, ``"permakey"``, ``"transporter"``, ``"space_time"`` and so on,
            ``"student"`` with a teacher, or ``"deconv"`` and ``"gcu"`` with trials.
        game: As ids spell it, ``"MsPacman"``; several, ``["Pong", "MsPacman"]``, or the name of a
            set, ``"published"``, for one set of weights; or another task that was recorded.
        images: A folder of images to learn from, instead of a game.
        trials: Recorded human play to learn from: Atari-HEAD's folder, a zip, or one trial's files.
        teacher: Of a student: a model's name, or a folder of weights.
        noise: Bars on what the model looks at: ``"vertical"``, ``"horizontal"``, ``"both"``.
        n_timesteps: Optimiser steps; by default those of the hyperparameters.
        hyperparams: Changes to those of ``hyperparams/perception/<model>.yml``.
        entry: Of that file; by default the game's, of several games ``joint``.
        frames_folder: A recording; of several games, a folder with one for each. By default those
            in the user's cache, made if absent.
        output: Weights folder; by default in the user's cache, where ``gym.make`` looks.
        log_folder: Of the checkpoint and of TensorBoard's logs.
        seed: Of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        devices: Processes on each node, as in Fabric.
        num_nodes: Machines, as in Fabric.
        precision: ``"bf16-mixed"`` and so on, as in Fabric.
        family: Of the model; by default keypoints, or the one family that has such a model.
        flow: Log weights and gradients to TensorBoard, layer by layer.
        cache: Keep frames at the size that the model reads beside the recording, some 300 MB.
        progress: Show bars.
        command: How the training was called, for the record; by default this call.

    Returns:
        The folder of the weights.

    Raises:
        ValueError: No such model, game, noise, hyperparameter or device; frames or a checkpoint
            of something else; several games for a model that knows one, images for one that needs
            stacks; a training that diverged.
        FileNotFoundError: The teacher has no weights, or there are no frames or trials.
        FileExistsError: ``output`` holds something else than weights.
    """
    family = family or family_of_model(model)
    model_class(model, family)
    changes = dict(hyperparams or {})
    if n_timesteps is not None:
        changes["n_timesteps"] = n_timesteps
    source = find_source(game, frames_folder, images, trials)
    settings = read_settings(model, source.tasks, changes, family, entry)
    seen = _bars_seen(check_noise(noise), source)
    output = Path(output or cache_folder("weights", weights_name(model, source.name, seen, family)))
    run = Path(log_folder) / "perception" / f"{output.name}-{seed}"
    check_replaceable(output)
    check_writable(run, "folder")
    fabric = _make_fabric(device, devices, num_nodes, precision, run)
    fabric.launch()
    seed_everything(seed, verbose=False)
    arguments = settings.pop("model")
    taught_by = _load_teacher(model_entry(model, family).taught, model, teacher, source)
    if taught_by is not None:
        arguments["num_keypoints"] = taught_by.observation_space["keypoints"].shape[0]  # type: ignore[index]
        arguments["teacher"] = taught_by.name
        taught_by = taught_by.to(fabric.device)
    module = _make_module(model, arguments, family)
    _check_frames(module, source)
    source.suit(module)
    if fabric.is_global_zero:
        source.prepare(settings["n_frames"], progress)
    fabric.barrier()
    facts = {"model": model, "game": source.name, "noise": noise, "seed": seed}
    facts["family"] = family
    facts["frames"] = source.digest
    if taught_by is not None:
        facts["teacher"] = _digest({**taught_by.arguments, **taught_by.record})
    facts |= {**settings, "arguments": arguments}

    def read(form: FrameFormat | None = None) -> Frames:
        return source.read(form or frame_format_of(module), cache)

    given = Ingredients.of(
        read,
        settings,
        noise=noise,
        seed=seed,
        rank=fabric.global_rank,
        teacher=taught_by,
        device=fabric.device,
        num_keypoints=arguments.get("num_keypoints"),
        recordings=source.recordings,
    )
    batches = recipe_of(model, family)(module, given)
    evaluate = evaluator_of(family, source.tasks, seen, seed)
    training = Training(fabric, module, settings, facts, run, evaluate, flow)
    if not training.finished:
        training.fit(*batches, progress=progress and fabric.is_global_zero)
    if not training.best_state:
        raise ValueError(
            f"The training diverged: the validation loss was never a number. Remove {run} and "
            f"lower learning_rate ({settings['learning_rate']})."
        )
    if fabric.is_global_zero:
        module.load_state_dict(training.best_state)
        module.settle(partial(_draw, given))
        trained_on: dict[str, Any] = {
            "task": source.name,
            "noise": seen,
            "channels": module.channels,
        }
        if len(source.tasks) > 1:
            trained_on["tasks"] = [*source.tasks]
        module.record = {
            "trained_on": trained_on,
            "training": {
                "command": command or f"objwrappers.pretrain({model!r}, {source.name!r}, ...)",
                "frames": source.num_frames,
                "steps": training.step,
                "batch_size": settings["batch_size"],
                "seed": seed,
                "device": fabric.device.type,
                "validation": {key: round(value, 5) for key, value in training.losses.items()},
            },
        }
        module.save_pretrained(output)
    fabric.barrier()
    return output


def _check_frames(module: Trainable, source: Source) -> None:
    length = getattr(module, "stack_length", 1)
    if isinstance(source, ImageSource) and length > 1:
        raise ValueError(
            f"{module.name} learns from {length} frames in succession, which images are not: take "
            "the model space, which learns from single ones."
        )


def _draw(given: Ingredients, count: int) -> Tensor:
    """Returns up to ``count`` frames of a training, each other ones, at random."""
    frames = given.training.frames.flatten(0, 1)
    generator = torch.Generator().manual_seed(given.seed)
    return frames[torch.randperm(len(frames), generator=generator)[:count]]


def _bars_seen(noise: str, source: Source) -> str:
    """Returns the bars that the model will see: those drawn while training, or recorded ones."""
    recorded = source.noise
    if "none" not in (noise, recorded):
        raise ValueError(
            f"The frames have bars on them ({recorded}) already: train on them with noise='none', "
            f"or draw noise={noise!r} on clean frames."
        )
    return noise if recorded == "none" else recorded


def _load_teacher(
    taught: bool, model: str, teacher: str | None, source: Source
) -> PerceptionModule | None:
    if (teacher is not None) != taught:
        raise ValueError(
            f"A student and a teacher go together, got model {model!r} and teacher {teacher!r}: "
            "--model student --teacher motion."
        )
    if teacher is None:
        return None
    game = source.tasks[0]
    if len(source.tasks) > 1:
        raise ValueError(f"A teacher knows one game, got {', '.join(source.tasks)}.")
    if teacher in MODELS:
        if isinstance(source, ImageSource):
            raise ValueError(f"Images have no teacher by name, got {teacher!r}: give its weights.")
        return load_model(teacher, game, device="cpu")
    return load_model(model_of(teacher), game, weights=teacher, device="cpu")


def _digest(facts: dict[str, Any]) -> str:
    """A short name of a recording or a teacher, that changes with what it names."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _make_fabric(
    device: str, devices: int | str, num_nodes: int, precision: str, run: Path
) -> Fabric:
    # Some modules do not learn at every step: PermaKey's PointNet waits for the error maps.
    alone = (str(devices), num_nodes) == ("1", 1)
    try:
        return Fabric(
            accelerator={"cuda": "gpu"}.get(device, device),
            devices=devices,
            num_nodes=num_nodes,
            strategy="auto" if alone else "ddp_find_unused_parameters_true",
            precision=precision,  # type: ignore[arg-type]
            loggers=TensorBoardLogger(run, name="tensorboard", version=""),
        )
    except (RuntimeError, TypeError, MisconfigurationException) as error:
        raise ValueError(
            f"device {device!r}, devices {devices!r}, precision {precision!r}: {error}"
        ) from error


def _make_module(model: str, arguments: dict[str, Any], family: str) -> Trainable:
    cls = model_class(model, family)
    try:
        module = cls(**arguments)
    except TypeError as error:
        check_arguments(cls, arguments)
        raise ValueError(f"{model} cannot have {arguments}: {error}") from error
    # What is refused when weights are read is refused before they are trained.
    check_arguments(cls, arguments)
    return module
