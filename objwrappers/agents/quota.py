"""Plays a quota of games in each env, so that short games are not preferred.

Envs that have played theirs play on and are no longer counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

__all__ = ["Games", "play_quota"]


@dataclass(frozen=True)
class Games:
    """What was played, env by env: the first env's games, then the second's, and so on.

    Attributes:
        scores: (E,), of whole games, not clipped.
        lengths: (E,), agent steps.
        elapsed_time: (E,), seconds from the start to each game's end.
        done_per_env: (N,), games that each env ended, those beyond its quota among them.
    """

    scores: list[float]
    lengths: list[int]
    elapsed_time: list[float]
    done_per_env: list[int]


def play_quota(
    predict: Callable[..., Any], env: VecEnv, episodes: int, deterministic: bool
) -> Games:
    """Plays.

    Args:
        predict: An agent's.
        env: N envs whose infos tell ``episode`` at a game's end, as those of a VecMonitor do.
        episodes: Games in all, shared out among the envs as evenly as possible.
        deterministic: The likeliest action instead of sampling.
    """
    quota = np.array([(episodes + i) // env.num_envs for i in range(env.num_envs)])
    done = np.zeros(env.num_envs, int)
    played: list[list[tuple[float, int, float]]] = [[] for _ in quota]
    begin = time.monotonic()
    observation: Any = env.reset()
    state: Any = None
    starts = np.ones(env.num_envs, bool)
    while (done < quota).any():
        actions, state = predict(
            observation, state=state, episode_start=starts, deterministic=deterministic
        )
        observation, _, starts, infos = env.step(actions)
        for i, info in enumerate(infos):
            if (game := info.get("episode")) is None:
                continue
            done[i] += 1
            if done[i] <= quota[i]:
                elapsed = time.monotonic() - begin
                played[i].append((float(game["r"]), int(game["l"]), elapsed))
    every = [game for games in played for game in games]
    return Games(
        [score for score, _, _ in every],
        [length for _, length, _ in every],
        [elapsed for _, _, elapsed in every],
        done.tolist(),
    )
