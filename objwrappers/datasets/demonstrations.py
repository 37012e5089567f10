"""Demonstrations: what an expert did, seen in several contexts at once.

* :class:`Demonstrations`: episodes of one task as arrays
* :func:`read_demonstrations`, :func:`find_demonstrations`: from a recording, of a task
* :func:`demonstrations_folder`: where a task's are kept by default
* :func:`context_bytes`: how a recording holds what a picture looked like

A recording of demonstrations has the views of an episode side by side where others have envs, and
its episodes one after the other. Beside the frames, each step has the simulation's state
(``physics``, and ``task`` for what the episode made of the model), the task's ``observation``, the
``action`` taken there and its ``reward``, the episode's ``number`` and its ``context``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording
from objwrappers.files import cache_folder

__all__ = [
    "BUNDLED",
    "CONTEXT_BYTES",
    "KIND",
    "Demonstrations",
    "context_bytes",
    "demonstrations_folder",
    "find_demonstrations",
    "read_demonstrations",
]

CONTEXT_BYTES = 2048
"""Of a context as JSON, padded with zeros."""

BUNDLED = Path(__file__).parents[1] / "bundled" / "demonstrations"
"""Recordings of a few demonstrations, by task."""

KIND = "demonstrations"
"""The ``kind`` among the facts of such a recording."""

_ONCE = ("task", "number")
_ARRAYS = {
    **{"physics": 1, "task": 1, "observation": 1, "action": 1, "reward": 0, "number": 0},
    "context": 1,
}
"""Name → dimensions of one step's."""


@dataclass(frozen=True)
class Demonstrations:
    """N episodes of T steps, each seen in V views.

    Attributes:
        facts: What was recorded: ``task``, ``policy``, ``horizon``, ``action_repeat``, ``cameras``,
            ``contexts``, ``seed`` and so on.
        frames: uint8 (N, V, T + 1, h, w, 3). Views are contexts, each from every camera.
        contexts: N lists of V dicts, as JSON gives them.
        physics: float64 (N, T + 1, p).
        tasks: float64 (N, q), what the task made of the model.
        observations: float32 (N, T + 1, n), the task's own.
        actions: float32 (N, T, A).
        rewards: float32 (N, T), the task's own.
        numbers: int64 (N,), each episode's own, by which it can be made again.
    """

    facts: Mapping[str, Any]
    frames: np.ndarray
    contexts: list[list[dict[str, Any]]]
    physics: np.ndarray
    tasks: np.ndarray
    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        """Returns the number of episodes, N."""
        return len(self.frames)

    @property
    def task(self) -> str:
        """``"reacher-hard"``."""
        return str(self.facts["task"])

    @property
    def horizon(self) -> int:
        """Actions of an episode, T."""
        return self.frames.shape[2] - 1

    @property
    def num_views(self) -> int:
        """Pictures of each moment, V."""
        return self.frames.shape[1]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return self.frames.shape[3], self.frames.shape[4]

    @property
    def action_repeat(self) -> int:
        """Control timesteps that an action lasted."""
        return int(self.facts["action_repeat"])

    @property
    def cameras(self) -> list[int]:
        """Where each context was seen from; view v is of camera ``v % len(cameras)``."""
        return list(self.facts["cameras"])

    @cached_property
    def returns(self) -> np.ndarray:
        """Of the task's own reward, float64 (N,)."""
        return self.rewards.sum(axis=1, dtype=np.float64)

    def state(self, episode: int, step: int = 0) -> dict[str, np.ndarray]:
        """Returns a moment as :meth:`ControlEnv.set_state` takes it."""
        steps = np.array(step * self.action_repeat)
        return {
            "physics": self.physics[episode, step],
            "task": self.tasks[episode],
            "steps": steps,
        }

    def select(self, episodes: Any) -> Demonstrations:
        """Returns some of the episodes.

        Args:
            episodes: int (n,), or a slice.
        """
        chosen = np.arange(len(self))[episodes]
        parts: dict[str, Any] = {
            field.name: _part(array, episodes)
            for field in dataclasses.fields(self)
            if isinstance(array := getattr(self, field.name), np.ndarray)
        }
        contexts = [self.contexts[int(episode)] for episode in chosen]
        return dataclasses.replace(self, contexts=contexts, **parts)

    def split(self, share: float = 0.1) -> tuple[Demonstrations, Demonstrations]:
        """Returns the first episodes and the last, which are ``share`` of all, at least one.

        Raises:
            ValueError: There is one episode alone.
        """
        if len(self) < 2:
            raise ValueError(
                "One demonstration cannot be split in two parts: record more, or take all "
                "(split='all')."
            )
        held_out = max(1, round(share * len(self)))
        return self.select(slice(-held_out)), self.select(slice(-held_out, None))


def _part(array: np.ndarray, episodes: Any) -> np.ndarray:
    """Returns a part, which keeps not much more than itself in memory."""
    part = array[episodes]
    return part.copy() if 2 * part.nbytes < array.nbytes else part


def context_bytes(context: Mapping[str, Any]) -> np.ndarray:
    """Returns a context as uint8 (CONTEXT_BYTES,), JSON padded with zeros.

    Raises:
        ValueError: It is longer than that.
    """
    text = json.dumps(dict(context), separators=(",", ":")).encode()
    if len(text) > CONTEXT_BYTES:
        raise ValueError(
            f"A context takes at most {CONTEXT_BYTES} bytes as JSON, this one {len(text)}: give it "
            "fewer distractors."
        )
    return np.frombuffer(text.ljust(CONTEXT_BYTES, b"\0"), np.uint8)


