"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

* :func:`collect`: records until there are enough frames
* :func:`frames_folder`: where a game's frames are kept by default
* :func:`play_at_random`, :func:`play_by_agent`: what is recorded, step by step
* :class:`AgentPlay`, :func:`agent_play`: an agent for :func:`collect`
* :func:`next_call`, :func:`next_command`: how to pretrain on a recording

A recording that was interrupted, or is to grow, goes on as if it had never stopped: the game is
played again from its seed, and what is there already is compared instead of written. That costs
the time of playing, about two thirds of what recording took.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.shards import Block
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.rendering.bars import check_noise

__all__ = [
    "AgentPlay",
    "Play",
    "agent_play",
    "collect",
    "frames_folder",
    "next_call",
    "next_command",
    "play_at_random",
    "play_by_agent",
]

STEPS_PER_SHARD = 128

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


def frames_folder(game: str, noise: str = "none") -> Path:
    """Returns the folder in the user's cache where a game's frames are kept.

    Raises:
        ValueError: No such game or noise.
    """
    name = check_game(game)
    return cache_folder("frames", name if check_noise(noise) == "none" else f"{name}-{noise}")


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


def collect(
    game: str,
    folder: str | Path | None = None,
    num_frames: int = 12_000,
    *,
    seed: int = 1,
    num_envs: int = 8,
    noise: str = "none",
    agent: AgentPlay | None = None,
    progress: bool = False,
) -> Recording:
    """Records until a folder holds so many frames, and returns the recording.

    However often it was interrupted or grew, the recording is the same as one made at once.

    Args:
        game: ``"MsPacman"``.
        folder: Made if absent; by default :func:`frames_folder`.
        num_frames: Frames of all envs together, rounded up to whole shards.
        seed: Of the envs and the policy.
        num_envs: Envs side by side.
        noise: Distractor bars on the frames.
        agent: A trained agent; None plays at random.
        progress: Show a bar.

    Raises:
        ValueError: No such game or noise; the folder holds another recording, or one that this
            seed and policy do not play again.
        BlockingIOError: Another process records into the folder.
    """
    facts: dict[str, Any] = {
        "task": check_game(game),
        "policy": agent.policy if agent else "random",
        "seed": seed,
    }
    if check_noise(noise) != "none":
        facts["noise"] = noise
    if agent:
        facts["agent"] = agent.facts
    if num_frames < 1 or num_envs < 1:
        raise ValueError(
            f"num_frames and num_envs must be at least 1, got {num_frames} and {num_envs}."
        )
    folder = frames_folder(game, noise) if folder is None else Path(folder)
    if (folder / INDEX_NAME).exists():
        there = Recording(folder)
        there.check_facts(facts)
        if there.num_frames >= num_frames:
            return there
    with RecordingWriter(folder, facts) as writer:
        if writer.num_envs not in (0, num_envs):
            raise ValueError(
                f"{folder} holds frames of {writer.num_envs} envs side by side, got those of "
                f"{num_envs}; record with as many, or into another folder."
            )
        play = agent.play(num_envs, seed, noise) if agent else None
        blocks = _blocks(play or play_at_random(game, num_envs, seed, noise))
        with closing(blocks), _bar(num_frames, progress) as bar:
            for number, digest in enumerate(writer.digests):
                block = next(blocks)
                if writer.digest_of(*block) != digest:
                    raise ValueError(
                        f"{folder} cannot go on: shard {number} is not what this seed and policy "
                        "play. It was recorded by another version of the agent or of ALE, or on "
                        "another device; remove it or give another folder."
                    )
                bar.update(block.starts.size)
            while writer.num_frames < num_frames:
                block = next(blocks)
                writer.append(*block)
                bar.update(block.starts.size)
    return Recording(folder)


def next_call(recording: Recording) -> dict[str, Any]:
    """Returns what pretraining must be told to learn from a recording.

    Returns:
        ``game``, and ``frames_folder`` unless it is the folder of clean frames, in which
        pretraining looks by itself.
    """
    game = check_game(recording.task)
    if recording.folder.resolve() == frames_folder(game).resolve():
        return {"game": game}
    return {"game": game, "frames_folder": recording.folder}


def next_command(recording: Recording, model: str = "motion") -> str:
    """Returns the command that trains a model on a recording."""
    options = {key.replace("_", "-"): str(value) for key, value in next_call(recording).items()}
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return shlex.join(["python", "zoo/pretrain.py", "--model", model, *words])


def _blocks(play: Play) -> Generator[Block, None, None]:
    try:
        while True:
            steps = [next(play) for _ in range(STEPS_PER_SHARD)]
            names = steps[0][2]
            yield Block(
                np.stack([frames for frames, _, _ in steps]),
                np.stack([starts for _, starts, _ in steps]),
                {name: np.stack([arrays[name] for _, _, arrays in steps]) for name in names},
            )
    finally:
        if isinstance(play, Generator):
            play.close()  # and with it the envs


def _bar(total: int, shown: bool) -> Any:
    from tqdm import tqdm  # comes with huggingface_hub

    return tqdm(total=total, unit="frame", disable=not shown)
