"""A YAML file of observations and what they are compared on.

:func:`read_plan`: ``hyperparams/boards/<name>.yml`` or any file → :class:`Plan`

    games: [Pong, MsPacman]
    budgets: [100000]
    seeds: [1, 2, 3]
    episodes: 48
    reference: pixels
    observations:
      pixels: {env: "ObjFrames-{game}-v0", hyperparams: {policy_kwargs: {network: cnn}}}
      objects: {env: "ObjScene-{game}-v0", env_kwargs: {model: motion}, games: [Pong]}

``hyperparams`` and ``env_kwargs`` are on top of those that ``hyperparams/<algo>.yml`` has for the
id, as with ``zoo/train.py``. Which observations there are, this module does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objwrappers.command_line import parse_value
from objwrappers.files import hyperparams_folder
from objwrappers.games import check_game
from objwrappers.names import check_name
from objwrappers.registration import FAMILIES, family_of
from objwrappers.rendering.bars import check_noise
from objwrappers.sweeps.plan import read_keys

__all__ = ["CLEAN", "MAX_CELLS", "RANDOM", "Observation", "Plan", "read_plan"]

CLEAN = "none"
"""The noise that is none."""
RANDOM = "random"
"""The random policy, where an observation's or an algorithm's name stands."""
MAX_CELLS = 10_000
MAX_SEED = 2**31 - 1
MAX_BUDGET = 10**10
MAX_EPISODES = 10_000
MAX_TEXT = 400
KEYS = (
    *("title", "games", "budgets", "seeds", "noises", "algos", "episodes", "random", "reference"),
    *("device", "notes", "observations"),
)
REQUIRED = ("games", "budgets", "seeds", "observations")
OBSERVATION_KEYS = ("env", "env_kwargs", "hyperparams", "label", "games", "noises", "algos")
PLANNED = {"n_timesteps": "budgets", "seed": "seeds", "noise": "noises", "env_kwargs": "env_kwargs"}
"""Option that an observation must not give → the plan's key that does."""


@dataclass(frozen=True)
class Observation:
    """A column.

    Attributes:
        name: Of it.
        label: Its head.
        env: Id, with ``{game}``.
        env_kwargs: On top of the file's.
        hyperparams: On top of the file's.
        games: On which it is trained.
        noises: Under which.
        algos: By which.
    """

    name: str
    label: str
    env: str
    env_kwargs: dict[str, Any]
    hyperparams: dict[str, Any]
    games: tuple[str, ...]
    noises: tuple[str, ...]
    algos: tuple[str, ...]

    def env_id(self, game: str) -> str:
        """Returns the id of a game."""
        return self.env.replace("{game}", game)


@dataclass(frozen=True)
class Plan:
    """What is compared, in the file's order.

    Attributes:
        name: Of the file.
        title: Of the page.
        games: Rows.
        budgets: Agent steps.
        seeds: Of trainings, one run each.
        noises: Bars on the frames.
        algos: Keys of RL Zoo's ``ALGOS``.
        episodes: By which each agent is scored.
        random: The random policy is scored, too, and its score is where ratios begin.
        reference: Name of the observation that others are compared with.
        device: Of trainings and games.
        notes: Sentences on how it is measured, for the page.
        observations: Columns.
    """

    name: str
    title: str
    games: tuple[str, ...]
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    noises: tuple[str, ...]
    algos: tuple[str, ...]
    episodes: int
    random: bool
    reference: str
    device: str
    notes: tuple[str, ...]
    observations: tuple[Observation, ...]


def read_plan(file: str | Path) -> Plan:
    """Reads a plan.

    Args:
        file: YAML, as in the head of this module.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A misspelt key, a game, noise, algorithm, id or option that there is not, or too
            many cells.
    """
    file = Path(file)
    try:
        content = read_keys(file, "board", KEYS, REQUIRED)
        plan = _plan(file.stem, content)
        _check_size(plan)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return plan


def _plan(name: str, content: dict[str, Any]) -> Plan:
    if re.search(r"[^\w.+-]", name):
        raise ValueError(f"the name of the file becomes those of its pictures, got {name!r}.")
    lists = {
        "games": _list(content["games"], "games", _game),
        "noises": _list(content.get("noises", [CLEAN]), "noises", _noise),
        "algos": _list(content.get("algos", ["ppo"]), "algos", _algo),
    }
    given = content["observations"]
    if not isinstance(given, dict) or not given:
        raise ValueError(f"observations are names and what they are, got {given!r}.")
    observations = tuple(_observation(key, value, lists) for key, value in given.items())
    names = [observation.name for observation in observations]
    reference = content.get("reference", names[0])
    check_name("reference", reference, names)
    random = content.get("random", True)
    if not isinstance(random, bool):
        raise ValueError(f"random is true or false, got {random!r}.")
    return Plan(
        name,
        _text(content.get("title", name), "title"),
        budgets=_list(content["budgets"], "budgets", _whole(1, MAX_BUDGET)),
        seeds=_list(content["seeds"], "seeds", _whole(0, MAX_SEED)),
        episodes=_whole(1, MAX_EPISODES)(content.get("episodes", 48), "episodes"),
        random=random,
        reference=reference,
        device=_text(content.get("device", "cpu"), "device"),
        notes=_list(content["notes"], "notes", _text) if "notes" in content else (),
        observations=observations,
        **lists,
    )


