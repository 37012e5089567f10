"""Weights on disk: config.json and model.safetensors, data and never code.

``config.json`` holds ``family`` and ``model``, the constructor's arguments, ``trained_on`` (task,
noise, channels), ``training`` (how they were made) and ``sha256``, the digest of
``model.safetensors``. Folders of before have ``game`` and ``noise`` instead, and no digest.

* :func:`read_config`, :func:`read_tensors`: of a folder or a hub repository, checked
* :func:`write_weights`, :func:`check_replaceable`: a folder, complete or not at all
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from objwrappers.files import (
    check_writable,
    read_json,
    read_regular,
    recover_folder,
    write_folder_atomically,
)

__all__ = [
    "CONFIG_NAME",
    "DEFAULT_FAMILY",
    "WEIGHTS_NAME",
    "check_replaceable",
    "digest_of",
    "locate",
    "read_config",
    "read_tensors",
    "write_weights",
]

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
DEFAULT_FAMILY = "keypoints"

MAX_CONFIG_BYTES = 2**16
LARGEST_WEIGHT = 1e12
HUB_TIMEOUT_S = 8.0
HUB_ASKED_S = 60.0
DROPPED = ("constancy",)
"""Arguments that a model once had; nothing hangs on them where it perceives."""


def locate(source: str | Path, name: str, **hub: Any) -> Path:
    """Returns the path of a file of the weights.

    Args:
        source: A folder or a hub repository, ``"user/name"`` or ``"user/name@revision"``.
        name: Of the file.
        hub: Options of ``hf_hub_download``; ``revision`` goes before that of the source.

    Raises:
        FileNotFoundError: There is no such folder, file or repository, or it cannot be reached.
    """
    source = Path(source) if isinstance(source, Path) else str(source)
    with suppress(OSError):
        recover_folder(Path(source))
    if os.path.isdir(source):
        return Path(source) / name
    repository, _, revision = str(source).partition("@")
    if repository.count("/") != 1 or repository.startswith(("/", ".", "~")):
        raise FileNotFoundError(
            f"weights={str(source)!r} is neither a folder nor a hub repository, user/name."
        )
    hub["revision"] = hub.get("revision") or revision or None
    offline = constants.HF_HUB_OFFLINE or hub.get("local_files_only")
    answers = bool(offline) or _hub_answers(constants.ENDPOINT, time.monotonic() // HUB_ASKED_S)
    if not answers:
        hub["local_files_only"] = True
    try:
        return Path(hf_hub_download(repository, name, **hub))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise FileNotFoundError(
            f"weights={str(source)!r} is neither a folder nor a hub repository that can be "
            f"reached: {error if answers else f'{constants.ENDPOINT} does not answer'}"
        ) from error


@lru_cache(maxsize=8)
def _hub_answers(endpoint: str, now: float) -> bool:
    """Whether the hub can be reached; huggingface_hub itself tries for half a minute.

    Args:
        endpoint: Its address.
        now: In units of ``HUB_ASKED_S``, for as long as an answer holds.
    """
    url = urlsplit(endpoint)
    address = (url.hostname or "", url.port or (80 if url.scheme == "http" else 443))
    reached = []

    def ask() -> None:
        with suppress(OSError):
            socket.create_connection(address, HUB_TIMEOUT_S).close()
            reached.append(address)

    if getproxies():
        return True
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(HUB_TIMEOUT_S)
    return bool(reached)


def read_config(source: str | Path, **hub: Any) -> dict[str, Any]:
    """Reads the config.json of weights, in today's form whatever its age.

    Args:
        source: As :func:`locate` takes it.
        hub: Options of ``hf_hub_download``.

    Raises:
        FileNotFoundError: There are no weights.
        ValueError: It is damaged.
    """
    path = locate(source, CONFIG_NAME, **hub)
    try:
        config = read_json(path, MAX_CONFIG_BYTES)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{source} is not a weights folder: no {CONFIG_NAME}.") from error
    if "game" in config:
        old = {"task": config.pop("game"), "noise": config.pop("noise", "none"), "channels": "RGB"}
        config.setdefault("trained_on", old)
    for name in DROPPED:
        config.pop(name, None)
    config.setdefault("family", DEFAULT_FAMILY)
    _check_facts(config, path)
    return config


def _check_facts(config: dict[str, Any], path: Path) -> None:
    trained_on = config.get("trained_on", {})
    if not isinstance(trained_on, dict) or not all(
        isinstance(trained_on.get(key, ""), str) for key in ("task", "noise", "channels")
    ):
        raise ValueError(
            f'{path} is damaged: trained_on must be like {{"task": "Pong", "noise": "none", '
            f'"channels": "RGB"}}, got {str(trained_on)[:80]}'
        )
    tasks = trained_on.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        raise ValueError(f"{path} is damaged: tasks must be a list of names, got {tasks!r:.80}")
    for key in ("family", "model", "sha256"):
        if not isinstance(config.get(key, ""), str):
            raise ValueError(f"{path} is damaged: {key} must be a word, got {config[key]!r:.80}")


def read_tensors(path: Path, expected: Mapping[str, Tensor], sha256: str | None) -> dict:
    """Reads a safetensors file.

    Args:
        path: Of the file.
        expected: Tensors of the right shapes and types, on any device, ``meta`` as well: they
            bound what is read.
        sha256: The file's digest; None where none is known.

    Returns:
        Name → tensor, in the types of ``expected``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Another digest, no safetensors, more, fewer or other tensors than expected, or
            numbers that are not finite.
    """
    numbers = sum(tensor.numel() for tensor in expected.values())
    # At most float64, and a header with a name, a type and a shape for each tensor.
    content = read_regular(path, 8 * numbers + 1024 * (len(expected) + 64))
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(
            f"{path} is not the file that {CONFIG_NAME} beside it tells of: its SHA-256 is "
            f"{hashlib.sha256(content).hexdigest()}, not {sha256}. Fetch or train the weights anew."
        )
    try:
        tensors = load(content)
    # The parser of safetensors raises these on headers of odd types and shapes.
    except (SafetensorError, KeyError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{path} is no safetensors file: {error}") from error
    for words, keys in (
        ("lacks", expected.keys() - tensors.keys()),
        ("holds other tensors", tensors.keys() - expected.keys()),
    ):
        if keys:
            raise ValueError(f"{path} {words}: {', '.join(sorted(keys)[:3])}.")
    return {key: _checked(key, tensor, expected[key], path) for key, tensor in tensors.items()}


def _checked(key: str, tensor: Tensor, expected: Tensor, path: Path) -> Tensor:
    if tensor.shape != expected.shape:
        raise ValueError(
            f"{path}: size mismatch for {key}: {tuple(tensor.shape)}, expected "
            f"{tuple(expected.shape)}."
        )
    if tensor.is_floating_point() != expected.is_floating_point() or tensor.is_complex():
        raise ValueError(f"{path}: {key} is of type {tensor.dtype}, not {expected.dtype}.")
    tensor = tensor.to(expected.dtype)
    if wrong := _what_diverged(tensor):
        raise ValueError(f"{path}: {key} holds {wrong}; the training diverged.")
    return tensor


def _what_diverged(tensor: Tensor) -> str:
    """Names numbers that a network cannot compute with; those too large overflow on the way."""
    if not tensor.is_floating_point():
        return ""
    if not torch.isfinite(tensor).all():
        return "NaN or infinity"
    largest = float(tensor.abs().amax()) if tensor.numel() else 0.0
    if largest > LARGEST_WEIGHT:
        return f"a weight of {largest:.3g}, more than {LARGEST_WEIGHT:g}"
    return ""


def digest_of(name: str, tensors: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 of a name and of named tensors, whatever their order and device."""
    sha256 = hashlib.sha256(name.encode())
    for key, tensor in sorted(tensors.items()):
        sha256.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha256.update(tensor.detach().cpu().contiguous().reshape(-1).numpy().tobytes())
    return sha256.hexdigest()


