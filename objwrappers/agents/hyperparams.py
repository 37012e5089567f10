"""Hyperparameters of agents, checked before anything is made of them.

* :func:`default_hyperparams`: the file of an algorithm
* :func:`find_entry`: a file's entry for an id, or for its family
* :func:`check_hyperparams`: their names, and the types of their values
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import yaml
from rl_zoo3.utils import ALGOS

from objwrappers.files import hyperparams_folder
from objwrappers.names import check_name
from objwrappers.registration import family_of

__all__ = ["check_hyperparams", "default_hyperparams", "find_entry"]

_MANAGED = (
    *("n_timesteps", "n_envs", "frame_stack", "normalize", "env_kwargs", "env_wrapper"),
    *("vec_env_wrapper", "callback", "monitor_kwargs", "noise_type", "noise_std"),
)
"""Those that RL Zoo takes for itself."""

_COUNTS = ("n_envs", "frame_stack")
_SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf", "delta_std")
_SCHEDULE = re.compile(r"[A-Za-z]+_[-+0-9.eE]+")


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


def find_entry(path: str | Path, env_id: str) -> str | None:
    """Returns the name of a file's entry for an id: the id, or its family; None for other ids.

    Args:
        path: YAML in RL Zoo's format.
        env_id: Of this package, or of another.

    Raises:
        ValueError: It has neither; the message names files that do.
    """
    family = family_of(env_id)
    if family is None:
        return None
    for name in (env_id, family.name):
        if name in _entries(Path(path)):
            return name
    having = [file.stem for file in _files() if family.name in _entries(file)]
    cure = f"--algo {' or '.join(having)} learns on such ids" if having else "Nothing learns on it"
    raise ValueError(f"Hyperparameters not found for {env_id} in {path}. {cure}.")


def _files() -> list[Path]:
    return sorted(hyperparams_folder().glob("*.yml"))


def _entries(path: Path) -> Mapping[str, Any]:
    entries = yaml.safe_load(path.read_text())
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
        argument = arguments.get(name)
        default = (
            None if argument is None or "tuple" in str(argument.annotation) else (argument.default)
        )
        _check_value(name, value, default)
    policy = hyperparams.get("policy")
    if isinstance(policy, str) and "." in policy:
        module, name = policy.rsplit(".", 1)
        try:
            getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"There is no policy {policy!r}: {error}.") from error


def _check_value(name: str, value: Any, default: Any) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if name in _SCHEDULES:
        if not is_number and not (isinstance(value, str) and _SCHEDULE.fullmatch(value)):
            raise ValueError(f"{name} must be a number or a schedule like lin_3e-4, got {value!r}.")
    elif name in _COUNTS:
        if not is_number or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, got {value!r}.")
    elif isinstance(default, int):
        if not is_number or value != int(value):
            raise ValueError(f"{name} must be an integer, got {value!r}.")
    elif (isinstance(default, float) or name == "n_timesteps") and not is_number:
        raise ValueError(f"{name} must be a number, got {value!r}.")