def read_demonstrations(folder: str | Path | Recording, count: int | None = None) -> Demonstrations:
    """Reads a recording of demonstrations.

    Args:
        folder: Its folder, or the recording.
        count: Read no more shards than it takes for so many episodes.

    Raises:
        FileNotFoundError: No recording there.
        ValueError: One of something else, without an episode, or damaged.
    """
    recording = folder if isinstance(folder, Recording) else Recording(folder)
    facts = recording.facts
    if facts.get("kind") != KIND:
        raise ValueError(
            f"{recording.folder} holds frames of {recording.task}, but no demonstrations; record "
            "some: python zoo/collect.py --task reacher-hard"
        )
    if not len(recording):
        raise ValueError(f"{recording.folder} holds no demonstration yet: let zoo/collect.py end.")
    _check_facts(recording)
    length = facts["horizon"] + 1
    shape = (recording.num_envs, length, *recording.frame_shape)
    shards = _shards(recording, length, count)
    frames = np.empty((sum(recording.shard_steps[:shards]) // length, *shape), np.uint8)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in _ARRAYS}
    begin = 0
    for shard in range(shards):
        block = recording[shard]
        _check(recording, block, length)
        count = len(block.frames) // length
        episodes = block.frames.reshape(count, length, *block.frames.shape[1:])
        frames[begin : begin + count] = episodes.swapaxes(1, 2)
        begin += count
        for name in _ARRAYS:
            array = block.arrays[name].reshape(count, length, *block.arrays[name].shape[1:])
            # What an episode has once is in all its rows, and nothing but contexts differs by view.
            if name == "context":
                kept[name].append(array[:, 0])
            else:
                kept[name].append(array[:, 0, 0] if name in _ONCE else array[:, :, 0])
    arrays = {name: np.concatenate(parts) for name, parts in kept.items()}
    contexts = [[_context(recording, view) for view in views] for views in arrays["context"]]
    return Demonstrations(
        facts,
        frames,
        contexts,
        physics=arrays["physics"],
        tasks=arrays["task"],
        observations=arrays["observation"],
        actions=arrays["action"][:, :-1],
        rewards=arrays["reward"][:, :-1],
        numbers=arrays["number"],
    )


def find_demonstrations(task: str, folder: Path | None = None) -> Demonstrations:
    """Reads a task's demonstrations.

    Args:
        task: ``"reacher-hard"``.
        folder: By default the user's cache, then the bundled ones.

    Raises:
        FileNotFoundError: There are none; the message says how to make some.
        ValueError: A recording of something else, of another task, or damaged.
    """
    task = task.replace("_", "-")
    places = [demonstrations_folder(task), BUNDLED / task] if folder is None else [folder]
    for place in places:
        if (place / INDEX_NAME).exists():
            found = read_demonstrations(place)
            if found.task != task:
                raise ValueError(f"{place} holds demonstrations of {found.task}, not of {task}.")
            return found
    where = "" if folder is None else f" in {folder}"
    raise FileNotFoundError(
        f"There are no demonstrations of {task}{where}. Record some: python zoo/collect.py --task "
        f"{task} "
        f"(in Python: objwrappers.collect_demonstrations({task!r})); tasks without a script need "
        "an agent: --algo sac (expert=)."
    )


def demonstrations_folder(task: str) -> Path:
    """Returns the folder in the user's cache where a task's demonstrations are kept."""
    return cache_folder("demonstrations", task)


def _check_facts(recording: Recording) -> None:
    """Raises ValueError for facts that no collection writes."""
    facts = recording.facts

    def damaged(name: str) -> ValueError:
        return ValueError(f"{recording.folder} is damaged: {name} = {facts.get(name)!r:.80}.")

    for name in ("horizon", "action_repeat"):
        if type(facts.get(name)) is not int or not 1 <= facts[name] <= recording.num_steps:
            raise damaged(name)
    cameras, contexts = facts.get("cameras"), facts.get("contexts")
    if (
        not isinstance(cameras, list)
        or not cameras
        or any(type(camera) is not int or camera < 0 for camera in cameras)
    ):
        raise damaged("cameras")
    if not isinstance(contexts, list) or len(contexts) * len(cameras) != recording.num_envs:
        raise damaged("contexts")


def _shards(recording: Recording, length: int, count: int | None) -> int:
    """Returns how many shards hold so many episodes; None is all."""
    if count is None:
        return len(recording)
    episodes = np.cumsum(recording.shard_steps) // length
    return min(int(np.searchsorted(episodes, count)) + 1, len(recording))


def _check(recording: Recording, block: Any, length: int) -> None:
    """Raises ValueError for a shard that no collection writes."""
    why = ""
    missing = [name for name in _ARRAYS if name not in block.arrays]
    begins = np.arange(len(block.starts)) % length == 0
    if missing:
        why = f"without {', '.join(missing)}"
    elif len(block.starts) % length or (block.starts != begins[:, None]).any():
        why = f"with episodes of not {length} steps"
    else:
        for name, dimensions in _ARRAYS.items():
            array = block.arrays[name]
            if array.ndim != 2 + dimensions or not np.isfinite(array).all():
                why = f"whose {name} is of {array.dtype} {array.shape}, or not finite"
    if why:
        raise ValueError(f"{recording.folder} holds demonstrations {why}; record them again.")


def _context(recording: Recording, stored: np.ndarray) -> dict[str, Any]:
    try:
        context = json.loads(stored.astype(np.uint8).tobytes().rstrip(b"\0"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{recording.folder} has a context that is no JSON: {error}") from error
    if not isinstance(context, dict):
        raise ValueError(f"{recording.folder} has a context that is no dict: {context!r:.80}")
    return context