def write_weights(folder: str | Path, config: Mapping[str, Any], state: dict[str, Tensor]) -> None:
    """Writes a folder of weights; it appears complete or not at all.

    Args:
        folder: Replaced if it exists.
        config: What config.json holds beside the digest; NaN and infinity become null.
        state: The tensors.

    Raises:
        FileExistsError: The folder holds anything else than weights.
        OSError: The disk is full, say; an existing folder is untouched then.
        ValueError: Numbers that are not finite or too large, which would not be read again.
    """
    folder = Path(folder)
    check_replaceable(folder)
    for key, tensor in state.items():
        if wrong := _what_diverged(tensor):
            raise ValueError(f"{folder} is not written: {key} holds {wrong}.")
    content = save({key: value.cpu().contiguous() for key, value in state.items()})
    complete = {**_json(config), "sha256": hashlib.sha256(content).hexdigest()}
    with write_folder_atomically(folder) as temporary:
        (temporary / WEIGHTS_NAME).write_bytes(content)
        text = json.dumps(complete, indent=2, allow_nan=False) + "\n"
        (temporary / CONFIG_NAME).write_text(text, encoding="utf-8")


def _json(value: Any) -> Any:
    """Replaces NaN and infinity, which JSON has not; a diverged term is no reason to lose all."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_replaceable(folder: str | Path) -> None:
    """Checks that weights may be written to a folder.

    Raises:
        FileExistsError: It holds anything else than weights, which would be lost.
        OSError: Nobody may write there.
    """
    folder = Path(folder)
    check_writable(folder, "replaced")
    recover_folder(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give a folder for the weights.")
    others = sorted({path.name for path in folder.iterdir()} - {CONFIG_NAME, WEIGHTS_NAME})
    if others:
        raise FileExistsError(
            f"{folder} holds other files, which would be lost ({', '.join(others[:3])}); give "
            "another folder for the weights."
        )
