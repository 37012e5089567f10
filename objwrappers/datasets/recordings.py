"""Recordings on disk: frames and named arrays of each step, lossless, in shards.

* :class:`RecordingWriter`: writes a folder of shards, each complete or absent
* :class:`Recording`: reads it, one shard at a time
* :func:`read_facts`: what was recorded

A folder holds ``frames.json`` and ``shard-00000.npz`` and so on, see
:mod:`objwrappers.datasets.shards`.
The index names the task, what else is known of the recording, the arrays, and each shard with a
digest of its content. Folders of an old kind, without digests and arrays, are read, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.datasets.index import (
    INDEX_NAME,
    LAYOUT,
    check_facts,
    layout_of,
    read_index,
    stated_layout,
    task_of,
)
from objwrappers.datasets.locking import FileLock
from objwrappers.datasets.shards import Block, check_block, digest_of, read_shard, write_shard
from objwrappers.files import write_atomically

__all__ = ["Recording", "RecordingWriter", "read_facts"]

_LOCK_NAME = ".writing"


class Recording:
    """A recorded folder, as it stood when it was opened; ``recording[i]`` reads shard i.

    Example:
        >>> for frames, starts, arrays in Recording("ms_pacman"):
        ...     print(frames.shape, arrays["reward"].shape)
        (128, 8, 210, 160, 3) (128, 8)

    Args:
        folder: Written by :class:`RecordingWriter`.

    Raises:
        FileNotFoundError: No recording there.
        ValueError: A damaged index.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._index = read_index(self.folder)
        self._shards: list[dict[str, Any]] = self._index["shards"]

    @property
    def facts(self) -> dict[str, Any]:
        """What was recorded: task, policy, seed and so on."""
        return {key: value for key, value in self._index.items() if key not in LAYOUT}

    @property
    def task(self) -> str:
        """The game, ``"MsPacman"``, or another task."""
        return task_of(self._index)

    @property
    def shard_steps(self) -> list[int]:
        """Steps of each env in each shard."""
        return [shard["steps"] for shard in self._shards]

    @property
    def num_steps(self) -> int:
        """Steps of each env, T."""
        return sum(self.shard_steps)

    @property
    def num_envs(self) -> int:
        """Envs side by side, N; 0 where nothing is recorded yet."""
        return self._shards[0]["envs"] if self._shards else 0

    @property
    def num_frames(self) -> int:
        """Frames of all envs together."""
        return self.num_steps * self.num_envs

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the native frames; of an old recording, read from it."""
        if self.has_digests:
            height, width, channels = self._index["frame_shape"]
            return height, width, channels
        return self[0].frames.shape[2:]

    @property
    def has_digests(self) -> bool:
        """False of an old recording, whose shards cannot be verified."""
        return "arrays" in self._index

    @property
    def num_bytes(self) -> int:
        """Bytes that the shards take on disk."""
        return sum((self.folder / shard["name"]).stat().st_size for shard in self._shards)

    @property
    def digests(self) -> list[str]:
        """The SHA-256 of each shard's content; of an old recording, of its file."""
        if self.has_digests:
            return [shard["digest"] for shard in self._shards]
        return [
            hashlib.sha256(self._path(shard).read_bytes()).hexdigest() for shard in self._shards
        ]

    @property
    def digest(self) -> str:
        """A name of the whole content, that changes with it.

        Raises:
            ValueError: A shard is missing or has not the size that the index says.
        """
        for shard in self._shards:
            size = self._path(shard).stat().st_size
            if size != shard.get("bytes", size):
                raise self._damaged(shard, f"it has {size} bytes instead of {shard['bytes']}")
        return hashlib.sha256(json.dumps([self.task, self.digests]).encode()).hexdigest()

    def check_facts(self, facts: Mapping[str, Any]) -> None:
        """Checks that the recording is of what the facts say; an old one, as far as it knows.

        Raises:
            ValueError: It is another one.
        """
        check_facts(self.folder, self._index, facts)

    def __len__(self) -> int:
        """Returns the number of shards."""
        return len(self._shards)

    def __getitem__(self, index: int) -> Block:
        """Reads and verifies a shard.

        Raises:
            ValueError: A missing, damaged, cut-off, changed or foreign shard; the message names it.
        """
        shard = self._shards[index]
        try:
            block = read_shard(self._path(shard), self.task, shard.get("digest"))
            expected = (shard["steps"], shard["envs"])
            if block.starts.shape != expected:
                raise ValueError(f"shape {block.starts.shape}, not {expected}")
            if self.has_digests and layout_of(block) != stated_layout(self._index):
                raise ValueError("its frames or arrays are others than the index says")
        except ValueError as error:
            raise self._damaged(shard, str(error)) from error
        return block

    def __iter__(self) -> Iterator[Block]:
        """Reads one shard after the other, and keeps none."""
        for index in range(len(self)):
            yield self[index]

    def _path(self, shard: Mapping[str, Any]) -> Path:
        path = self.folder / shard["name"]
        if not path.is_file():
            raise ValueError(
                f"{path} is missing although {INDEX_NAME} names it. Remove {self.folder} and "
                "record again with zoo/collect.py (objwrappers.collect)."
            )
        return path

    def _damaged(self, shard: Mapping[str, Any], why: str) -> ValueError:
        return ValueError(
            f"{self.folder / shard['name']} is damaged or cut off, or of another recording ({why})."
            f" Remove {self.folder} and record again with zoo/collect.py (objwrappers.collect)."
        )


