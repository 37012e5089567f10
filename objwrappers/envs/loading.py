"""What the entry points of ids share: models are loaded, and say which frames they read.

* :func:`check_names_of`: the options of a family
* :func:`load_keypoints`, :func:`load_scene`: models by name, or those that are given
* :func:`frames_for`: a model → the options of its frames
* :func:`cast`: a scene model, and who is who in what it finds
* :func:`look`: a scene model → what makes observations of it
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from objwrappers.envs.cartridges import screen_size
from objwrappers.envs.options import KEYPOINTS, check_flag, check_names
from objwrappers.games import check_game, rom_name
from objwrappers.registration import FAMILIES
from objwrappers.wrappers.base import check_render_mode

if TYPE_CHECKING:
    from objwrappers.perception.base import PerceptionModel
    from objwrappers.perception.keypoint_module import KeypointModule
    from objwrappers.perception.roles import Roles
    from objwrappers.perception.scenes.classifier import SceneClassifier
    from objwrappers.perception.scenes.module import SceneModule
    from objwrappers.wrappers.base import FrameTransform

__all__ = ["View", "cast", "check_names_of", "frames_for", "load_keypoints", "load_scene", "look"]

TAIL = 12
"""Steps of an object's past that a picture of its track shows."""


@dataclass(frozen=True)
class View:
    """How the objects of a scene are shown.

    Attributes:
        track: Whether objects keep their rows, or options of the tracker.
        roles: Who is who: True for those that are found, a folder or a hub repository, or roles;
            False for none, unless relations or a map need them.
        relations: Places and velocities relative to the player, too.
        map: A map of what is around the player, too.

    Raises:
        ValueError: Another value, or what needs tracked objects without.
    """

    track: bool | Mapping[str, Any] = True
    roles: bool | str | Path | Roles = False
    relations: bool = False
    map: bool = False

    def __post_init__(self) -> None:
        """Checks them."""
        if not isinstance(self.track, bool | Mapping):
            raise ValueError(f"track must be True, False or a dict of options, got {self.track!r}.")
        for name in ("relations", "map"):
            check_flag(name, getattr(self, name))
        if self.track is False and self.has_player:
            raise ValueError("relations and map are of objects that are followed: leave track on.")

    @property
    def has_player(self) -> bool:
        """Whether the player is asked for."""
        return self.relations or self.map

    @property
    def needs_roles(self) -> bool:
        """Whether it needs to be known who is who."""
        return self.roles is not False or self.has_player

    def check_classes(self, classifier: str | SceneClassifier | None) -> None:
        """Raises the error of a classifier beside roles, which have classes of their own."""
        if classifier is not None and self.needs_roles:
            raise ValueError(
                "Roles have classes of their own: leave classifier out, or roles, relations and "
                "map."
            )


def check_names_of(family: str, given: Iterable[str]) -> None:
    """Raises the error of an option that a family does not have."""
    row = FAMILIES[family]
    check_names(given, (*row.options, *row.single_options, *row.vector_options))


def frames_for(
    model: PerceptionModel, render_mode: str | None, native: bool = False
) -> dict[str, Any]:
    """Returns the options that make an env give the frames that a model reads, or native ones."""
    from objwrappers.perception.base import frame_format_of

    check_render_mode(render_mode)
    wanted = frame_format_of(model)
    native = native or wanted.height is None or wanted.width is None
    return {
        "frame_size": None if native else (wanted.height, wanted.width),
        "grayscale": wanted.grayscale and not native,
        "pictures": render_mode is not None,
    }


def load_keypoints(
    game: str,
    model: str | PerceptionModel | None,
    weights: str | None,
    device: str,
    features: str,
    map_size: int | None,
    refine: bool,
    slots: bool,
    runtime: str,
    options: dict[str, Any],
) -> PerceptionModel:
    """Returns the model of keypoints that an id's options name; a scene model for slots.

    A second look and slots are of two models: the keypoints among them have their runtime here.
    """
    from objwrappers.perception.keypoint_module import KeypointModule
    from objwrappers.perception.loading import load_model, model_of
    from objwrappers.rendering.bars import check_noise

    if model is None:
        model = KEYPOINTS if weights is None else model_of(weights)
    if "num_keypoints" in options:
        raise ValueError(
            f"num_keypoints={options['num_keypoints']}: the number of keypoints is that of the "
            f"weights. Train others: python zoo/pretrain.py --model {model} --game {game} "
            f"-params num_keypoints:{options['num_keypoints']} (in Python: objwrappers.pretrain("
            f"{model!r}, {game!r}, hyperparams={ {'num_keypoints': options['num_keypoints']} }))"
        )
    check_names_of("ObjKeypoints", options)
    check_flag("refine", refine)
    noise = check_noise(options.get("noise", "none"))
    if isinstance(model, str):
        model = load_model(
            model, game=check_game(game), weights=weights, device=device, noise=noise
        )
    elif not (callable(model) and hasattr(model, "observation_space")):
        raise ValueError(f"model is a name or a perception model, got {model!r}.")
    if isinstance(model, KeypointModule):
        if slots and (refine or features != "pooled" or map_size is not None):
            raise ValueError(
                "slots, and with them roles, relations and map, are of objects: leave refine, "
                f"features and map_size out, got refine={refine}, features={features!r}, "
                f"map_size={map_size}."
            )
        model = copy.copy(model)  # another env may show other features of the same network
        model.use_features(features, map_size)
        if refine or slots:
            return _second_look(game, model, noise, slots, runtime)
    elif refine or slots:
        raise ValueError(f"refine and slots need a KeypointModule, got {type(model)}.")
    elif features != "pooled" or map_size is not None:
        raise ValueError(f"features={features!r} needs a KeypointModule, got {type(model)}.")
    return model


