"""Where weights are found, and how a frozen model is made of them.

* :func:`load_model`: name and game → frozen model
* :func:`find_weights`, :func:`find_trained`: by what they were trained on, the user's cache first
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch

from objwrappers.files import cache_folder, recover_folder
from objwrappers.games import GAMES, check_game
from objwrappers.names import did_you_mean
from objwrappers.perception import registry
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.registry import model_class, model_presets
from objwrappers.perception.storage import DEFAULT_FAMILY, read_config
from objwrappers.telling import warn_once

__all__ = [
    "BUNDLED",
    "MODELS",
    "check_device",
    "family_and_model_of",
    "find_trained",
    "find_weights",
    "load_model",
    "model_class",
    "model_of",
    "model_presets",
    "weights_name",
]

BUNDLED = Path(__file__).parent / "weights"
WITH_DEMONSTRATIONS = Path(__file__).parents[1] / "bundled" / "weights"
"""Bundled beside the demonstrations of a task."""

MODELS = registry.MODELS[DEFAULT_FAMILY]
"""The models that give keypoints; :data:`objwrappers.perception.registry.MODELS` has all."""

TEACHER = "motion"
"""Of students, in the cure for weights that are not there."""


def family_and_model_of(weights: str | Path) -> tuple[str, str]:
    """Returns whose weights a folder or hub repository holds.

    Raises:
        FileNotFoundError: There is no such folder or repository.
        ValueError: Its config.json is damaged, or names no model.
    """
    config = read_config(weights)
    family, model = config["family"], str(config.get("model"))
    registry.model_entry(model, family)
    return family, model


def model_of(weights: str | Path) -> str:
    """Returns the name of the model whose weights a folder or hub repository holds.

    Raises:
        FileNotFoundError: There is no such folder or repository.
        ValueError: Its config.json is damaged, or names no model.
    """
    return family_and_model_of(weights)[1]


def weights_name(model: str, game: str, noise: str = "none", family: str = DEFAULT_FAMILY) -> str:
    """Returns the name that a weights folder gets, ``"motion-MsPacman-both"``; nothing reads it."""
    parts = [] if family == DEFAULT_FAMILY else [family]
    return "-".join([*parts, model, game] + ([] if noise == "none" else [noise]))


def find_weights(model: str, game: str, noise: str = "none", family: str = DEFAULT_FAMILY) -> Path:
    """Returns the folder of weights that were trained on a game and its bars.

    Weights of the game alone come before those of several games, and the user's cache before the
    bundled ones. Where none were trained under the noise, those trained without it are found, with
    a warning. Of several, that with the usual name is taken.

    Raises:
        FileNotFoundError: There are none; the message is the command that makes them.
    """
    command, call = _how_to_train(model, game, noise, family)
    folder = find_trained(model, game, noise, family, command)
    if folder is not None:
        return folder
    known = _spelled(game)
    if known not in (None, game):
        return find_weights(model, known, noise, family)
    hint = "" if known else did_you_mean(game, GAMES)
    sentences = [
        f"There are no weights of {model!r} for {game}.",
        hint,
        f"Make them: {command} (in Python: {call})",
    ]
    raise FileNotFoundError(" ".join(filter(None, sentences)))


def _spelled(game: str) -> str | None:
    """Returns a game's name as ids spell it; None for another task."""
    try:
        return check_game(game)
    except ValueError:
        return None


def find_trained(
    model: str,
    game: str,
    noise: str,
    family: str,
    command: str | None = None,
    made_for: str | None = None,
) -> Path | None:
    """Returns the folder that :func:`find_weights` tells of, None where there is none.

    Args:
        model: As config.json names it.
        game: ``"MsPacman"``.
        noise: Bars.
        family: As config.json names it.
        command: That trains under the bars: named in a warning where only weights without are
            found; None for no warning.
        made_for: Digest of the weights that they belong to: those of others are passed over, where
            there are any of these.
    """
    cached = cache_folder("weights")
    found: list[_Weights] = []
    for place in (cached, BUNDLED, WITH_DEMONSTRATIONS):
        found += _trained(place, model, game, family)
    if made_for is not None:
        found = [weights for weights in found if weights.made_for == made_for] or found
    for trained_under in dict.fromkeys((noise, "none")):
        usual = weights_name(model, game, trained_under, family)
        under = [weights for weights in found if weights.noise == trained_under]
        alone = [weights.folder for weights in under if weights.tasks == (game,)]
        fitting = alone or [weights.folder for weights in under]
        if not fitting:
            continue
        # Sorting is stable: the cache stays before what is bundled.
        folder = min(fitting, key=lambda f: (f.parent != fitting[0].parent, f.name != usual))
        if trained_under != noise and command is not None:
            warn_once(
                f"{folder} was trained without bars. Train weights for them: {command}",
                stacklevel=4,
            )
        return folder
    return None


