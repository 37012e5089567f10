"""What the programs around RL Zoo share: ids, nearest names, key:value options."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import gymnasium as gym
from rl_zoo3.utils import StoreDict

import objwrappers
from objwrappers.registration import FAMILIES, family_of

__all__ = [
    "LOG_FOLDER",
    "REPOSITORY",
    "TRAINING_ONLY",
    "VECTOR_ONLY",
    "KeyValues",
    "check_env_id",
    "fail",
    "import_packages",
    "is_atari",
    "is_ours",
    "takes_device",
    "without",
]

REPOSITORY = Path(__file__).resolve().parent.parent
LOG_FOLDER = "logs"
TRAINING_ONLY = FAMILIES["ObjFrames"].training_options
VECTOR_ONLY = FAMILIES["ObjFrames"].vector_options


def fail(message: str) -> NoReturn:
    """Ends the program with one clear message and exit code 1."""
    raise SystemExit(f"error: {message}")


def import_packages(names: Sequence[str]) -> None:
    """Imports packages that register envs; objwrappers' own ids are always there."""
    objwrappers.register_all()
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            fail(f"--gym-packages {name}: {error}")


def check_env_id(env_id: str) -> None:
    """Ends the program if there is no such id; the message offers the nearest ones."""
    if env_id in gym.registry:
        return
    by_lower_case = {name.lower(): name for name in gym.registry}
    nearest = difflib.get_close_matches(env_id.lower(), by_lower_case, n=3, cutoff=0.5)
    hint = " or ".join(by_lower_case[name] for name in nearest)
    fail(f"unknown env {env_id!r}. " + (f"Did you mean {hint}?" if hint else "No id is like it."))


def is_ours(env_id: str) -> bool:
    """Tells whether the id has a native vector env of this package."""
    return family_of(env_id) is not None


def is_atari(env_id: str) -> bool:
    """Tells whether the id is an Atari game of this package."""
    family = family_of(env_id)
    return family is not None and family.is_atari


class KeyValues(StoreDict):
    """RL Zoo's ``key:value ...``, whose values are Python; a bare name is a string."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Parses the values and sets them."""
        quoted = []
        for pair in values:
            key, colon, value = pair.partition(":")
            quoted.append(f"{key}:{value!r}" if colon and _is_name(value) else pair)
        super().__call__(parser, namespace, quoted, option_string)


def _is_name(value: str) -> bool:
    """Tells whether a value is meant as it stands: motion, objwrappers.sb3.policies.Mine."""
    if value in ("True", "False", "None") or value.startswith("nn."):
        return False
    return all(part.isidentifier() for part in value.split("."))


def takes_device(env_id: str) -> bool:
    """Tells whether the env runs a model of its own, whose device can be chosen."""
    family = family_of(env_id)
    return family is not None and family.has_model


def without(env_kwargs: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Returns the options except some of them."""
    return {name: value for name, value in env_kwargs.items() if name not in names}
