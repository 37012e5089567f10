"""Does an env fit an agent: are its observations of the same shapes, and of the same things?

* :func:`check_spaces`: shapes
* :func:`perceived`: which frozen models an env's observations are of
* :func:`check_perceived`: a warning where they are of others than in the training
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
from stable_baselines3.common.vec_env import VecEnv

from objwrappers.wrappers.base import TransformFrames, VectorTransformFrames

__all__ = ["PERCEIVED", "check_perceived", "check_spaces", "perceived"]

PERCEIVED = "perceived"
"""Key of an agent's config.json."""
LETTERS = 12  # of a digest


def check_spaces(path: Path, trained: Any, env: VecEnv, env_id: str) -> None:
    """Checks shapes.

    Args:
        path: Of the agent.
        trained: Whatever has the spaces of its training.
        env: Whose spaces are to be the same.
        env_id: Its id.

    Raises:
        ValueError: They are others.
    """
    for kind in ("observation", "action"):
        mine, theirs = (_shapes(getattr(one, f"{kind}_space")) for one in (trained, env))
        if mine != theirs:
            raise ValueError(
                f"{path} was trained on {kind}s of {mine}, but {env_id} with these "
                f"--env-kwargs has {theirs}: give those of its training."
            )


def _shapes(space: gym.Space) -> Any:
    if isinstance(space, gym.spaces.Dict):
        return {key: _shapes(part) for key, part in space.spaces.items()}
    return space.shape if isinstance(space, gym.spaces.Box) else str(space)


def perceived(env: VecEnv) -> dict[str, str]:
    """Returns the beginning of the digest of each frozen model that observations are of.

    Classes and roles are among them. Nothing is known of envs that are not of this package.
    """
    vector = getattr(env.unwrapped, "env", None)
    singles = getattr(getattr(vector, "unwrapped", None), "envs", ())
    for layer in (vector, *singles[:1]):
        while layer is not None:
            if isinstance(layer, TransformFrames | VectorTransformFrames):
                digests = layer.transform.digests
                return {name: digest[:LETTERS] for name, digest in digests.items()}
            layer = getattr(layer, "env", None)
    return {}


def check_perceived(path: Path, trained: Mapping[str, Any], env: VecEnv) -> None:
    """Warns where observations look as in the training and are of other models, or classes.

    Args:
        path: Of the agent.
        trained: What :func:`perceived` gave there; empty for agents of before.
        env: The agent's.
    """
    if not trained:
        return
    here = perceived(env)
    changed = sorted(name for name in trained if here.get(name) != trained[name])
    if changed:
        told = ", ".join(f"{name} {trained[name]}, now {here.get(name)}" for name in changed)
        warnings.warn(
            f"{path} was trained on what others saw ({told}): these are digests of weights, "
            "classes and roles (who is who in the game), and where they differ the numbers of an "
            "observation may mean something else. Give those of its training: --env-kwargs "
            "weights:FOLDER roles:FOLDER.",
            stacklevel=3,
        )
