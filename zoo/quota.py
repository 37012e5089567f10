"""Plays a quota of games in each env, so that short games are not preferred.

Envs that have played theirs play on and are no longer counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from players import RandomPolicy
from stable_baselines3.common.vec_env import VecEnv

__all__ = ["EpsilonGreedy", "Games", "play_quota"]


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


class EpsilonGreedy:
    """Acts as an agent does, except for a share of random actions, drawn for each env.

    A greedy agent can run to and fro for the rest of a game when nothing in the game is random.

    Args:
        model: The agent.
        env: Whose actions are sampled.
        epsilon: Share of random actions.
        seed: Of the samples.
    """

    def __init__(self, model: Any, env: VecEnv, epsilon: float, seed: int) -> None:
        self._model = model
        self._epsilon = epsilon
        self._random = RandomPolicy(env, seed)
        self._rng = np.random.default_rng(seed)

    def predict(self, observation: Any, **options: Any) -> tuple[np.ndarray, Any]:
        """Returns one action for each env, and the agent's state."""
        actions, state = self._model.predict(observation, **options)
        drawn, _ = self._random.predict(observation)
        explores = self._rng.random(len(drawn)) < self._epsilon
        explores = explores.reshape(-1, *[1] * (drawn.ndim - 1))
        return np.where(explores, drawn, actions), state


def play_quota(policy: Any, env: VecEnv, episodes: int, deterministic: bool) -> Games:
    """Plays.

    Args:
        policy: An agent, or something else that predicts.
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
        actions, state = policy.predict(
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
