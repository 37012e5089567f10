"""Entry points of the registered Atari ids that perceive.

* :func:`make_keypoints`, :func:`make_keypoints_vec`: ``ObjKeypoints-<Game>-v0``
* :func:`make_scene`, :func:`make_scene_vec`: ``ObjScene-<Game>-v0``
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.envs.frame_ids import Source, make_frames, make_frames_vec
from objwrappers.envs.loading import (
    View,
    cast,
    frames_for,
    load_keypoints,
    load_scene,
    look,
)
from objwrappers.envs.options import check_flag, check_numbers
from objwrappers.wrappers.base import FrameTransform, TransformFrames, VectorTransformFrames

if TYPE_CHECKING:
    from objwrappers.perception.base import PerceptionModel
    from objwrappers.perception.roles import Roles
    from objwrappers.perception.scenes.classifier import SceneClassifier
    from objwrappers.perception.scenes.module import SceneModule

__all__ = [
    "make_frames",
    "make_frames_vec",
    "make_keypoints",
    "make_keypoints_vec",
    "make_scene",
    "make_scene_vec",
]


def make_keypoints(
    game: str,
    model: str | PerceptionModel | None = None,
    weights: str | None = None,
    device: str = "auto",
    features: str = "pooled",
    map_size: int | None = None,
    refine: bool = False,
    slots: bool = False,
    track: bool | Mapping[str, Any] = True,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    runtime: str = "auto",
    render_mode: str | None = None,
    source: Source[gym.Env] = make_atari,
    **options: Any,
) -> gym.Env:
    """Entry point of ``ObjKeypoints-<Game>-v0``: keypoints on what moves.

    The ALE v5 protocol with max-pooling on (see :mod:`objwrappers.envs.atari`). Observations are
    a dict of float32 arrays: ``keypoints`` (K, 2) as (x, y) in [-1, 1], ``present`` (K,) as
    probabilities, ``features`` (K, F).

    Args:
        game: ``"MsPacman"``.
        model: ``"light"``, ``"motion"``, ``"transporter"``, ``"permakey"``, ``"student"``, or a
            perception model of your own; by default that of ``weights``, else ``"light"``.
        weights: A folder or a hub repository; by default the user's cache, then the bundled ones.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
        features: ``"pooled"``, or ``"map"`` for convolutional policies: ``features`` are then
            uint8 (F, h, w), the network's feature map where keypoints are.
        map_size: h; by default as many rows as the network has, otherwise fewer.
        refine: Keypoints look a second time, at native resolution, and go to the middle of what
            lies under them (:class:`~objwrappers.perception.scenes.second_look.SecondLook`).
        slots: Observations are rows of what lies under keypoints, by class and tracked, as
            :func:`make_scene` gives them; so they are with ``roles``, ``relations`` and ``map``.
        track: See :func:`make_scene`.
        roles: See :func:`make_scene`.
        relations: See :func:`make_scene`.
        map: See :func:`make_scene`.
        runtime: ``"auto"``, ``"torch"`` or ``"onnx"``, what the network runs in, see
            :func:`~objwrappers.perception.runtime.running`.
        render_mode: ``None`` or ``"rgb_array"``: the frame with the keypoints drawn on it.
        source: Makes the env of frames: another has other options.
        **options: Those of :func:`~objwrappers.envs.atari.make_atari`.

    Raises:
        FileNotFoundError: There are no weights or roles; the message says how to make them.
        ValueError: No such game, model or option, options that exclude one another, roles made
            for other weights, or relations and a map in a game where no player was found.
    """
    view = View(track, roles, relations, map)
    slots = _has_slots(slots, view)
    seen = load_keypoints(
        game, model, weights, device, features, map_size, refine, slots, runtime, options
    )
    apart = "auto" if refine else runtime  # a second look has it already
    transform = _look(seen, game, 1, view, render_mode, options, runtime=apart)
    env = source(game, **frames_for(seen, render_mode), **options)
    return TransformFrames(env, transform, render_mode)


def make_keypoints_vec(
    game: str,
    num_envs: int = 1,
    model: str | PerceptionModel | None = None,
    weights: str | None = None,
    device: str = "auto",
    features: str = "pooled",
    map_size: int | None = None,
    refine: bool = False,
    slots: bool = False,
    track: bool | Mapping[str, Any] = True,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    runtime: str = "auto",
    observation: str = "numpy",
    render_mode: str | None = None,
    source: Source[VectorEnv] = make_atari_vec,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjKeypoints-<Game>-v0``: one forward pass for all envs.

    See :func:`make_keypoints`; ``options`` are those of
    :func:`~objwrappers.envs.atari.make_atari_vec`. With ``observation="device"`` observations are
    torch tensors on the model's device, as
    :class:`~objwrappers.sb3.device_buffer.DeviceRolloutBuffer` takes them.
    """
    view = View(track, roles, relations, map)
    slots = _has_slots(slots, view)
    seen = load_keypoints(
        game, model, weights, device, features, map_size, refine, slots, runtime, options
    )
    on_device = _stays_on_device(observation, slots)
    apart = "auto" if refine else runtime  # a second look has it already
    transform = _look(
        seen, game, num_envs, view, render_mode, options, runtime=apart, on_device=on_device
    )
    env = source(game, num_envs, **frames_for(seen, render_mode), **options)
    return VectorTransformFrames(env, transform, render_mode)


