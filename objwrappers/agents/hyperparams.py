"""Hyperparameters of agents, checked before anything is made of them.

* :func:`default_hyperparams`: the file of an algorithm
* :func:`read_entries`, :func:`find_entry`: a file's entry for an id, or for its family
* :func:`check_hyperparams`: their names, and the types of their values
"""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import yaml
from rl_zoo3.utils import ALGOS

from objwrappers.files import hyperparams_folder, read_regular
from objwrappers.names import check_name
from objwrappers.registration import family_of

__all__ = ["check_hyperparams", "default_hyperparams", "find_entry", "read_entries"]

MAX_FILE_BYTES = 2**20

_MANAGED = (
    *("n_timesteps", "n_envs", "frame_stack", "normalize", "env_kwargs", "env_wrapper"),
    *("vec_env_wrapper", "callback", "monitor_kwargs", "noise_type", "noise_std"),
)
"""Those that RL Zoo takes for itself."""

_COUNTS = ("n_envs", "frame_stack")
_SIZES = ("n_steps", "batch_size", "n_epochs", "buffer_size")
_SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf", "delta_std")


def default_hyperparams(algo: str) -> Path:
    """Returns the file of an algorithm's hyperparameters.

    Raises:
        ValueError: There is none.
    """
    path = hyperparams_folder() / f"{algo}.yml"
    if not path.is_file():
        there_are = ", ".join(sorted(file.stem for file in path.parent.glob("*.yml")))
        raise ValueError(
            f"There are no hyperparameters for --algo {algo} in {path.parent} (there are "
            f"{there_are}); pass your own with --conf-file (conf_file=)."
        )
    return path


def find_entry(path: str | Path, env_id: str) -> tuple[str, Mapping[str, Any]] | None:
    """Returns a file's entry for an id, and its name: the id, or its family.

    Args:
        path: YAML in RL Zoo's format.
        env_id: Of this package, or of another.

    Returns:
        None for ids of others, and where RL Zoo takes the file's ``default``.

    Raises:
        ValueError: It has neither; the message says what to do.
    """
    family = family_of(env_id)
    if family is None:
        return None
    path = Path(path)
    entries = read_entries(path)
    for name in (env_id, family.name):
        if name in entries:
            return name, entries[name]
    if "default" in entries:
        return None
    cure = f"Add an entry {family.name}: to it."
    files = sorted(hyperparams_folder().glob("*.yml"))
    if path.resolve() in {file.resolve() for file in files}:
        having = [file.stem for file in files if family.name in read_entries(file)]
        cure = f"--algo {' or '.join(having)} learns on such ids."
        if not having:
            cure = "Nothing learns by reward there: --algo bc imitates recorded play."
    raise ValueError(f"Hyperparameters not found for {env_id} in {path}. {cure}")


def read_entries(path: str | Path) -> Mapping[str, Any]:
    """Reads a file of hyperparameters: id or family → its own.

    Raises:
        OSError: It cannot be read, or is no file.
        ValueError: It is no YAML, or no dict.
    """
    try:
        entries = yaml.safe_load(read_regular(Path(path), MAX_FILE_BYTES))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(entries, Mapping):
        raise ValueError(f"{path} holds no hyperparameters: a dict of ids is wanted.")
    return entries


def check_hyperparams(algo: str, hyperparams: Mapping[str, Any]) -> None:
    """Checks names, counts, numbers, schedules and the policy's path.

    Args:
        algo: A key of RL Zoo's ``ALGOS``.
        hyperparams: In RL Zoo's format.

    Raises:
        ValueError: One that the algorithm does not have, or a value of another type.
    """
    arguments = inspect.signature(ALGOS[algo]).parameters
    taken_elsewhere = {"env", "seed", "device", "verbose", "tensorboard_log", "_init_setup_model"}
    known = (*(name for name in arguments if name not in taken_elsewhere), *_MANAGED)
    for name, value in hyperparams.items():
        check_name(f"hyperparameter of {algo}", name, known)
        if name in _SCHEDULES:
            _check_schedule(name, value)
        elif name in _COUNTS or (name in _SIZES and value is not None):
            if not _is_whole(value) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}.")
        elif name == "n_timesteps":
            _check_number(name, value)
        elif name in arguments:
            _check_as_annotated(name, value, arguments[name].annotation)
    _check_policy(hyperparams.get("policy"))


def _check_as_annotated(name: str, value: Any, annotation: Any) -> None:
    """Of numbers and flags alone: what else there is, SB3 and RL Zoo know better."""
    words = {*re.findall(r"\w+", getattr(annotation, "__name__", str(annotation)))}
    if (value is None and "None" in words) or not words <= {"int", "float", "bool", "None"}:
        return
    if "float" in words:
        _check_number(name, value)
    elif "int" in words:
        if not _is_whole(value):
            raise ValueError(f"{name} must be an integer, got {value!r}.")
    elif value not in (False, True):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def _check_number(name: str, value: Any) -> None:
    if not _is_number(value):
        hint = " (to YAML 1e3 is a word, 1.0e+3 a number)" * isinstance(value, str)
        raise ValueError(f"{name} must be a finite number, got {value!r}{hint}.")


def _check_schedule(name: str, value: Any) -> None:
    if isinstance(value, str):
        try:
            _, number = value.split("_")
            value = float(number)
        except ValueError:
            pass
    elif value is None and name == "clip_range_vf":
        return
    if not _is_number(value):
        raise ValueError(
            f"{name} must be a number, as YAML writes it (1.0e-3), or a schedule like lin_3e-4, "
            f"got {value!r}."
        )


def _check_policy(policy: Any) -> None:
    if not isinstance(policy, str) or "." not in policy:
        return
    module, name = policy.rsplit(".", 1)
    try:
        getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"There is no policy {policy!r}: {error}.") from error