def _observation(name: Any, given: Any, lists: dict[str, tuple[str, ...]]) -> Observation:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}", name):
        raise ValueError(
            f"the observation {name!r}: a name is letters, digits, '.', '+' and '-', 40 at most."
        )
    if name == RANDOM:
        raise ValueError(f"an observation cannot be called {RANDOM}, as the random policy is.")
    where = f"observations.{name}"
    if not isinstance(given, dict):
        raise ValueError(f"{where} takes {', '.join(OBSERVATION_KEYS)}, got {given!r}.")
    for key in given:
        check_name(f"key of {where}", key, OBSERVATION_KEYS)
    if "env" not in given:
        raise ValueError(f'{where} lacks env, as in "ObjFrames-{{game}}-v0".')
    checks: dict[str, Check] = {"games": _game, "noises": _noise, "algos": _algo}
    restricted = {
        key: _list(given[key], f"{where}.{key}", check) if key in given else lists[key]
        for key, check in checks.items()
    }
    for key, values in restricted.items():
        for value in values:
            if value not in lists[key]:
                raise ValueError(f"{where}.{key}: {value} is not among the plan's {key}.")
    found = Observation(
        name,
        _text(given.get("label", name), f"{where}.label"),
        _text(given["env"], f"{where}.env"),
        _options(given.get("env_kwargs", {}), f"{where}.env_kwargs"),
        _options(given.get("hyperparams", {}), f"{where}.hyperparams"),
        **restricted,
    )
    _check_ids(found, where)
    return found


def _check_ids(observation: Observation, where: str) -> None:
    """Ids and their options are those of registered games."""
    if "{game}" not in observation.env:
        raise ValueError(f"{where}.env is an id with {{game}}, got {observation.env!r}.")
    for game in observation.games:
        family = family_of(observation.env_id(game))
        if family is None or not family.is_atari:
            there = ", ".join(f.id_of("{game}") for f in FAMILIES.values() if f.is_atari)
            raise ValueError(f"{where}.env: there is no {observation.env_id(game)}; take {there}.")
        known = (*family.options, *family.vector_options)
        for option in observation.env_kwargs:
            check_name(f"option in {where}.env_kwargs", option, known)
        if "noise" not in family.options and observation.noises != (CLEAN,):
            raise ValueError(f"{where}: {family.name} has no bars; add noises: [{CLEAN}].")


Check = Callable[[Any, str], Any]


def _list(values: Any, key: str, check: Check) -> tuple[Any, ...]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{key} takes a list, with something in it, got {values!r}.")
    checked = tuple(check(value, key) for value in values)
    if len(set(checked)) < len(checked):
        raise ValueError(f"{key} has something twice: {', '.join(map(str, checked))}.")
    return checked


def _whole(least: int, most: int) -> Check:
    def check(value: Any, key: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(
                f"{key}: expected a whole number from {least} to {most}, got {value!r}."
            )
        return value

    return check


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{key} is a line of text, got {value!r}.")
    if len(value) > MAX_TEXT:
        raise ValueError(f"{key} has {len(value)} letters, expected at most {MAX_TEXT}.")
    return value


def _game(value: Any, key: str) -> str:
    return check_game(_text(value, key))


def _noise(value: Any, key: str) -> str:
    return check_noise(_text(value, key))


def _algo(value: Any, key: str) -> str:
    known = sorted(path.stem for path in hyperparams_folder().glob("*.yml"))
    check_name(f"algorithm in {key}", value, known)
    return value


def _options(options: Any, key: str) -> dict[str, Any]:
    """Checks options, which a command line must be able to say."""
    if not isinstance(options, dict):
        raise ValueError(f"{key} are names and values, got {options!r}.")
    for name, value in options.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f"{key}: {name!r} is no name of an option.")
        if name in PLANNED:
            raise ValueError(f"{key}: {name} cannot be given there: {PLANNED[name]} says it.")
        if not _is_said(value):
            raise ValueError(f"{key}: {name} takes what a command line can say, got {value!r}.")
    return options


def _is_said(value: Any) -> bool:
    """Whether a command line says the same, and JSON too."""
    try:
        json.dumps(value, sort_keys=True, allow_nan=False)
        return parse_value(f"{value}") == value
    except (RecursionError, TypeError, ValueError):
        return False


def _check_size(plan: Plan) -> None:
    of_each = len(plan.budgets) * len(plan.seeds)
    columns = plan.observations
    count = of_each * sum(len(o.games) * len(o.noises) * len(o.algos) for o in columns)
    if count > MAX_CELLS:
        raise ValueError(f"these are {count} cells, expected at most {MAX_CELLS}.")
