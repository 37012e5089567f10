"""What is recorded, step by step: a game as a random policy or a trained agent plays it.

* :func:`play_at_random`, :func:`play_by_agent`: steps, for ever
* :class:`AgentPlay`, :func:`agent_play`: an agent for :func:`~objwrappers.pretraining.collect`
* :func:`thinned`: independent frames of a play
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.pretraining.truth import Truth
from objwrappers.registration import task_of

__all__ = [
    "AgentPlay",
    "Play",
    "agent_facts",
    "agent_play",
    "first_seed",
    "play_at_random",
    "play_by_agent",
    "thinned",
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
        play: Number of envs, seed and noise → what the agent makes of the game, for ever; with
            ``truth=True``, the arrays of :mod:`objwrappers.datasets.truth` as well. Each call
            begins anew: the same arguments give the same steps, in another process too.
    """

    policy: str
    facts: dict[str, Any]
    play: Callable[..., Play]


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

    def play(num_envs: int, seed: int, noise: str, truth: bool = False) -> Play:
        agent, env = load_agent(
            algo,
            env_id,
            num_envs=num_envs,
            # Envs that keep raw frames are single ones: the vector env shows no memory.
            env_kwargs={"noise": noise, **({"raw_frames": True} if truth else {})},
            render_mode="rgb_array",  # keeps native frames
            seed=first_seed(seed),
            device=device,
            trust=trust,
            **found,
        )
        predict = agent.predict
        if is_value_based(algo):
            predict = EpsilonGreedy(predict, env, epsilon, seed).predict
        return play_by_agent(predict, env, Truth(str(task_of(env_id)), env) if truth else None)

    return AgentPlay(f"{algo} on {env_id}", agent_facts(algo, env_id, archive), play)


def play_at_random(
    game: str, num_envs: int, seed: int, noise: str = "none", truth: bool = False
) -> Play:
    """Yields what uniform actions make of the game, for ever.

    At the last frame of an episode the action is not used, and the next frame begins another.
    With ``truth`` it is another game of the same kind, played by single envs, with the arrays of
    :mod:`objwrappers.datasets.truth`.
    """
    rng = np.random.default_rng((seed, 0))
    with closing(_make_envs(game, num_envs, noise, truth)) as env:
        frames, _ = env.reset(seed=int(rng.integers(2**30)))
        look = Truth(game, env) if truth else None
        starts, done = np.ones(num_envs, bool), np.zeros(num_envs, bool)
        while True:
            actions = rng.integers(env.single_action_space.n, size=num_envs)  # type: ignore[attr-defined]
            objects = look(starts) if look else {}
            following, rewards, terminated, truncated, _ = env.step(actions)
            arrays = {"action": actions, "reward": rewards.astype(np.float32)}
            yield frames, starts, {**arrays, **objects}
            # Next-step autoreset: the frame after an episode's last begins the next one.
            frames, starts, done = following, done, terminated | truncated


def _make_envs(game: str, num_envs: int, noise: str, truth: bool) -> VectorEnv:
    if not truth:
        return make_atari_vec(game, num_envs, noise=noise)
    single = partial(make_atari, game, noise=noise, raw_frames=True)
    return SyncVectorEnv([single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)


def play_by_agent(predict: Callable[..., Any], env: Any, truth: Truth | None = None) -> Play:
    """Yields what a trained agent, sampling its actions, makes of the game, for ever.

    The agent never sees an episode's last frame, and it is not recorded.

    Args:
        predict: The agent's.
        env: A VecEnv of Stable-Baselines3, seeded, whose attribute ``pictures`` are the last
            native frames.
        truth: A :class:`Truth` of the env, if the objects are wanted; its frames are taken then.
    """
    with closing(env):
        observation = env.reset()
        starts, state = np.ones(env.num_envs, bool), None
        while True:
            # The wrapper that transforms the frames keeps the last ones.
            frames = truth.frames if truth else np.array(env.get_attr("pictures", 0)[0])
            objects = truth(starts) if truth else {}
            actions, state = predict(
                observation, state=state, episode_start=starts, deterministic=False
            )
            observation, rewards, done, _ = env.step(actions)
            arrays = {"action": np.array(actions), "reward": np.asarray(rewards, np.float32)}
            yield frames, starts, {**arrays, **objects}
            starts = np.array(done)


def thinned(play: Play, share: float, seed: int) -> Play:
    """Yields independent frames: each is kept with a probability, and starts for itself.

    Rows are filled as envs have frames, so that the envs of one may be steps apart.

    Args:
        play: What is played.
        share: The probability, in (0, 1].
        seed: Of the drawing.
    """
    rng = np.random.default_rng((seed, 1))
    kept: list[deque[tuple[np.ndarray, dict[str, np.ndarray]]]] = []
    try:
        for frames, starts, arrays in play:
            kept = kept or [deque() for _ in starts]
            for env in np.flatnonzero(rng.random(len(starts)) < share):
                one = {name: array[env] for name, array in arrays.items()}
                kept[env].append((frames[env], one))
            while all(kept):
                row = [waiting.popleft() for waiting in kept]
                joined = {name: np.stack([one[name] for _, one in row]) for name in arrays}
                yield np.stack([frame for frame, _ in row]), np.ones(len(row), bool), joined
    finally:
        if isinstance(play, Generator):
            play.close()  # and with it the envs


def first_seed(seed: int) -> int:
    """The seed of the envs; of a recording's own seed, so that near ones share no game."""
    return int(np.random.default_rng((seed, 0)).integers(2**30))