class RecordingWriter:
    """Appends blocks of steps to a folder that nobody else writes to meanwhile.

    What was appended stays whatever happens later. The folder is free again after :meth:`close`,
    at the end of a ``with`` block, or with the process.

    Args:
        folder: Made if absent.
        facts: What is recorded: ``task`` (``game`` is understood, too), policy, seed and so on;
            must equal those already there.

    Raises:
        BlockingIOError: Another writer is at work there.
        ValueError: The folder holds another recording or an old one, or there is no task.
    """

    def __init__(self, folder: str | Path, facts: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        if not isinstance(facts.get("task", facts.get("game")), str):
            raise ValueError(f"A recording's facts name its task, got {dict(facts)}.")
        if reserved := [key for key in LAYOUT if key in facts]:
            raise ValueError(f"{reserved[0]!r} is no name of a fact.")
        self._facts = json.loads(json.dumps(dict(facts)))
        self._open()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FileLock(self.folder / _LOCK_NAME)
        except BlockingIOError as error:
            raise BlockingIOError(
                f"{self.folder} is being recorded by another process; wait for it or give "
                "another folder."
            ) from error
        try:
            self._index = self._open()  # It may have grown before it was locked.
        except BaseException:
            self._lock.release()
            raise
        # A writer that was killed can leave files that it had not finished.
        for pattern in (f".{INDEX_NAME}.*", ".shard-*.npz.*"):
            for unfinished in self.folder.glob(pattern):
                unfinished.unlink(missing_ok=True)

    def _open(self) -> dict[str, Any]:
        if not (self.folder / INDEX_NAME).exists():
            return {**self._facts, "shards": []}
        there = Recording(self.folder)
        there.check_facts(self._facts)
        if not there.has_digests and len(there):
            raise ValueError(
                f"{self.folder} was recorded by an older version and cannot grow; give another "
                "folder or remove it."
            )
        return there._index

    @property
    def num_frames(self) -> int:
        """Frames on disk, of all envs together."""
        return sum(shard["steps"] * shard["envs"] for shard in self._index["shards"])

    @property
    def num_envs(self) -> int:
        """Envs side by side; 0 where nothing is recorded yet."""
        return self._index["shards"][0]["envs"] if self._index["shards"] else 0

    @property
    def digests(self) -> list[str]:
        """The digest of each shard."""
        return [shard["digest"] for shard in self._index["shards"]]

    def digest_of(
        self,
        frames: np.ndarray,
        starts: np.ndarray,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> str:
        """Returns the digest that a shard of this block has, without writing it."""
        return digest_of(task_of(self._index), Block(frames, starts, dict(arrays or {})))

    def append(
        self,
        frames: np.ndarray,
        starts: np.ndarray,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Writes one shard, then names it in the index.

        Args:
            frames: uint8 (t, N, H, W, 3).
            starts: bool (t, N), True where an episode or a recording begins.
            arrays: Name → (t, N, ...), of numbers or truth values. The first block says which
                there are.

        Raises:
            ValueError: Another number of envs, size of frames or arrays than in the shards
                before, or a block that cannot be recorded at all.
            OSError: The disk is full; what was written before remains valid.
        """
        if not self._lock.held:
            raise ValueError(f"The writer of {self.folder} is closed.")
        block = Block(frames, starts, dict(arrays or {}))
        check_block(block)
        layout = layout_of(block)
        if self._index["shards"]:
            self._check_layout(frames.shape[1], layout)
        name = f"shard-{len(self._index['shards']):05d}.npz"
        path = self.folder / name
        digest = write_shard(path, task_of(self._index), block)
        shard = {
            "name": name,
            "steps": frames.shape[0],
            "envs": frames.shape[1],
            "bytes": path.stat().st_size,
            "digest": digest,
        }
        index = {**self._index, **layout, "shards": [*self._index["shards"], shard]}
        with write_atomically(self.folder / INDEX_NAME) as file:
            file.write(json.dumps(index, indent=1).encode())
        self._index = index

    def _check_layout(self, envs: int, layout: dict[str, Any]) -> None:
        if envs != self.num_envs:
            raise ValueError(
                f"{self.folder} holds frames of {self.num_envs} envs side by side, got those of "
                f"{envs}; record with as many, or into another folder."
            )
        if layout != (stated := stated_layout(self._index)):
            raise ValueError(f"{self.folder} holds {stated}, got {layout}.")

    def close(self) -> None:
        """Lets others write; a second call does nothing."""
        self._lock.release()

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Returns what is known of a recording (``game``, policy, seed) and its ``shards``.

    Raises:
        FileNotFoundError: No frames there.
        ValueError: A damaged index.
    """
    index = read_index(Path(folder))
    return {"game": task_of(index), **index} if "task" in index else index
