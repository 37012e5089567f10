"""Which models there are and where their weights are found.

:func:`load_model`: name and game → frozen model.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from objwrappers.files import cache_folder, recover_folder
from objwrappers.names import unknown_name
from objwrappers.perception.base import CONFIG_NAME, PerceptionModule

__all__ = [
    "BUNDLED",
    "MODELS",
    "check_device",
    "find_weights",
    "load_model",
    "model_class",
    "model_of",
    "model_presets",
    "weights_name",
]

BUNDLED = Path(__file__).parent / "weights"

MODELS: dict[str, str] = {
    "motion": "objwrappers.perception.motion_keypoints:MotionKeypoints",
    "permakey": "objwrappers.perception.permakey:PermaKey",
    "student": "objwrappers.perception.student:Student",
    "transporter": "objwrappers.perception.transporter:Transporter",
}
"""Name of a model → its class, as a string so that only the model asked for is imported."""


def model_class(name: str) -> type[PerceptionModule]:
    """Returns the class of a model.

    Raises:
        ValueError: No such model; the message lists those that exist.
    """
    if name not in MODELS:
        raise unknown_name("perception model", name, MODELS)
    module, attribute = MODELS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def model_presets(name: str) -> dict[str, dict[str, Any]]:
    """Returns the named sets of a model's constructor arguments; empty if it has none.

    Raises:
        ValueError: No such model.
    """
    return getattr(sys.modules[model_class(name).__module__], "PRESETS", {})


def model_of(weights: str | Path) -> str:
    """Returns the name of the model whose weights a folder or hub repository holds.

    Raises:
        FileNotFoundError: There is no such folder or repository.
        ValueError: Its config.json is damaged, or names no model.
    """
    name = _read_config(str(weights)).get("model")
    model_class(str(name))
    return str(name)


def weights_name(model: str, game: str, noise: str = "none") -> str:
    """Returns the name of a weights folder, ``"motion-MsPacman"`` or ``"motion-MsPacman-both"``."""
    return f"{model}-{game}" if noise == "none" else f"{model}-{game}-{noise}"


def find_weights(model: str, game: str, noise: str = "none") -> Path:
    """Returns the folder of a model's weights: in the user's cache, else the bundled one.

    Where none were trained under the noise, those trained without it are found, with a warning.

    Raises:
        FileNotFoundError: Neither exists; the message is the command that makes them.
    """
    learns = "--teacher motion" if model == "student" else f"--model {model}"
    command = f"python zoo/pretrain.py {learns} --game {game}"
    for trained_under in dict.fromkeys((noise, "none")):
        name = weights_name(model, game, trained_under)
        cached = cache_folder("weights", name)
        recover_folder(cached)
        for folder in (cached, BUNDLED / name):
            if (folder / CONFIG_NAME).exists():
                if trained_under != noise:
                    warnings.warn(
                        f"{folder} was trained without bars. Train weights for them: "
                        f"{command} --noise {noise}",
                        stacklevel=3,
                    )
                return folder
    raise FileNotFoundError(
        f"There are no weights of {model!r} for {game}. Make them: {command}"
        + ("" if noise == "none" else f" --noise {noise}")
    )


def load_model(
    model: str,
    game: str,
    weights: str | Path | None = None,
    device: str = "auto",
    noise: str = "none",
) -> PerceptionModule:
    """Loads a frozen model, ready to perceive.

    Weights are data: JSON and safetensors are read, code is never run.

    Args:
        model: ``"motion"``, ``"permakey"``, ``"student"`` or ``"transporter"``.
        game: As ids spell it, ``"MsPacman"``.
        weights: A folder or a hub repository (``"user/name"``, ``"user/name@revision"``);
            by default the user's cache, then the bundled weights.
        device: ``"auto"`` is CUDA where there is one, else the processor.
        noise: Bars that the frames have; weights trained under them are looked for first.

    Raises:
        FileNotFoundError: There are no weights; the message says how to make them.
        ValueError: No such model or device, or weights that are damaged or belong to another
            model.
    """
    cls = model_class(model)
    device = check_device(device)
    source = str(weights) if weights is not None else str(find_weights(model, game, noise))
    config = _read_config(source)
    if config.get("model") != model:
        raise ValueError(
            f"{source} holds weights of {config.get('model')!r}, not of {model!r}; "
            f"pass model={config.get('model')!r} or other weights."
        )
    revision = ""
    if not Path(source).is_dir():
        source, _, revision = source.partition("@")
    try:
        module = cls.from_pretrained(source, revision=revision or None)
    except (RuntimeError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{source}/{CONFIG_NAME} is not one of a {model}: {error}") from error
    module.record = {k: v for k, v in config.items() if k not in {"model", *module.arguments}}
    if module.record.get("game", game) != game:
        warnings.warn(f"{source} was trained on {module.record['game']}, not {game}.", stacklevel=2)
    # Only the keyword form of .to() knows memory formats, and the stubs do not know it.
    return module.requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def check_device(device: str) -> str:
    """Returns the device, or raises ValueError where there is none of this name."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(f"There is no device {device!r}: pass auto, cpu or cuda.") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, but torch finds no CUDA; pass 'cpu' or 'auto'.")
    return device


def _read_config(source: str) -> dict[str, Any]:
    path: str | Path = Path(source) / CONFIG_NAME
    if not Path(source).is_dir():
        repository, _, revision = source.partition("@")
        if repository.count("/") != 1 or repository.startswith(("/", ".", "~")):
            raise FileNotFoundError(
                f"weights={source!r} is neither a folder nor a hub repository, user/name."
            )
        try:
            path = hf_hub_download(repository, CONFIG_NAME, revision=revision or None)
        except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
            raise FileNotFoundError(
                f"weights={source!r} is neither a folder nor a hub repository that can be "
                f"reached: {error}"
            ) from error
    try:
        config = json.loads(Path(path).read_text())
        if not isinstance(config, dict):
            raise ValueError(f"a {type(config).__name__} instead of an object")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{source} is not a weights folder: no {CONFIG_NAME}.") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return config
