"""The envs that agents are trained in, play, and are filmed in: one way to make them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecEnv, VecTransposeImage, is_vecenv_wrapped

from objwrappers.registration import family_of
from objwrappers.sb3.monitor import GameMonitor
from objwrappers.sb3.vec_env import GymVecEnv

__all__ = ["make_env", "whole_games", "with_device", "with_model"]

Wrapper = Callable[[VecEnv], VecEnv]


def make_env(
    env_id: str,
    num_envs: int,
    env_kwargs: dict[str, Any] | None = None,
    *,
    seed: int | None = None,
    env_wrapper: Callable[[gym.Env], gym.Env] | None = None,
    wrappers: Sequence[Wrapper | None] = (),
    monitor_file: str | None = None,
    info_keywords: tuple[str, ...] = (),
) -> VecEnv:
    """Makes an id's vector env for Stable-Baselines3, with games counted.

    Ids of this package are played by their native vector env, with one forward pass of perception
    for all envs; others, and options that single envs alone have, by single envs, one after the
    other.

    Args:
        env_id: A registered id.
        num_envs: N.
        env_kwargs: Of ``gym.make_vec``.
        seed: Of the first episodes, seed to seed + N - 1.
        env_wrapper: Around each single env, which leads away from the native vector env.
        wrappers: Around the whole, the first one innermost; None is left out.
        monitor_file: CSV file that every game is written to.
        info_keywords: Of the infos at a game's end, written there too.

    Raises:
        ValueError: Observations that stay on the device, which what lies around these envs, and
            playing on, would pass through NumPy.
    """
    options = dict(env_kwargs or {})
    if options.get("observation") == "device":
        raise ValueError(
            "observation='device' is for programs of your own: GymVecEnv(gym.make_vec(...)) and "
            "rollout_buffer_class=objwrappers.sb3.DeviceRolloutBuffer. Leave it out here."
        )
    vector_env: VectorEnv
    family = family_of(env_id)
    native = family and family.vector_entry_point and env_wrapper is None
    if family and native and not options.keys() & set(family.single_options):
        vector_env = gym.make_vec(
            env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **options
        )
    else:

        def single() -> gym.Env:
            env = gym.make(env_id, **options)
            return env if env_wrapper is None else env_wrapper(env)

        vector_env = SyncVectorEnv([single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    env: VecEnv = GymVecEnv(vector_env)
    if seed is not None:
        env.seed(seed)
    env = GameMonitor(env, monitor_file, info_keywords)
    for wrapper in wrappers:
        env = env if wrapper is None else wrapper(env)
    if _needs_transposing(env.observation_space) and not is_vecenv_wrapped(env, VecTransposeImage):
        env = VecTransposeImage(env)
    return env


def _needs_transposing(space: gym.Space) -> bool:
    parts = space.spaces.values() if isinstance(space, gym.spaces.Dict) else [space]
    return any(
        isinstance(part, gym.spaces.Box)
        and is_image_space(part)
        and not is_image_space_channels_first(part)
        for part in parts
    )


def with_device(env_id: str, env_kwargs: dict[str, Any], device: str) -> dict[str, Any]:
    """Returns the options with a device, where the id runs a model of its own and none is given."""
    family = family_of(env_id)
    return {"device": device, **env_kwargs} if family and family.has_model else dict(env_kwargs)


def with_model(env_id: str, env_kwargs: dict[str, Any], former: bool = False) -> dict[str, Any]:
    """Returns the options with the model that an id has where none is named, if that may change.

    Weights name their own.

    Args:
        env_id: The id.
        env_kwargs: Its options.
        former: Name the one that it had before agents' files told of it.
    """
    family = family_of(env_id)
    model = family and (family.former_model if former else family.default_model)
    known = model is None or env_kwargs.get("weights") is not None
    return dict(env_kwargs) if known else {"model": model, **env_kwargs}


def whole_games(env_id: str, env_kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns a training's options without those by which agents are not watched and scored."""
    family = family_of(env_id)
    training = family.training_options if family else ()
    return {name: value for name, value in env_kwargs.items() if name not in training}
