"""PPO from end to end: env-steps a second of playing and learning together.

:func:`ppo_speed`: keypoints, pixels, and pixels by Stable-Baselines3's own means
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from objwrappers.games import check_game
from objwrappers.perception.loading import check_device
from objwrappers.sb3.device_buffer import DeviceRolloutBuffer
from objwrappers.sb3.vec_env import GymVecEnv
from objwrappers.scoring.speed import Row, machine, take_turns
from objwrappers.scoring.speed_scale import sb3_stack

__all__ = ["ppo_speed"]

REFERENCE = "pixels, SB3's own stack"
SETTINGS: dict[str, Any] = {"n_steps": 128, "n_epochs": 4, "batch_size": 256}
"""RL Zoo's for Atari, and ours for keypoints."""


def ppo_speed(
    game: str = "MsPacman",
    num_envs: int = 16,
    *,
    models: Sequence[str] = ("light", "motion"),
    device: str = "auto",
    seconds: float = 2.0,
    repeats: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Lets PPO learn in turn on each kind of observation, a rollout and its updates at a time.

    Args:
        game: ``"MsPacman"``.
        num_envs: Of all rows.
        models: Perception models of ObjKeypoints, whose keypoints are stacked four times.
        device: Of perception and learning; on CUDA there are rows of keypoints, not stacked, with
            and without passing through NumPy.
        seconds: A turn lasts as long, but at least one rollout.
        repeats: Turns of each row.
        seed: Of games and agents.

    Returns:
        The machine and the options; ``rows``, each with ``name``, ``num_envs``,
        ``env_steps_per_second``, ``ratio_to_reference`` and its ``turns``; the first is the
        reference.

    Raises:
        FileNotFoundError: There are no weights of a model for the game.
        ValueError: No such game, model or device, or counts below 1.
    """
    game, device = check_game(game), check_device(device)
    if num_envs < 1 or repeats < 1:
        raise ValueError(f"num_envs and repeats must be at least 1, got {num_envs}, {repeats}.")
    per_rollout = SETTINGS["n_steps"] * num_envs
    table: list[Row] = []
    envs: list[VecEnv] = []
    try:
        for name, make, options in _entries(game, num_envs, models, device, seed):
            envs.append(make())
            agent = PPO(env=envs[-1], device=device, seed=seed, **SETTINGS, **options)
            table.append(Row(name, per_rollout, _learn(agent, per_rollout)))
        for row in table:
            next(row.player)
        take_turns(table, seconds, repeats)
    finally:
        for env in envs:
            env.close()
    return {
        **machine(device),
        "repeats": repeats,
        "seconds": seconds,
        "game": game,
        "reference": REFERENCE,
        "rows": [
            {
                "name": row.name,
                "num_envs": num_envs,
                "env_steps_per_second": row.rate,
                "ratio_to_reference": row.rate / table[0].rate,
                "turns": row.rates,
            }
            for row in table
        ],
    }


def _entries(
    game: str, num_envs: int, models: Sequence[str], device: str, seed: int
) -> Iterator[tuple[str, Callable[[], VecEnv], dict[str, Any]]]:
    """Names, what makes their envs, and PPO's options; the reference comes first."""
    pixels = {"policy": "CnnPolicy"}
    yield REFERENCE, partial(sb3_stack, game, num_envs, seed), pixels
    yield "pixels, ObjFrames", partial(_ours, f"ObjFrames-{game}-v0", num_envs), pixels
    dense = {"policy": "MultiInputPolicy", "policy_kwargs": {"net_arch": [256, 256]}}
    for model in models:
        options = {"model": model, "device": device}
        make = partial(_ours, f"ObjKeypoints-{game}-v0", num_envs, **options)
        yield f"keypoints, {model}", partial(_stacked, make), dense
        if device.startswith("cuda"):
            yield f"keypoints, {model}, not stacked", make, dense
            stays = {**dense, "rollout_buffer_class": DeviceRolloutBuffer}
            on_device = partial(make, observation="device")
            yield f"keypoints, {model}, not stacked, on the device", on_device, stays


def _ours(env_id: str, num_envs: int, **options: Any) -> VecEnv:
    return GymVecEnv(gym.make_vec(env_id, num_envs=num_envs, **options))


def _stacked(make: Callable[[], VecEnv]) -> VecEnv:
    return VecFrameStack(make(), 4)


def _learn(agent: PPO, steps: int) -> Iterator[None]:
    while True:
        agent.learn(steps, reset_num_timesteps=False)
        yield