def _second_look(
    game: str, keypoints: KeypointModule, noise: str, slots: bool, runtime: str
) -> PerceptionModel:
    from objwrappers.perception.runtime import running
    from objwrappers.perception.scenes import second_look

    if keypoints.frame_format.stack > 1:
        raise ValueError(
            f"{keypoints.name} looks at several frames, and a second look, which refine and slots "
            "take, is of one."
        )
    # Whoever gave the model may train it further.
    own = copy.deepcopy(keypoints).eval().requires_grad_(False)
    device = next(own.parameters()).device
    scene = second_look.background_of(check_game(game), str(device), noise)
    kind = second_look.UnderKeypoints if slots else second_look.SecondLook
    network = running(own, runtime)
    # What stays in torch is folded with all of the model.
    apart = None if isinstance(network, type(own)) else network
    return kind(own, scene, apart).eval().requires_grad_(False)


def load_scene(
    game: str,
    model: str | SceneModule,
    weights: str | None,
    device: str,
    classifier: str | SceneClassifier | None,
    options: dict[str, Any],
) -> SceneModule:
    """Returns the model of scenes that an id's options name, with the classifier asked for."""
    from objwrappers.perception.loading import load_model
    from objwrappers.perception.scenes.classifier import SceneClassifier
    from objwrappers.perception.scenes.module import SceneModule
    from objwrappers.rendering.bars import check_noise

    check_names_of("ObjScene", options)
    noise = check_noise(options.get("noise", "none"))
    scene: Any = model
    if isinstance(model, str):
        known = check_game(game)
        scene = load_model(model, known, weights, device, noise, family="scenes")
    if not isinstance(scene, SceneModule):
        raise ValueError(f"ObjScene needs a SceneModule, got a model of {type(scene)}.")
    if classifier is None:
        return scene
    if not isinstance(classifier, SceneClassifier):
        classifier = SceneClassifier.load(classifier, for_module=scene)
    return scene.with_classifier(classifier)


def cast(
    scene: SceneModule, game: str, noise: str, view: View, weights: str | None = None
) -> tuple[SceneModule, Roles | None]:
    """Returns a scene model whose classes are those of the roles, and the roles, if asked for.

    Args:
        scene: The model.
        game: That it sees.
        noise: Bars on its frames.
        view: Which roles.
        weights: Where the model's were told to be.

    Raises:
        FileNotFoundError: There are no roles; the message says how to make them.
        ValueError: They were made for other weights, or are no roles.
    """
    from objwrappers.perception.roles import Roles, find_roles

    roles = view.roles
    if not view.needs_roles:
        return scene, None
    if isinstance(roles, bool):
        roles = find_roles(scene.name, check_game(game), noise, scene.digest, weights=weights)
    elif isinstance(roles, Roles):
        roles.check_belongs(scene.digest)
    elif isinstance(roles, str | Path):
        roles = Roles.load(roles, scene.digest)
    else:
        raise ValueError(
            f"roles must be True, False, a folder, a hub repository or Roles, got {roles!r}."
        )
    return scene.with_classifier(roles.classifier), roles


def look(
    scene: SceneModule,
    game: str,
    num_envs: int,
    view: View,
    render_mode: str | None,
    roles: Roles | None = None,
    pictures: Callable[[], np.ndarray] | None = None,
) -> FrameTransform:
    """Returns what makes observations of a scene model's frames.

    Args:
        scene: The model.
        game: Whose frames they are.
        num_envs: Of one transform.
        view: How objects are shown.
        render_mode: Whether there are pictures.
        roles: Those that :func:`cast` gives.
        pictures: Gives the native frames of all envs where the model reads something else.
    """
    from objwrappers.wrappers.perception import Perceive
    from objwrappers.wrappers.player_view import PlayerView
    from objwrappers.wrappers.tracking import Track

    if view.track is False:
        return Perceive(scene, num_envs)
    tail = TAIL if render_mode is not None else 0
    options = {} if view.track is True else view.track
    track = Track(scene, num_envs, screen_size(rom_name(game)), options, tail)
    if roles is None or not view.has_player:
        return track
    return PlayerView(track, roles, view.relations, view.map, pictures)
