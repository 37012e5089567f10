"""A whole training: frames, recipe, loop, weights.

:func:`pretrain`: a model's name and a game → weights where ``gym.make`` finds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger
from lightning_fabric.utilities.exceptions import MisconfigurationException

from objwrappers.datasets.frames import read_frames
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule, check_replaceable
from objwrappers.perception.loading import (
    MODELS,
    load_model,
    model_class,
    model_of,
    weights_name,
)
from objwrappers.perception.registry import model_entry
from objwrappers.perception.storage import DEFAULT_FAMILY
from objwrappers.pretraining.collect import collect, frames_folder
from objwrappers.pretraining.loop import Training
from objwrappers.pretraining.recipes import Ingredients, recipe_of
from objwrappers.pretraining.settings import read_settings
from objwrappers.rendering.bars import check_noise

__all__ = ["pretrain"]


def pretrain(
    model: str,
    game: str,
    *,
    teacher: str | None = None,
    noise: str = "none",
    n_timesteps: int | None = None,
    hyperparams: Mapping[str, Any] | None = None,
    frames_folder: str | Path | None = None,
    output: str | Path | None = None,
    log_folder: str | Path = "logs",
    seed: int = 0,
    device: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    precision: str = "32-true",
    family: str = DEFAULT_FAMILY,
    progress: bool = False,
    command: str | None = None,
) -> Path:
    """Trains a perception model on a game and writes its weights.

    Frames are recorded first where there are none. An interrupted training goes on when it is
    started again with the same arguments.

    Args:
        model: ``"motion"``, ``"permakey"``, ``"transporter"``, or ``"student"`` with a teacher.
        game: As ids spell it, ``"MsPacman"``.
        teacher: Of a student: a model's name, or a folder of weights.
        noise: Bars on what the model looks at: ``"vertical"``, ``"horizontal"``, ``"both"``.
        n_timesteps: Optimiser steps; by default those of the hyperparameters.
        hyperparams: Changes to those of ``hyperparams/perception/<model>.yml``.
        frames_folder: A recording; by default the game's in the user's cache, made if absent.
        output: Weights folder; by default in the user's cache, where ``gym.make`` looks.
        log_folder: Of the checkpoint and of TensorBoard's logs.
        seed: Of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        devices: Processes on each node, as in Fabric.
        num_nodes: Machines, as in Fabric.
        precision: ``"bf16-mixed"`` and so on, as in Fabric.
        family: Of the model, where several have one of its name.
        progress: Show bars.
        command: How the training was called, for the record; by default this call.

    Returns:
        The folder of the weights.

    Raises:
        ValueError: No such model, game, noise, hyperparameter or device; frames or a checkpoint
            of something else; a training that diverged.
        FileNotFoundError: The teacher has no weights.
        FileExistsError: ``output`` holds something else than weights.
    """
    game = check_game(game)
    model_class(model, family)
    changes = dict(hyperparams or {})
    if n_timesteps is not None:
        changes["n_timesteps"] = n_timesteps
    settings = read_settings(model, game, changes, family)
    seen = _bars_seen(check_noise(noise), frames_folder)
    output = Path(output or cache_folder("weights", weights_name(model, game, seen, family)))
    run = Path(log_folder) / "perception" / f"{output.name}-{seed}"
    check_replaceable(output)
    fabric = _make_fabric(device, devices, num_nodes, precision, run)
    fabric.launch()
    seed_everything(seed, verbose=False)
    arguments = settings.pop("model")
    taught_by = _load_teacher(model_entry(model, family).taught, model, teacher, game)
    if taught_by is not None:
        arguments["num_keypoints"] = taught_by.observation_space["keypoints"].shape[0]  # type: ignore[index]
        arguments["teacher"] = taught_by.name
        taught_by = taught_by.to(fabric.device)
    module = _make_module(model, arguments, family)
    recording = _record(fabric, game, frames_folder, settings["n_frames"], run, progress)
    facts = {"model": model, "game": game, "noise": noise, "seed": seed}
    facts["family"] = family
    facts["frames"] = recording.digest
    if taught_by is not None:
        facts["teacher"] = _digest({**taught_by.arguments, **taught_by.record})
    facts |= {**settings, "arguments": arguments}
    form = module.frame_format
    assert form.height is not None and form.width is not None
    frames = read_frames(recording.folder, (form.height, form.width), grayscale=form.grayscale)
    given = Ingredients.of(
        frames,
        settings,
        noise=noise,
        seed=seed,
        rank=fabric.global_rank,
        teacher=taught_by,
        recordings=(recording,),
    )
    batches = recipe_of(model, family)(module, given)
    training = Training(fabric, module, settings, facts, run)
    if not training.finished:
        training.fit(*batches, progress=progress and fabric.is_global_zero)
    if not training.best_state:
        raise ValueError(
            f"The training diverged: the validation loss was never a number. Remove {run} and "
            f"lower learning_rate ({settings['learning_rate']})."
        )
    if fabric.is_global_zero:
        module.load_state_dict(training.best_state)
        module.record = {
            "trained_on": {"task": game, "noise": seen, "channels": module.channels},
            "training": {
                "command": command or f"objwrappers.pretrain({model!r}, {game!r}, ...)",
                "frames": int(np.prod(frames.starts.shape)),
                "steps": training.step,
                "batch_size": settings["batch_size"],
                "seed": seed,
                "validation": {key: round(value, 5) for key, value in training.losses.items()},
            },
        }
        module.save_pretrained(output)
    fabric.barrier()
    return output


def _bars_seen(noise: str, folder: str | Path | None) -> str:
    """Returns the bars that the model will see: those drawn while training, or recorded ones."""
    there = folder is not None and (Path(folder) / INDEX_NAME).exists()
    recorded = str(Recording(folder).facts.get("noise", "none")) if folder and there else "none"
    if "none" not in (noise, recorded):
        raise ValueError(
            f"{folder} has bars on its frames ({recorded}) already: train on it with noise='none', "
            f"or draw noise={noise!r} on clean frames."
        )
    return noise if recorded == "none" else recorded


def _record(
    fabric: Fabric,
    game: str,
    folder: str | Path | None,
    count: int,
    run: Path,
    progress: bool,
) -> Recording:
    """Returns the recording, made first where none was given."""
    if fabric.is_global_zero:
        run.mkdir(parents=True, exist_ok=True)
        if folder is None:
            collect(game, None, count, seed=1, progress=progress)
    fabric.barrier()
    recording = Recording(frames_folder(game) if folder is None else folder)
    if recording.task != game:
        raise ValueError(f"{recording.folder} holds frames of {recording.task}, not of {game}.")
    return recording


def _load_teacher(
    taught: bool, model: str, teacher: str | None, game: str
) -> PerceptionModule | None:
    if (teacher is not None) != taught:
        raise ValueError(
            f"A student and a teacher go together, got model {model!r} and teacher {teacher!r}."
        )
    if teacher is None:
        return None
    if teacher in MODELS:
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


def _make_module(model: str, arguments: dict[str, Any], family: str) -> PerceptionModule:
    try:
        return model_class(model, family)(**arguments)
    except TypeError as error:
        raise ValueError(f"{model} cannot have {arguments}: {error}") from error
