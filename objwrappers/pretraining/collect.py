"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

* :func:`collect`: records until there are enough frames
* :func:`frames_folder`: where a game's frames are kept by default
* :mod:`objwrappers.pretraining.play`: what is recorded
* :func:`next_call`, :func:`next_command`: how to pretrain on a recording

A recording that was interrupted, or is to grow, goes on as if it had never stopped: the game is
played again from its seed, and what is there already is compared instead of written. That costs
the time of playing, about two thirds of what recording took.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.shards import Block
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.pretraining.play import (
    AgentPlay,
    Play,
    agent_facts,
    agent_play,
    first_seed,
    play_at_random,
    play_by_agent,
)
from objwrappers.rendering.bars import check_noise

__all__ = [
    "AgentPlay",
    "Play",
    "agent_facts",
    "agent_play",
    "collect",
    "first_seed",
    "frames_folder",
    "next_call",
    "next_command",
    "play_at_random",
    "play_by_agent",
]

STEPS_PER_SHARD = 128


def frames_folder(game: str, noise: str = "none") -> Path:
    """Returns the folder in the user's cache where a game's frames are kept.

    Raises:
        ValueError: No such game or noise.
    """
    name = check_game(game)
    return cache_folder("frames", name if check_noise(noise) == "none" else f"{name}-{noise}")


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
