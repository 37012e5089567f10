"""Registers every id with Gymnasium: one row for each family of ids, times its tasks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import gymnasium as gym

from objwrappers.envs import options
from objwrappers.envs.control_tasks import TASKS as CONTROL_TASKS
from objwrappers.games import ATARI_HEAD, GAMES
from objwrappers.metrics.ram_classes import RAM_CLASSES

__all__ = ["FAMILIES", "Family", "family_of", "register_all", "task_of"]


@dataclass(frozen=True)
class Family:
    """One kind of id, ``<name>-<task>-v0``: what programs ask instead of looking at the id.

    Attributes:
        name: ``"ObjKeypoints"``.
        tasks: Of each id, ``"MsPacman"``; hyphens are allowed, ``"cartpole-swingup"``.
        entry_point: Of one env, ``"module:function"``, so that nothing is imported.
        vector_entry_point: Of the vector env; None where single envs are put side by side.
        task_argument: By which name the entry points take the task.
        has_model: It perceives by a model, whose ``device`` can be chosen.
        default_model: The perception model where none is named, if that may change.
        former_model: What it was before, which agents of then saw.
        is_atari: Its tasks are games: agents' actions are sampled, as RL Zoo has it.
        imitates: Its reward is to do as an expert did, beside whom agents are evaluated.
        options: Of both entry points, beside the task, ``num_envs`` and ``render_mode``.
        single_options: Of one env alone.
        vector_options: Of the vector env alone.
        training_options: Those of them that are for training only: agents are watched and scored
            on whole games.
    """

    name: str
    tasks: Collection[str]
    entry_point: str
    vector_entry_point: str | None
    task_argument: str = "task"
    has_model: bool = False
    default_model: str | None = None
    former_model: str | None = None
    is_atari: bool = False
    imitates: bool = False
    options: tuple[str, ...] = ()
    single_options: tuple[str, ...] = ()
    vector_options: tuple[str, ...] = ()
    training_options: tuple[str, ...] = ()

    def id_of(self, task: str) -> str:
        """Returns the id of a task, ``"ObjKeypoints-MsPacman-v0"``."""
        return f"{self.name}-{task}{_VERSION}"


_VERSION = "-v0"

_WITHOUT_BARS = tuple(name for name in options.SHARED if not name.startswith("noise"))


def _atari(name: str, function: str, own_options: tuple[str, ...], has_model: bool) -> Family:
    return Family(
        name,
        GAMES,
        entry_point=f"objwrappers.envs.{function}",
        vector_entry_point=f"objwrappers.envs.{function}_vec",
        task_argument="game",
        has_model=has_model,
        is_atari=True,
        options=(*own_options, *options.SHARED),
        single_options=options.SINGLE,
        vector_options=options.VECTOR,
        training_options=options.TRAINING,
    )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _atari("ObjFrames", "frame_ids:make_frames", options.PIXELS, has_model=False),
        replace(
            _atari("ObjKeypoints", "atari_ids:make_keypoints", options.MODEL, has_model=True),
            vector_options=options.MODEL_VECTOR,
            default_model=options.KEYPOINTS,
            former_model="motion",
        ),
        _atari("ObjScene", "atari_ids:make_scene", options.SCENE, has_model=True),
        Family(
            "ObjRAM",
            tuple(RAM_CLASSES),
            entry_point="objwrappers.envs.ram_ids:make_ram",
            vector_entry_point="objwrappers.envs.ram_ids:make_ram_vec",
            task_argument="game",
            is_atari=True,
            options=(*options.PERFECT, *_WITHOUT_BARS),
        ),
        Family(
            "ObjGaze",
            GAMES,
            entry_point="objwrappers.envs.gaze_ids:make_gaze",
            vector_entry_point="objwrappers.envs.gaze_ids:make_gaze_vec",
            task_argument="game",
            has_model=True,
            is_atari=True,
            options=(*options.GAZE, *_WITHOUT_BARS),
            single_options=options.SINGLE,
        ),
        Family(
            "AtariHead",
            ATARI_HEAD,
            entry_point="objwrappers.envs.atari_head:make_atari_head",
            vector_entry_point="objwrappers.envs.atari_head:make_atari_head_vec",
            task_argument="game",
            is_atari=True,
            options=options.RECORDED,
        ),
        Family(
            "Control",
            CONTROL_TASKS,
            entry_point="objwrappers.envs.control_ids:make_control",
            vector_entry_point="objwrappers.envs.control_ids:make_control_vec",
            options=options.CONTROL,
        ),
        Family(
            "IfO",
            CONTROL_TASKS,
            entry_point="objwrappers.envs.imitation_ids:make_imitation",
            vector_entry_point="objwrappers.envs.imitation_ids:make_imitation_vec",
            has_model=True,
            imitates=True,
            options=options.IMITATION,
        ),
    )
}
"""Name → row."""


def family_of(env_id: str) -> Family | None:
    """Returns the row of an id of this package, None for any other."""
    name, _, task = env_id.removesuffix(_VERSION).partition("-")
    family = FAMILIES.get(name)
    return family if family and env_id.endswith(_VERSION) and task in family.tasks else None


def task_of(env_id: str) -> str | None:
    """Returns the task of an id of this package, ``"MsPacman"``, None for any other id."""
    family = family_of(env_id)
    if family is None:
        return None
    return env_id.removeprefix(f"{family.name}-").removesuffix(_VERSION)


def register_all() -> None:
    """Registers ``<Family>-<Task>-v0`` for every family; a second call changes nothing."""
    for family in FAMILIES.values():
        for task in family.tasks:
            env_id = family.id_of(task)
            if env_id not in gym.registry:
                gym.register(
                    id=env_id,
                    entry_point=family.entry_point,
                    vector_entry_point=family.vector_entry_point,
                    kwargs={family.task_argument: task},
                )
