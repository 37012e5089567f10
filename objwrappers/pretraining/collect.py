"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from objwrappers.datasets.frames import FrameWriter
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.rendering.bars import check_noise

STEPS_PER_SHARD = 128

Play = Iterator[tuple[np.ndarray, np.ndarray]]


def frames_folder(game: str, noise: str = "none") -> Path:
    """Returns the folder in the user's cache where a game's frames are kept."""
    name = check_game(game)
    return cache_folder("frames", name if noise == "none" else f"{name}-{noise}")


def play_at_random(game: str, num_envs: int, rng: np.random.Generator, noise: str = "none") -> Play:
    """Yields frames uint8 (N, H, W, 3) and starts bool (N,), step by step, for ever."""
    env = make_atari_vec(game, num_envs, noise=noise)
    frames, _ = env.reset(seed=int(rng.integers(2**30)))
    starts, done = np.ones(num_envs, bool), np.zeros(num_envs, bool)
    while True:
        yield frames, starts
        actions = rng.integers(env.single_action_space.n, size=num_envs)  # type: ignore[attr-defined]
        frames, _, terminated, truncated, _ = env.step(actions)
        # Next-step autoreset: the frame after an episode's last begins the next one.
        starts, done = done, terminated | truncated


def play_by_agent(
    algo: str,
    env_id: str,
    folder: str,
    num_envs: int,
    rng: np.random.Generator,
    noise: str = "none",
) -> Play:
    """Yields what a trained agent makes of the game, as :func:`play_at_random` does.

    Raises:
        FileNotFoundError: There is no such agent.
    """
    from objwrappers.agents.loading import load_agent

    agent, env = load_agent(
        algo,
        env_id,
        folder=folder,
        num_envs=num_envs,
        env_kwargs={"noise": noise},
        seed=int(rng.integers(2**30)),
    )
    observation = env.reset()
    starts = np.ones(num_envs, bool)
    state = None
    while True:
        # The wrapper that transforms the frames keeps the last ones.
        yield env.get_attr("frames", 0)[0], starts
        actions, state = agent.predict(
            observation,
            state,
            starts,
            deterministic=False,
        )
        observation, _, starts, _ = env.step(actions)


def collect(
    game: str,
    folder: Path,
    num_frames: int,
    seed: int = 0,
    num_envs: int = 8,
    agent: tuple[str, str, str] | None = None,
    progress: bool = True,
    noise: str = "none",
) -> int:
    """Records until the folder holds ``num_frames`` frames; returns how many it holds.

    Args:
        game: ``"MsPacman"``.
        folder: Made if absent; a recording there continues, with episodes of fresh seeds.
        num_frames: Frames of all envs together, rounded up to whole shards.
        seed: Of the envs and the policy.
        num_envs: Envs side by side.
        agent: Algorithm, id and log folder of a trained agent; None plays at random.
        progress: Show a bar.
        noise: Distractor bars on the frames.

    Raises:
        ValueError: No such game or noise, or the folder holds frames of another recording.
        FileNotFoundError: There is no such agent.
    """
    if agent and f"-{check_game(game)}-" not in str(agent[1]):
        raise ValueError(f"--env {agent[1]} is not an id of {game}.")
    policy = f"{agent[0]} on {agent[1]}" if agent else "random"
    facts = {"game": check_game(game), "policy": policy, "seed": seed}
    if check_noise(noise) != "none":
        facts["noise"] = noise
    if num_frames < 1 or num_envs < 1:
        raise ValueError(f"-n and --num-envs must be at least 1, got {num_frames}, {num_envs}.")
    writer = FrameWriter(folder, facts)
    recorded = writer.num_frames
    if recorded >= num_frames:
        return recorded
    # Past frames shift the seeds, so that a continued recording does not repeat itself.
    rng = np.random.default_rng((seed, recorded))
    play = (
        play_by_agent(*agent, num_envs=num_envs, rng=rng, noise=noise)
        if agent
        else play_at_random(game, num_envs, rng, noise)
    )
    with tqdm(total=num_frames, initial=recorded, unit="frame", disable=not progress) as bar:
        while writer.num_frames < num_frames:
            block = [next(play) for _ in range(STEPS_PER_SHARD)]
            writer.append(*(np.stack(column) for column in zip(*block, strict=True)))
            bar.update(STEPS_PER_SHARD * num_envs)
    return writer.num_frames