def make_scene(
    game: str,
    model: str | SceneModule = "space_time",
    weights: str | None = None,
    device: str = "auto",
    track: bool | Mapping[str, Any] = True,
    classifier: str | SceneClassifier | None = None,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    render_mode: str | None = None,
    source: Source[gym.Env] = make_atari,
    **options: Any,
) -> gym.Env:
    """Entry point of ``ObjScene-<Game>-v0``: objects with boxes, names and velocities.

    The ALE v5 protocol with max-pooling on (see :mod:`objwrappers.envs.atari`). Observations are
    a dict of R rows, of each class as many as the classifier says: ``boxes`` (R, 4), the centre's
    (x, y) in [-1, 1] and the shares of the frame's width and height; ``velocity`` (R, 2), the
    centre's, in the same units a step; ``present`` (R,), probabilities; ``what`` (R, D), z_what;
    ``label`` (R,) uint8, the class of the row. Boxes are as they are found: near the border one
    may reach over it. A row without an object has zeros.

    Args:
        game: ``"MsPacman"``.
        model: ``"space_time"``, ``"space"``, ``"motion"``, or a scene model of your own.
        weights: A folder or a hub repository; by default the user's cache, then the bundled ones.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
        track: An object keeps its row, and lasts where it is not found for a few steps (see
            :class:`~objwrappers.wrappers.tracking.Tracker`), of which ``gate``, ``coast``,
            ``alpha`` and ``beta`` may be given in a dict. With False, the rows of a class hold its
            most probable objects of the frame alone, and there is no ``velocity``.
        classifier: Other names and rows than those stored with the weights: a folder or a hub
            repository that :meth:`SceneClassifier.save` wrote, or a classifier.
        roles: True to name objects by the classes of a short random play, in which one thing of
            several looks is one class, in place of the classifier's; or a folder or hub repository
            of such :class:`~objwrappers.perception.roles.Roles`, or roles.
        relations: Give ``relative`` (R, 4), place and velocity relative to the player's.
        map: Give ``map`` uint8 (4, 21, 21), what is around the player: see
            :class:`~objwrappers.wrappers.player_view.EgocentricMap`.
        render_mode: ``None`` or ``"rgb_array"``: the frame with boxes, names and tracks.
        source: Makes the env of frames: another has other options.
        **options: Those of :func:`~objwrappers.envs.atari.make_atari`.

    Raises:
        FileNotFoundError: There are no weights or roles; the message says how to make them.
        ValueError: No such game, model or option, a classifier or roles made for other weights,
            both of them, or relations and a map in a game where no player was found.
    """
    view = View(track, roles, relations, map)
    view.check_classes(classifier)
    scene = load_scene(game, model, weights, device, classifier, options)
    transform = _look(scene, game, 1, view, render_mode, options, weights)
    env = source(game, **frames_for(scene, render_mode, native=map), **options)
    return TransformFrames(env, transform, render_mode)


def make_scene_vec(
    game: str,
    num_envs: int = 1,
    model: str | SceneModule = "space_time",
    weights: str | None = None,
    device: str = "auto",
    track: bool | Mapping[str, Any] = True,
    classifier: str | SceneClassifier | None = None,
    roles: bool | str | Path | Roles = False,
    relations: bool = False,
    map: bool = False,
    render_mode: str | None = None,
    source: Source[VectorEnv] = make_atari_vec,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjScene-<Game>-v0``: one forward pass, one tracker for all envs.

    See :func:`make_scene`; ``options`` are those of :func:`~objwrappers.envs.atari.make_atari_vec`.
    """
    check_numbers({"num_envs": num_envs})
    view = View(track, roles, relations, map)
    view.check_classes(classifier)
    scene = load_scene(game, model, weights, device, classifier, options)
    transform = _look(scene, game, num_envs, view, render_mode, options, weights)
    env = source(game, num_envs, **frames_for(scene, render_mode, native=map), **options)
    return VectorTransformFrames(env, transform, render_mode)


def _has_slots(slots: bool, view: View) -> bool:
    """Whether keypoints become rows; roles, relations and a map are of rows."""
    check_flag("slots", slots)
    slots = slots or view.needs_roles
    if view.track is not True and not slots:
        raise ValueError(f"track={view.track!r} is of slots: give slots=True as well.")
    return slots


def _stays_on_device(observation: str, slots: bool) -> bool:
    if observation not in ("numpy", "device"):
        raise ValueError(f"observation must be 'numpy' or 'device', got {observation!r}.")
    if observation == "device" and slots:
        raise ValueError("observation='device' is for keypoints; slots are followed in NumPy.")
    return observation == "device"


def _look(
    model: PerceptionModel,
    game: str,
    num_envs: int,
    view: View,
    render_mode: str | None,
    options: Mapping[str, Any],
    weights: str | None = None,
    runtime: str = "auto",
    on_device: bool = False,
) -> FrameTransform:
    """Returns what makes observations of a model's frames; ``weights`` are those of a scene."""
    from objwrappers.perception.scenes.module import SceneModule
    from objwrappers.wrappers.perception import Perceive

    if not isinstance(model, SceneModule):
        return Perceive(model, num_envs, runtime, on_device)
    scene, roles = cast(model, game, options.get("noise", "none"), view, weights)
    return look(scene, game, num_envs, view, render_mode, roles)


# Where the creators tell their render modes, Gymnasium shows "human" in a window by itself.
for _creator in (make_keypoints, make_scene):
    _creator.metadata = TransformFrames.metadata  # type: ignore[union-attr]
