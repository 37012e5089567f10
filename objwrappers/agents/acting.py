"""An agent that acts in whatever env it is asked to, one observation at a time.

:func:`load_actor`: an agent on disk → :class:`Actor`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.agents.loading import load_agent, read_training

__all__ = ["Actor", "load_actor"]


@dataclass(frozen=True)
class Actor:
    """What acts on one env's observations.

    Attributes:
        act: Observation → the likeliest action.
        env_kwargs: Of its training's env.
        path: Of its archive.
    """

    act: Callable[[Any], np.ndarray]
    env_kwargs: dict[str, Any]
    path: Path


def load_actor(algo: str, env_id: str, *, trust: bool = False, **found: Any) -> Actor:
    """Loads an agent without recurrent state.

    Args:
        algo: ``"sac"``.
        env_id: Of its training.
        trust: See :func:`~objwrappers.agents.loading.load_agent`.
        **found: ``folder``, ``exp_id``, ``load_best``, ``device`` and ``env_kwargs`` of
            :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: A damaged agent, one that must be trusted, or that stacks observations or
            remembers them.
    """
    agent, env = load_agent(algo, env_id, trust=trust, **found)
    env.close()
    assert agent.path is not None
    # Statistics of a VecNormalize go on working when its envs are closed.
    normalise = getattr(env, "normalize_obs", lambda batch: batch)

    def act(observation: Any) -> np.ndarray:
        batch: Any = np.asarray(observation)[None]
        if isinstance(observation, dict):
            batch = {key: value[None] for key, value in observation.items()}
        actions, state = agent.predict(normalise(batch), deterministic=True)
        if state is not None:
            raise ValueError(f"{agent.path} remembers what it saw, which is not kept here.")
        return actions[0]

    training = read_training(agent.path, env_id, trust)
    if training.frame_stack is not None:
        raise ValueError(f"{agent.path} stacks observations, which are not kept here.")
    return Actor(act, dict(training.env_kwargs), agent.path)