def _how_to_train(model: str, game: str, noise: str, family: str) -> tuple[str, str]:
    entry = registry.model_entry(model, family)
    words = [f"--model {model}"]
    call = [f'"{model}", "{game}"']
    if entry.taught:
        words.append(f"--teacher {TEACHER}")
        call.append(f'teacher="{TEACHER}"')
    if family != DEFAULT_FAMILY:
        words.insert(0, f"--family {family}")
        call.append(f'family="{family}"')
    words.append(f"--game {game}")
    if entry.watched:
        words.append("--trials atari_head")
        call.append('trials="atari_head"')
    if noise != "none":
        words.append(f"--noise {noise}")
        call.append(f'noise="{noise}"')
    command = " ".join(["python zoo/pretrain.py", *words])
    called = f"objwrappers.pretrain({', '.join(call)})"
    if entry.taught and find_trained(TEACHER, game, noise, DEFAULT_FAMILY) is None:
        first = _how_to_train(TEACHER, game, noise, DEFAULT_FAMILY)
        command, called = f"{first[0]} && {command}", f"{first[1]}; {called}"
    return command, called


class _Weights(NamedTuple):
    folder: Path
    tasks: tuple[str, ...]
    noise: str
    made_for: str | None


def _trained(parent: Path, model: str, game: str, family: str) -> Iterator[_Weights]:
    """Folders of a model's weights for a game, with all tasks and bars they know; by name."""
    try:
        _recover(parent)
        folders = sorted(f for f in parent.iterdir() if not f.name.startswith("."))
    except FileNotFoundError:
        return
    except OSError as error:
        warn_once(f"{parent} is passed over: {error}", stacklevel=4)
        return
    for folder in folders:
        if not os.path.isdir(folder):
            continue
        try:
            config = read_config(folder)
        except FileNotFoundError:
            continue
        except (ValueError, OSError) as error:
            warn_once(f"These weights are passed over: {error}", stacklevel=4)
            continue
        trained_on = config.get("trained_on", {})
        if (config["family"], config.get("model")) != (family, model):
            continue
        if game in (tasks := _tasks_of(trained_on)):
            noise = trained_on.get("noise", "none")
            yield _Weights(folder, tasks, noise, config.get("weights_digest"))


def _tasks_of(trained_on: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns what weights were trained on: several tasks, or one, or none that is known."""
    return tuple(trained_on.get("tasks") or filter(None, [trained_on.get("task")]))


def _recover(parent: Path) -> None:
    """Brings back what a replacement that was cut off has left, where one may write."""
    for outdated in parent.glob(".*.outdated"):
        with suppress(OSError):
            recover_folder(parent / outdated.name[1:].removesuffix(".outdated"))


def load_model(
    model: str,
    game: str,
    weights: str | Path | None = None,
    device: str = "auto",
    noise: str = "none",
    family: str = DEFAULT_FAMILY,
) -> PerceptionModule:
    """Loads a frozen model, ready to perceive.

    Weights are data: JSON and safetensors are read, code is never run.

    Args:
        model: ``"motion"``, ``"permakey"``, ``"space_time"`` and so on, a name of ``family``.
        game: As ids spell it, ``"MsPacman"``.
        weights: A folder or a hub repository (``"user/name"``, ``"user/name@revision"``);
            by default the user's cache, then the bundled weights.
        device: ``"auto"`` is CUDA where there is one, else the processor.
        noise: Bars that the frames have; weights trained under them are looked for first.
        family: Of models that answer the same question: ``"keypoints"``, ``"scenes"`` or
            ``"gaze"``.

    Raises:
        FileNotFoundError: There are no weights; the message says how to make them.
        ValueError: No such model or device, or weights that are damaged or belong to another
            model.
    """
    cls = model_class(model, family)
    device = check_device(device)
    if not isinstance(game, str):
        raise ValueError(f"game is a name, such as 'Pong', got {game!r}.")
    source = weights if weights is not None else find_weights(model, game, noise, family)
    config = read_config(source)
    if (config["family"], config.get("model")) != (family, model):
        cure = f"model={config.get('model')!r}"
        if config["family"] != family:
            cure += f", family={config['family']!r}"
        raise ValueError(
            f"{source} holds weights of {config.get('model')!r}, not of {model!r}; "
            f"pass {cure} or other weights."
        )
    module = cls.from_pretrained(source)
    tasks = _tasks_of(module.record.get("trained_on", {}))
    if tasks and not {game, _spelled(game)} & {*tasks}:
        warn_once(f"{source} was trained on {', '.join(tasks)}, not {game}.", stacklevel=2)
    # Only the keyword form of .to() knows memory formats.
    return module.requires_grad_(False).to(device=device, memory_format=torch.channels_last)


def check_device(device: str) -> str:
    """Returns the device, or raises ValueError where there is none of this name."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
        if kind not in ("cpu", "cuda", "meta"):
            torch.ones(1, device=device).sum().item()
    # Of a device that is named but not there, torch raises all of these.
    except (AssertionError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"There is no device {device!r} here: pass auto, cpu or cuda ({error!s:.80})."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, but torch finds no CUDA; pass 'cpu' or 'auto'.")
    return device
