"""Entry points of ``ObjRAM-<Game>-v0``: objects from the console's memory, followed as others are.

* :func:`make_ram`, :func:`make_ram_vec`: the entry points
* :func:`ram_scene`: the model whose classes are those that memory knows
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from objwrappers.envs.atari import make_atari
from objwrappers.envs.checked import VectorCheckedEnv
from objwrappers.envs.loading import View, cast, check_names_of, look
from objwrappers.envs.options import check_flag, check_numbers
from objwrappers.envs.ram_objects import Degradation, RamObjects
from objwrappers.envs.singles import Singles
from objwrappers.games import check_game
from objwrappers.metrics.ram_classes import PLAYERS, RAM_CLASSES
from objwrappers.wrappers.base import (
    TransformFrames,
    VectorTransformFrames,
    check_render_mode,
    pictures_of,
)

if TYPE_CHECKING:
    from objwrappers.perception.roles import Roles
    from objwrappers.perception.scenes.listed import ListedScene
    from objwrappers.wrappers.base import FrameTransform

__all__ = ["make_ram", "make_ram_vec", "ram_scene"]

ONE_CLASS = "object"
"""What all objects are called where their classes are not told."""


def make_ram(
    game: str,
    jitter_px: float = 0.0,
    misses: float = 0.0,
    false_positives: float = 0.0,
    classes: bool = True,
    track: bool | Mapping[str, Any] = True,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    render_mode: str | None = None,
    **options: Any,
) -> gym.Env:
    """Entry point of ``ObjRAM-<Game>-v0``: perfect objects, degraded as far as one wants.

    Not perception, but what it could be at best: objects are read from the console's memory
    (:mod:`objwrappers.metrics.ram`), bullets and what is partly hidden among them, and go the way
    of those of ``ObjScene``: the same observations, tracker, roles, relations and map. Classes are
    what objects look like, ``what`` is one number for each class, of which one is 1. The ALE v5
    protocol as in all ids; screens are drawn where ``map`` or pictures need them.

    Args:
        game: ``"MsPacman"``, one of :data:`~objwrappers.metrics.ram.RAM_GAMES`.
        jitter_px: σ of the noise on centres, native pixels; see
            :class:`~objwrappers.envs.ram_objects.Degradation`.
        misses: Chance that an object is not found at a step.
        false_positives: Spurious objects a step, as a share of the real ones, on average.
        classes: False for objects that are all of one class; then there is no player.
        track: Whether an object keeps its row, or options of the tracker, as in ``ObjScene``. With
            False the objects of a class are in another order each step.
        roles: True for those that were learned, a folder or a hub repository, or roles.
        relations: Give ``relative`` (R, 4), place and velocity relative to the player's.
        map: Give ``map`` uint8 (4, 21, 21), what is around the player.
        render_mode: ``None`` or ``"rgb_array"``: the frame with boxes, names and tracks.
        **options: Those of :func:`~objwrappers.envs.atari.make_atari` but bars.

    Raises:
        FileNotFoundError: There are no roles; the message says how to make them.
        ValueError: No such game or option, a number out of range, or relations and a map where
            the player is not known.
    """
    view = View(track, roles, relations, map)
    degradation = Degradation(jitter_px, misses, false_positives)
    scene, who, listed = _prepare(game, degradation, classes, view, render_mode, options)
    env = listed()
    transform = _look(scene, game, env, 1, view, render_mode, who)
    return TransformFrames(env, transform, render_mode)


def make_ram_vec(
    game: str,
    num_envs: int = 1,
    jitter_px: float = 0.0,
    misses: float = 0.0,
    false_positives: float = 0.0,
    classes: bool = True,
    track: bool | Mapping[str, Any] = True,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    render_mode: str | None = None,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjRAM-<Game>-v0``: games one after the other, one tracker for all.

    See :func:`make_ram`. ALE's vector env shows no memory, so these are single envs in a row.
    """
    check_numbers({"num_envs": num_envs})
    view = View(track, roles, relations, map)
    degradation = Degradation(jitter_px, misses, false_positives)
    scene, who, listed = _prepare(game, degradation, classes, view, render_mode, options)
    env = VectorCheckedEnv(Singles([listed] * num_envs))
    transform = _look(scene, game, env, num_envs, view, render_mode, who)
    return VectorTransformFrames(env, transform, render_mode)


def ram_scene(game: str, classes: bool = True) -> ListedScene:
    """Returns the model of the objects that memory knows, with a row for each that there can be.

    Args:
        game: ``"MsPacman"``.
        classes: False for one class of all.

    Raises:
        ValueError: No such game, or one whose memory is not known here.
    """
    from objwrappers.perception.scenes.listed import ListedScene

    game = check_game(game)
    if game not in RAM_CLASSES:
        raise ValueError(
            f"Objects of {game} are not known from RAM; known are {', '.join(RAM_CLASSES)}."
        )
    rows = RAM_CLASSES[game]
    if not classes:
        rows = {ONE_CLASS: sum(rows.values())}
    return ListedScene([*rows], [*rows.values()]).eval()


def _prepare(
    game: str,
    degradation: Degradation,
    classes: bool,
    view: View,
    render_mode: str | None,
    options: dict[str, Any],
) -> tuple[Any, Roles | None, Callable[[], gym.Env]]:
    """Checks the options; returns the model, the roles, and what makes an env of lists."""
    check_names_of("ObjRAM", options)
    check_render_mode(render_mode)
    check_flag("classes", classes)
    scene = ram_scene(game, classes)
    if not classes and (view.has_player or view.roles is not False):
        raise ValueError(
            "classes=False says of no object who it is, the player's among them: leave relations, "
            "map and roles out."
        )
    if view.has_player and check_game(game) not in PLAYERS:
        raise ValueError(
            f"The player of {game} is nowhere on its screen, so that nothing is relative to it: "
            "leave relations and map out."
        )
    pictures = view.map or render_mode is not None

    def listed() -> gym.Env:
        env = make_atari(game, memory=True, pictures=pictures, **options)
        return RamObjects(env, game, degradation, classes, shuffled=view.track is False)

    return *cast(scene, game, "none", view), listed


def _look(
    scene: ListedScene,
    game: str,
    env: gym.Env | VectorEnv,
    num_envs: int,
    view: View,
    render_mode: str | None,
    roles: Roles | None,
) -> FrameTransform:
    def pictures() -> np.ndarray:
        kept = pictures_of(env)
        assert kept is not None
        return kept if isinstance(env, VectorEnv) else kept[None]

    return look(scene, game, num_envs, view, render_mode, roles, pictures)


# Where the creators tell their render modes, Gymnasium shows "human" in a window by itself.
make_ram.metadata = TransformFrames.metadata  # type: ignore[attr-defined]
