"""From a short random play to roles.

* :func:`learn_roles`: plays, learns, writes
* :func:`roles_of`: a play and a classifier → :class:`~objwrappers.perception.roles.Roles`
* :func:`roles_of_known`: the same, where classes and the player are known
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from objwrappers.envs.ram_ids import ram_scene
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.metrics.ram_classes import PLAYERS
from objwrappers.perception.loading import load_model, weights_name
from objwrappers.perception.roles import HARMFUL, Roles, roles_family
from objwrappers.perception.scenes.classes import find_classes
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.listed import ListedScene
from objwrappers.perception.scenes.module import SceneModule
from objwrappers.perception.storage import check_replaceable
from objwrappers.pretraining.roles.agency import agencies
from objwrappers.pretraining.roles.contacts import outcomes
from objwrappers.pretraining.roles.identity import merge, one_thing
from objwrappers.pretraining.roles.landscape import landscape
from objwrappers.pretraining.roles.play import Play, watch_play

__all__ = ["CLASSES", "LearnedRoles", "learn_roles", "roles_of", "roles_of_known"]

CLASSES = ("found", "stored")
"""Which classes roles are of: those that are found in the play, or those of the weights."""

LEAST_AGENCY, TIMES_THE_NEXT = 0.01, 2.0
"""Agency of the class that is taken for the player, by itself and beside that of any other."""

PAYS = 1.0
"""Mean reward of a touch from which on a class is called a prize."""

SEEN_AT_ONCE = 0.98  # share of the steps with objects of a class in which all of them have a row
CLASSIFIED = 1000  # frames that classes are found in
FAMILY, RAM = "scenes", ListedScene.name


@dataclass(frozen=True)
class LearnedRoles:
    """What was learned, and where it lies.

    Attributes:
        folder: Of config.json and model.safetensors.
        roles: As they are there.
        frame: uint8 (H, W, 3), one of the play.
    """

    folder: Path
    roles: Roles
    frame: np.ndarray


def learn_roles(
    game: str,
    model: str = "motion",
    *,
    classes: str | None = None,
    noise: str = "none",
    weights: str | Path | None = None,
    output: str | Path | None = None,
    steps: int = 1500,
    num_envs: int = 16,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[], object] | None = None,
    command: str | None = None,
) -> LearnedRoles:
    """Finds out by a short random play who is who in a game, and writes it down.

    Who is who does not hang on bars: the play has none, whatever the weights were trained for.

    Args:
        game: ``"MsPacman"``.
        model: Whose objects they are, a model of scenes; ``"ram"`` for those of ``ObjRAM``, the
            player among them, which the console's memory knows.
        classes: ``"found"``: without labels, in frames of a play before; ``"stored"``: those of
            the weights, which may have been named by examples, or those that memory knows. By
            default they are found, but those of memory.
        noise: Bars that the model's weights, and these roles, are for.
        weights: Of the model; by default those that are found.
        output: Folder; by default one in the user's cache, where ids look.
        steps: Of each env, at least 2; half as many come before, where classes are found.
        num_envs: Played side by side.
        seed: Of the play.
        device: Of perception.
        report: Called at each step.
        command: What config.json says that made them.

    Raises:
        FileNotFoundError: There are no weights.
        FileExistsError: The folder holds anything else than weights.
        ValueError: No such game, model, noise or classes, too few steps, or no envs.
    """
    game = check_game(game)
    told = model == RAM
    classes = classes or ("stored" if told else "found")
    if classes not in CLASSES:
        raise ValueError(f"classes must be {' or '.join(map(repr, CLASSES))}, got {classes!r}.")
    if told and (classes, noise, weights) != ("stored", "none", None):
        raise ValueError(
            f"The console's memory knows its classes, has no weights and sees no bars: leave them "
            f"out, got classes={classes!r}, noise={noise!r}, weights={weights!r}."
        )
    if steps < 2 or num_envs < 1:
        raise ValueError(f"steps must be at least 2 and num_envs 1, got {steps} and {num_envs}.")
    name = weights_name(model, game, noise, roles_family(FAMILY))
    folder = Path(output) if output is not None else cache_folder("weights") / name
    check_replaceable(folder)
    scene = ram_scene(game) if told else load_model(model, game, weights, device, noise, FAMILY)
    assert isinstance(scene, SceneModule)

    def play(model: SceneModule, steps: int, seed: int) -> Play:
        options: dict[str, Any] = {} if told else {"model": model}
        env_id = f"{'ObjRAM' if told else 'ObjScene'}-{game}-v0"
        env = gym.make_vec(env_id, num_envs, render_mode="rgb_array", **options)
        with closing(env):
            return watch_play(env, steps, seed, report)

    if classes == "found":
        frames = play(scene, steps // 2, seed + 1).frames
        drawn = np.random.default_rng(seed).permutation(frames.shape[0] * frames.shape[1])
        chosen = frames.reshape(-1, *frames.shape[2:])[drawn[:CLASSIFIED]]
        found = find_classes(scene, torch.from_numpy(chosen))
        scene = scene.with_classifier(found)
    watched = play(scene, steps, seed)
    if told:
        roles = roles_of_known(watched, scene.classifier, PLAYERS.get(game))
    else:
        roles = roles_of(watched, scene.classifier, named=classes == "stored")
    labels = roles.classifier.labels
    trained = {
        "trained_on": {"task": game, "noise": noise, "channels": "RGB"},
        "training": {
            "command": command,
            "classes": classes,
            "steps": steps,
            "num_envs": num_envs,
            "seed": seed,
            **{
                key: dict(zip(labels, getattr(roles, key).tolist(), strict=True))
                for key in ("agency", "harm", "worth")
            },
        },
    }
    roles.save(folder, family=FAMILY, model=model, digest=scene.digest, **trained)
    roles.record = {"model": model, "weights_digest": scene.digest, **trained}
    return LearnedRoles(folder, roles, watched.frames[-1, 0])


def roles_of(play: Play, classifier: SceneClassifier, named: bool = False) -> Roles:
    """Learns roles from a play.

    Args:
        play: In terms of the classifier's classes.
        classifier: Of the model that saw it.
        named: Its classes keep their names; otherwise they are called by their roles.
    """
    groups = one_thing(play)
    play = merge(play, groups)
    merged = classifier.merged(groups, _at_once(play))
    share = agencies(play)
    return _roles(play, merged, _player(share), share, named)


def roles_of_known(play: Play, classifier: SceneClassifier, player: str | None) -> Roles:
    """Learns what known classes are to a known player; they keep their names and rows.

    Args:
        play: In terms of the classifier's classes.
        classifier: Of the model that saw it.
        player: Label of the player; None where there is none.
    """
    number = None if player is None else classifier.labels.index(player)
    return _roles(play, classifier, number, agencies(play), named=True)


def _roles(
    play: Play, classifier: SceneClassifier, player: int | None, share: np.ndarray, named: bool
) -> Roles:
    harm, worth = np.zeros((2, len(classifier.labels)))
    if player is not None:
        harm, worth = outcomes(play, player)
    labels = classifier.labels if named else _names(player, harm, worth)
    height, width = play.frames.shape[2:4]
    size = classifier.weight.shape[1]
    roles = Roles(size, labels, classifier.rows, classifier.looks, player, height, width)
    roles.classifier.load_state_dict(classifier.cpu().state_dict())
    for name, values in (("agency", share), ("harm", harm), ("worth", worth)):
        setattr(roles, name, torch.from_numpy(values).float())
    roles.set_scenery(*landscape(play))
    return roles


def _player(agency: np.ndarray) -> int | None:
    """Returns the class that moves as the actions say, if one does and the others do not."""
    first = int(agency.argmax())
    others = np.delete(agency, first).max(initial=0.0)
    if agency[first] < max(LEAST_AGENCY, TIMES_THE_NEXT * others):
        return None
    return first


def _names(player: int | None, harm: np.ndarray, worth: np.ndarray) -> list[str]:
    """Calls classes by what they are to the player."""
    names: list[str] = []
    for kind in range(len(harm)):
        if kind == player:
            names.append("player")
            continue
        name = "danger" if harm[kind] >= HARMFUL else "prize" if worth[kind] >= PAYS else "object"
        names.append(f"{name} {1 + sum(other.startswith(name) for other in names)}")
    return names


def _at_once(play: Play) -> list[int]:
    """Rows of each class: enough for nearly all steps in which there is any of it."""
    rows = []
    for kind in range(int(play.label.max()) + 1):
        there = play.found[..., play.label == kind].sum(-1)
        some = there[there > 0]
        rows.append(int(np.quantile(some, SEEN_AT_ONCE, method="higher")) if len(some) else 1)
    return rows
