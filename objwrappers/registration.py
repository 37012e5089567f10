"""Registers every id with Gymnasium: one row for each family of ids, times its tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import gymnasium as gym

from objwrappers.games import GAMES

__all__ = ["FAMILIES", "Family", "family_of", "register_all"]


@dataclass(frozen=True)
class Family:
    """One kind of id, ``<name>-<task>-v0``: what programs ask instead of looking at the id.

    Attributes:
        name: ``"ObjKeypoints"``.
        tasks: Of each id, ``"MsPacman"``.
        entry_point: Of one env, ``"module:function"``, so that nothing is imported.
        vector_entry_point: Of the vector env.
        has_model: It perceives by a model, whose ``device`` can be chosen.
        is_atari: Its tasks are games: agents' actions are sampled, as RL Zoo has it.
        training_options: Of the vector env, for training only: agents are watched and scored on
            whole games.
        vector_options: Those and others that a single env does not have.
    """

    name: str
    tasks: Iterable[str]
    entry_point: str
    vector_entry_point: str
    has_model: bool
    is_atari: bool
    training_options: tuple[str, ...] = ()
    vector_options: tuple[str, ...] = ()


_TRAINING = ("life_loss_info", "reward_clipping")
_VECTOR = (*_TRAINING, "num_threads", "use_fire_reset")


def _atari(name: str, function: str, has_model: bool) -> Family:
    module = "objwrappers.envs.atari_ids"
    single, vector = f"{module}:{function}", f"{module}:{function}_vec"
    return Family(name, GAMES, single, vector, has_model, True, _TRAINING, _VECTOR)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _atari("ObjFrames", "make_frames", has_model=False),
        _atari("ObjKeypoints", "make_keypoints", has_model=True),
    )
}
"""Name → row."""


def family_of(env_id: str) -> Family | None:
    """Returns the row of an id of this package, None for any other."""
    name, _, task = env_id.removesuffix("-v0").partition("-")
    family = FAMILIES.get(name)
    return family if family and env_id.endswith("-v0") and task in family.tasks else None


def register_all() -> None:
    """Registers ``<Family>-<Task>-v0`` for every family; a second call changes nothing."""
    for family in FAMILIES.values():
        for task in family.tasks:
            env_id = f"{family.name}-{task}-v0"
            if env_id not in gym.registry:
                gym.register(
                    id=env_id,
                    entry_point=family.entry_point,
                    vector_entry_point=family.vector_entry_point,
                    kwargs={"game": task},
                )
