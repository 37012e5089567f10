"""Hyperparameters of perception models: the YAML's, a game's, and changes to them.

``hyperparams/perception/<model>.yml`` has a ``default`` and an entry for each game that differs; a
model without a file has :data:`DEFAULTS`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from objwrappers.files import hyperparams_folder
from objwrappers.names import check_name, unknown_name
from objwrappers.perception.registry import model_class, model_presets
from objwrappers.perception.storage import DEFAULT_FAMILY

__all__ = ["COUNTS", "DEFAULTS", "JOINT", "read_settings"]

JOINT = "joint"
"""Entry of several games that are learned together."""

COUNTS = ("n_frames", "n_timesteps", "batch_size", "eval_freq", "checkpoint_every", "patience")
"""Settings that are integers of at least 1."""

DEFAULTS: dict[str, Any] = {
    "n_frames": 12_000,
    "n_timesteps": 1500,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "final_learning_rate": 2e-4,
    "eval_freq": 100,
    "checkpoint_every": 100,
    "patience": 10,
    "model": {},
}
"""Of a model without a file of its own; what each means is said in motion.yml."""


def read_settings(
    model: str,
    game: str | Sequence[str],
    changes: Mapping[str, Any] | None = None,
    family: str = DEFAULT_FAMILY,
    entry: str | None = None,
) -> dict[str, Any]:
    """Returns the YAML's defaults, updated by the game's entry and by changes.

    Args:
        model: Name of a perception model.
        game: As ids spell it, or several; those have the entry :data:`JOINT`.
        changes: Name → value, of the training or of the model's arguments.
        family: Of the model.
        entry: Of the YAML, instead of the game's.

    Returns:
        The settings; the model's arguments, under ``"model"``, are those of the preset where the
        YAML and the changes say nothing else.

    Raises:
        ValueError: No such entry, or a change of what does not exist or cannot have this value.
    """
    name = model if family == DEFAULT_FAMILY else f"{family}-{model}"
    path = hyperparams_folder() / "perception" / f"{name}.yml"
    table = yaml.safe_load(path.read_text()) if path.is_file() else {"default": DEFAULTS}
    default = table["default"]
    if entry is not None and entry not in table:
        raise unknown_name(f"entry of {path.name}", entry, table)
    games = [game] if isinstance(game, str) else [*game]
    chosen = {**default, **table.get(entry or (games[0] if len(games) == 1 else JOINT), {})}
    arguments = {**default["model"], **chosen.pop("model")}
    known = [
        name for name in inspect.signature(model_class(model, family)).parameters if name != "self"
    ]
    for key, value in (changes or {}).items():
        if key not in chosen and key not in known:
            raise unknown_name("hyperparameter", key, [*chosen, *known])
        where = chosen if key in chosen else arguments
        where[key] = value
        if key in chosen and isinstance(default[key], str) != isinstance(value, str):
            kind = "a word" if isinstance(default[key], str) else "a number"
            raise ValueError(f"{key} takes {kind}, got {value!r}.")
    _check(chosen)
    if "preset" in chosen:
        presets = model_presets(model, family)
        check_name("preset", chosen["preset"], presets)
        arguments = {**presets[chosen["preset"]], **arguments}
    return {**chosen, "model": arguments}


def _check(settings: Mapping[str, Any]) -> None:
    for key in COUNTS:
        if not isinstance(settings[key], int) or settings[key] < 1:
            raise ValueError(f"{key} must be an integer of at least 1, got {settings[key]}.")
    share = settings.get("usual_share", 1.0)
    if not 0 < share <= 1:
        raise ValueError(
            f"usual_share is a share of the frames, above 0 and at most 1, got {share}."
        )
    reach = settings.get("usual_reach", 0)
    if not isinstance(reach, int) or reach < 0:
        raise ValueError(f"usual_reach is a number of pixels, an integer, got {reach}.")
    for name in ("scrolling_share", "least_left"):
        if not 0 <= settings.get(name, 0) <= 1:
            raise ValueError(f"{name} is a share, from 0 to 1, got {settings[name]}.")
