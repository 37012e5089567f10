"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

* :func:`collect`: records until there are enough frames
* :data:`SPLITS`: parts of the data that share no game
* :func:`frames_folder`: where a game's frames are kept by default
* :mod:`objwrappers.pretraining.play`: what is recorded
* :func:`next_call`, :func:`next_command`: how to pretrain on a recording

A recording that was interrupted, or is to grow, goes on as if it had never stopped: the game is
played again from its seed, and what is there already is compared instead of written. That costs
the time of playing, about two thirds of what recording took.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.shards import Block
from objwrappers.datasets.truth import truth_facts
from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.names import check_name
from objwrappers.pretraining.play import (
    AgentPlay,
    Play,
    agent_facts,
    agent_play,
    first_seed,
    play_at_random,
    play_by_agent,
    thinned,
)
from objwrappers.rendering.bars import check_noise

__all__ = [
    "SPLITS",
    "AgentPlay",
    "Play",
    "Split",
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


@dataclass(frozen=True)
class Split:
    """A part of the data that shares no game with the others.

    Attributes:
        num_frames: By default; eight to one to one, as published for SPACE-Time.
        seed_offset: Added to the seed.
    """

    num_frames: int
    seed_offset: int


SPLITS = {
    "train": Split(12_000, 0),
    "validation": Split(1_500, 1_000_000),
    "test": Split(1_500, 2_000_000),
}


def frames_folder(
    game: str, noise: str = "none", split: str = "train", iid: float | None = None
) -> Path:
    """Returns the folder in the user's cache where a game's frames are kept.

    Raises:
        ValueError: No such game, noise or split.
    """
    parts = [check_game(game)]
    if check_noise(noise) != "none":
        parts.append(noise)
    if _split(split) is not SPLITS["train"]:
        parts.append(split)
    if iid is not None:
        parts.append("iid")
    return cache_folder("frames", "-".join(parts))


def collect(
    game: str,
    folder: str | Path | None = None,
    num_frames: int | None = None,
    *,
    seed: int = 1,
    num_envs: int = 8,
    noise: str = "none",
    agent: AgentPlay | None = None,
    split: str = "train",
    truth: bool = False,
    iid: float | None = None,
    progress: bool = False,
) -> Recording:
    """Records until a folder holds so many frames, and returns the recording.

    However often it was interrupted or grew, the recording is the same as one made at once.

    Args:
        game: ``"MsPacman"``.
        folder: Made if absent; by default :func:`frames_folder`.
        num_frames: Frames of all envs together, rounded up to whole shards; by default those of
            the split.
        seed: Of the envs and the policy; those of other splits are others.
        num_envs: Envs side by side.
        noise: Distractor bars on the frames.
        agent: A trained agent; None plays at random.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        truth: Record the objects, too, see :mod:`objwrappers.datasets.truth`. A recording that has
            them keeps them as it grows.
        iid: Keep each frame with this probability, as independent frames, instead of all in their
            order.
        progress: Show a bar.

    Raises:
        ValueError: No such game, noise or split; a game whose memory is not known, with truth; the
            folder holds another recording, or one that this seed and policy do not play again.
        BlockingIOError: Another process records into the folder.
    """
    part = _split(split)
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}.")
    num_frames = part.num_frames if num_frames is None else num_frames
    seed += part.seed_offset
    folder = frames_folder(game, noise, split, iid) if folder is None else Path(folder)
    there = Recording(folder) if (folder / INDEX_NAME).exists() else None
    truth = truth or (there is not None and "truth" in there.facts)
    facts = _facts(game, noise, agent, seed, truth, iid)
    if num_frames < 1 or num_envs < 1:
        raise ValueError(
            f"num_frames and num_envs must be at least 1, got {num_frames} and {num_envs}."
        )
    if there is not None:
        there.check_facts(facts)
        if there.num_frames >= num_frames:
            return there
    with RecordingWriter(folder, facts) as writer:
        if writer.num_envs not in (0, num_envs):
            raise ValueError(
                f"{folder} holds frames of {writer.num_envs} envs side by side, got those of "
                f"{num_envs}; record with as many, or into another folder."
            )
        begin = agent.play if agent else partial(play_at_random, game)
        # Agents of a caller's own need not know of truth.
        play = begin(num_envs, seed, noise, **({"truth": True} if truth else {}))
        blocks = _blocks(play if iid is None else thinned(play, iid, seed))
        with closing(blocks), _bar(num_frames, progress) as bar:
            _catch_up(writer, blocks, bar)
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


def _facts(
    game: str, noise: str, agent: AgentPlay | None, seed: int, truth: bool, iid: float | None
) -> dict[str, Any]:
    """Returns what tells a recording from others."""
    facts: dict[str, Any] = {
        "task": check_game(game),
        "policy": agent.policy if agent else "random",
        "seed": seed,
    }
    if truth:
        facts |= truth_facts(game)
    if iid is not None:
        if not 0 < iid <= 1:
            raise ValueError(f"iid is a probability, above 0 and at most 1, got {iid}.")
        facts["iid"] = iid
    if check_noise(noise) != "none":
        facts["noise"] = noise
    if agent:
        facts["agent"] = agent.facts
    return facts


def _catch_up(writer: RecordingWriter, blocks: Iterator[Block], bar: Any) -> None:
    """Plays again what is recorded already, and compares."""
    for number, digest in enumerate(writer.digests):
        block = next(blocks)
        if writer.digest_of(*block) != digest:
            raise ValueError(
                f"{writer.folder} cannot go on: shard {number} is not what this seed and policy "
                "play. It was recorded by another version of the agent or of ALE, or on "
                "another device; remove it or give another folder."
            )
        bar.update(block.starts.size)


def _split(name: str) -> Split:
    check_name("split", name, SPLITS)
    return SPLITS[name]


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
