"""Registers every id with Gymnasium: a table of families times the games that ALE ships."""

from __future__ import annotations

import gymnasium as gym

from objwrappers.games import GAMES

__all__ = ["ATARI_FAMILIES", "register_all"]

ATARI_FAMILIES: dict[str, tuple[str, str]] = {
    "ObjFrames": (
        "objwrappers.envs.atari_ids:make_frames",
        "objwrappers.envs.atari_ids:make_frames_vec",
    ),
    "ObjKeypoints": (
        "objwrappers.envs.atari_ids:make_keypoints",
        "objwrappers.envs.atari_ids:make_keypoints_vec",
    ),
}
"""Family → entry points of one env and of the vector env; strings, so that nothing is imported."""


def register_all() -> None:
    """Registers ``<Family>-<Game>-v0`` for every family and game; a second call changes nothing."""
    for family, (entry_point, vector_entry_point) in ATARI_FAMILIES.items():
        for game in GAMES:
            env_id = f"{family}-{game}-v0"
            if env_id not in gym.registry:
                gym.register(
                    id=env_id,
                    entry_point=entry_point,
                    vector_entry_point=vector_entry_point,
                    kwargs={"game": game},
                )
