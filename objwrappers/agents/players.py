"""Policies that play, and one env played step by step.

* :class:`RandomPolicy`, :class:`EpsilonGreedy`: with an agent's interface
* :class:`Player`: one env and what plays it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

if TYPE_CHECKING:
    from objwrappers.agents.loading import Agent

__all__ = ["EpsilonGreedy", "Player", "RandomPolicy"]


class RandomPolicy:
    """Samples the action space, with an agent's interface.

    Args:
        env: Whose actions.
        seed: Of the samples.
    """

    def __init__(self, env: VecEnv, seed: int) -> None:
        self._space, self._num_envs = env.action_space, env.num_envs
        self._space.seed(seed)

    def predict(self, observation: Any, *_: Any, **__: Any) -> tuple[np.ndarray, None]:
        """Returns one action for each env."""
        return np.array([self._space.sample() for _ in range(self._num_envs)]), None


class EpsilonGreedy:
    """Acts as an agent does, except for a share of random actions, drawn for each env.

    A greedy agent can run to and fro for the rest of a game when nothing in the game is random.

    Args:
        predict: The agent's.
        env: Whose actions are sampled.
        epsilon: Share of random actions.
        seed: Of the samples.
    """

    def __init__(self, predict: Callable[..., Any], env: VecEnv, epsilon: float, seed: int) -> None:
        self._predict = predict
        self._epsilon = epsilon
        self._random = RandomPolicy(env, seed)
        self._rng = np.random.default_rng(seed)

    def predict(self, observation: Any, *args: Any, **options: Any) -> tuple[np.ndarray, Any]:
        """Returns one action for each env, and the agent's state."""
        actions, state = self._predict(observation, *args, **options)
        drawn, _ = self._random.predict(observation)
        explores = self._rng.random(len(drawn)) < self._epsilon
        explores = explores.reshape(-1, *[1] * (drawn.ndim - 1))
        return np.where(explores, drawn, actions), state


class Player:
    """One env and what plays it.

    Args:
        name: To tell it from others.
        env: One env.
        agent: Plays it.
        deterministic: The likeliest action instead of sampling.

    Attributes:
        observation: What the agent acts on, (1, ...).
        action: What it does next.
        score: Of the current episode.
        returns: Of the episodes that ended.
    """

    def __init__(self, name: str, env: VecEnv, agent: Agent, deterministic: bool) -> None:
        self.name = name
        self.env = env
        self.agent = agent
        self.score = 0.0
        self.returns: list[float] = []
        self._deterministic = deterministic
        self._state: Any = None
        self._start = np.ones(1, bool)
        self.observation: Any = env.reset()
        self.action = self._act()

    def _act(self) -> Any:
        action, self._state = self.agent.predict(
            self.observation,
            state=self._state,
            episode_start=self._start,
            deterministic=self._deterministic,
        )
        return action

    def step(self) -> None:
        """Takes the action and chooses the next one."""
        self.observation, rewards, self._start, _ = self.env.step(self.action)
        self.score += float(rewards[0])
        if self._start[0]:
            self.returns.append(self.score)
            self.score = 0.0
        self.action = self._act()
