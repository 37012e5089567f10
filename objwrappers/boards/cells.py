"""Cells of a board: one training, and the games by which it is scored.

* :func:`cells_of`: a plan's cells, in the order in which they are run
* :func:`select`: those of some games, observations and so on
* :class:`Cell`: its name, its commands, and the digest of what it is
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from objwrappers.boards.plan import CLEAN, RANDOM, Observation, Plan
from objwrappers.files import hyperparams_folder
from objwrappers.names import check_name, unknown_name
from objwrappers.registration import family_of
from objwrappers.sweeps.commands import option_words

__all__ = ["AGENT", "AXES", "SCORES_NAME", "Cell", "cells_of", "select"]

AXES = ("game", "observation", "algo", "noise", "budget", "seed")
"""Coordinates of a cell."""
AGENT = "agent"
"""Log folder of the training, in the cell's."""
SCORES_NAME = "scores.json"


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    Attributes:
        game: As ids spell it.
        observation: Name of the column, or ``"random"``.
        algo: Of the training, or ``"random"``.
        noise: Bars.
        budget: Agent steps of the training.
        seed: Of it.
        env: Id.
        env_kwargs: Beyond the file's, with the noise.
        hyperparams: Beyond the file's.
        episodes: By which it is scored.
        device: Of both.
    """

    game: str
    observation: str
    algo: str
    noise: str
    budget: int
    seed: int
    env: str
    env_kwargs: dict[str, Any]
    hyperparams: dict[str, Any]
    episodes: int
    device: str

    @property
    def coordinates(self) -> dict[str, Any]:
        """Axis → value."""
        return {axis: getattr(self, axis) for axis in AXES}

    @property
    def name(self) -> str:
        """Of its folder."""
        if self.observation == RANDOM:
            return f"{RANDOM}_{self.game}"
        rest = (self.game, self.algo, self.noise, self.budget, self.seed)
        return "_".join(map(str, (self.observation, *rest)))

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """``env_kwargs`` and ``hyperparams`` in effect: the plan's on top of the file's."""
        file = _entry(self.algo, self.env) if self.algo != RANDOM else {}
        return {
            "env_kwargs": {**(file.get("env_kwargs") or {}), **self.env_kwargs},
            "hyperparams": {**_trained_by(file), **self.hyperparams},
        }

    @property
    def facts(self) -> str:
        """Digest of all that decides its score: with other facts it is another cell."""
        facts = {
            **self.coordinates,
            **self.settings,
            "env": self.env,
            "episodes": self.episodes,
            "device": self.device,
        }
        text = json.dumps(facts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def commands(self, folder: str | Path, train: str, evaluate: str) -> list[list[str]]:
        """Returns the words of its programs.

        Args:
            folder: Where both write.
            train: Path of ``train.py``.
            evaluate: Path of ``evaluate.py``.
        """
        agent = None if self.algo == RANDOM else f"{folder}/{AGENT}"
        scored: dict[str, Any] = {"algo": self.algo, "env": self.env, "f": agent}
        if self.algo == RANDOM:
            # Of a training's options, those that end games early or clip rewards have no place.
            family = family_of(self.env)
            training = family.training_options if family else ()
            whole = {k: v for k, v in self.env_kwargs.items() if k not in training}
            scored["env-kwargs"] = whole or None
        scored |= {"episodes": self.episodes, "device": self.device}
        scoring = [evaluate, *option_words({**scored, "json": f"{folder}/{SCORES_NAME}"})]
        if self.algo == RANDOM:
            return [scoring]
        options = {
            "algo": self.algo,
            "env": self.env,
            "n": self.budget,
            "seed": self.seed,
            "device": self.device,
            "eval-freq": -1,
            "f": agent,
            "-params": self.hyperparams or None,
            "env-kwargs": self.env_kwargs or None,
        }
        return [[train, *option_words(options)], scoring]


def _trained_by(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an entry's hyperparameters; the steps are the cell's own."""
    return {k: v for k, v in entry.items() if k not in ("env_kwargs", "n_timesteps")}


def _entry(algo: str, env_id: str) -> dict[str, Any]:
    """Returns the hyperparameters that a file has for an id, or for its family."""
    entries = _entries(hyperparams_folder() / f"{algo}.yml")
    family = family_of(env_id)
    return entries.get(env_id) or (entries.get(family.name) if family else None) or {}


@cache
def _entries(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def cells_of(plan: Plan) -> list[Cell]:
    """Returns the cells in the order in which they are run.

    First the random policy, then by budget, seed, game and observation, so that a table that was
    cut off is filled evenly.
    """
    by_game = [
        (budget, seed, game, observation)
        for budget in plan.budgets
        for seed in plan.seeds
        for game in plan.games
        for observation in plan.observations
        if game in observation.games
    ]
    trained = [
        _cell(plan, game, observation, algo, noise, budget, seed)
        for budget, seed, game, observation in by_game
        for algo in observation.algos
        for noise in observation.noises
    ]
    return [*(_random_cells(plan) if plan.random else ()), *trained]


def _cell(
    plan: Plan,
    game: str,
    observation: Observation,
    algo: str,
    noise: str,
    budget: int,
    seed: int,
) -> Cell:
    bars = {} if noise == CLEAN else {"noise": noise}
    return Cell(
        *(game, observation.name, algo, noise, budget, seed),
        observation.env_id(game),
        {**observation.env_kwargs, **bars},
        observation.hyperparams,
        plan.episodes,
        plan.device,
    )


def _random_cells(plan: Plan) -> Iterator[Cell]:
    """The random policy plays what the reference plays; where that does not, the first that does.

    Bars do not matter to it.
    """
    columns = sorted(plan.observations, key=lambda column: column.name != plan.reference)
    for game in plan.games:
        shown = next((column for column in columns if game in column.games), None)
        if shown is not None:
            yield Cell(
                *(game, RANDOM, RANDOM, CLEAN, 0, 0),
                shown.env_id(game),
                shown.env_kwargs,
                {},
                plan.episodes,
                plan.device,
            )


def select(cells: Sequence[Cell], only: Mapping[str, Sequence[Any]]) -> list[Cell]:
    """Returns some of the cells.

    Args:
        cells: Of a plan.
        only: Axis → the values wanted. The random policy, of which there is one a game, is asked
            for its game alone.

    Raises:
        ValueError: An axis or a value that no cell has.
    """
    for axis, values in only.items():
        check_name("axis", axis, AXES)
        known = dict.fromkeys(
            str(getattr(cell, axis)) for cell in cells if _is_on(cell, axis, ("observation",))
        )
        for value in values:
            if str(value) not in known:
                raise unknown_name(axis, value, known)
    wanted = {axis: {str(value) for value in values} for axis, values in only.items()}
    return [
        cell
        for cell in cells
        if all(
            str(getattr(cell, axis)) in values
            for axis, values in wanted.items()
            if _is_on(cell, axis)
        )
    ]


def _is_on(cell: Cell, axis: str, also: Sequence[str] = ()) -> bool:
    """Whether a cell has a place on an axis; the random policy has none but its game."""
    return cell.observation != RANDOM or axis == "game" or axis in also
