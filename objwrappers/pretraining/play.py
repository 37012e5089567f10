"""What is recorded, step by step: a game as a random policy or a trained agent plays it.

* :func:`play_at_random`, :func:`play_by_agent`: steps, for ever
* :class:`AgentPlay`, :func:`agent_play`: an agent for :func:`~objwrappers.pretraining.collect`
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.envs.atari import make_atari_vec

__all__ = [
    "AgentPlay",
    "Play",
    "agent_facts",
    "agent_play",
    "first_seed",
    "play_at_random",
    "play_by_agent",
]

Play = Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]
"""Of each step: frames uint8 (N, H, W, 3); starts bool (N,), True where a frame does not follow
the one before; arrays (N, ...): ``action``, taken at the frame, ``reward``, which it brought.
"""


@dataclass(frozen=True)
class AgentPlay:
    """An agent, as :func:`collect` plays and names it.

    Attributes:
        policy: ``"ppo on ObjKeypoints-MsPacman-v0"``.
        facts: What tells it from other agents: algorithm, id, run, digest of its archive; JSON.
        play: Number of envs, seed and noise → what the agent makes of the game, for ever. Each
            call begins anew: the same arguments give the same steps, in another process too.
    """

    policy: str
    facts: dict[str, Any]
    play: Callable[[int, int, str], Play]


def agent_facts(algo: str, env_id: str, archive: Path) -> dict[str, str]:
    """Returns what tells an agent from others: its id, its run, a digest of its archive."""
    return {
        "algo": algo,
        "env": env_id,
        "run": archive.parent.name,
        "digest": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }


def agent_play(
    algo: str, env_id: str, *, epsilon: float = 0.1, device: str = "auto", **found: Any
) -> AgentPlay:
    """Returns a trained agent for :func:`collect`.

    Args:
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``.
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        epsilon: Share of random actions of a value-based agent; others sample by themselves.
        device: Of perception and of the policy.
        **found: ``folder``, ``exp_id``, ``load_best``, ``trust`` of
            :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: There is no such agent.
    """
    from objwrappers.agents.loading import load_agent
    from objwrappers.agents.players import EpsilonGreedy
    from objwrappers.agents.runs import find_archive, is_value_based

    trust = found.pop("trust", False)
    archive = find_archive(algo, env_id, **found)

    def play(num_envs: int, seed: int, noise: str) -> Play:
        agent, env = load_agent(
            algo,
            env_id,
            num_envs=num_envs,
            env_kwargs={"noise": noise},
            render_mode="rgb_array",  # keeps native frames
            seed=first_seed(seed),
            device=device,
            trust=trust,
            **found,
        )
        predict = agent.predict
        if is_value_based(algo):
            predict = EpsilonGreedy(predict, env, epsilon, seed).predict
        return play_by_agent(predict, env)

    return AgentPlay(f"{algo} on {env_id}", agent_facts(algo, env_id, archive), play)


def play_at_random(game: str, num_envs: int, seed: int, noise: str = "none") -> Play:
    """Yields what uniform actions make of the game, for ever.

    At the last frame of an episode the action is not used, and the next frame begins another.
    """
    rng = np.random.default_rng((seed, 0))
    with closing(make_atari_vec(game, num_envs, noise=noise)) as env:
        frames, _ = env.reset(seed=int(rng.integers(2**30)))
        starts, done = np.ones(num_envs, bool), np.zeros(num_envs, bool)
        while True:
            actions = rng.integers(env.single_action_space.n, size=num_envs)  # type: ignore[attr-defined]
            following, rewards, terminated, truncated, _ = env.step(actions)
            yield frames, starts, {"action": actions, "reward": rewards.astype(np.float32)}
            # Next-step autoreset: the frame after an episode's last begins the next one.
            frames, starts, done = following, done, terminated | truncated


def play_by_agent(predict: Callable[..., Any], env: Any) -> Play:
    """Yields what a trained agent, sampling its actions, makes of the game, for ever.

    The agent never sees an episode's last frame, and it is not recorded.

    Args:
        predict: The agent's.
        env: A VecEnv of Stable-Baselines3, seeded, whose attribute ``pictures`` are the last
            native frames.
    """
    with closing(env):
        observation = env.reset()
        starts, state = np.ones(env.num_envs, bool), None
        while True:
            # The wrapper that transforms the frames keeps the last ones.
            frames = np.array(env.get_attr("pictures", 0)[0])
            actions, state = predict(
                observation, state=state, episode_start=starts, deterministic=False
            )
            observation, rewards, done, _ = env.step(actions)
            arrays = {"action": np.array(actions), "reward": np.asarray(rewards, np.float32)}
            yield frames, starts, arrays
            starts = np.array(done)


def first_seed(seed: int) -> int:
    """The seed of the envs; of a recording's own seed, so that near ones share no game."""
    return int(np.random.default_rng((seed, 0)).integers(2**30))
