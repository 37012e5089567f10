"""The index of a recording, ``frames.json``: read with suspicion."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objwrappers.datasets.shards import MAX_BLOCK_BYTES, Block

__all__ = [
    "INDEX_NAME",
    "LAYOUT",
    "check_facts",
    "layout_of",
    "no_frames",
    "read_index",
    "stated_layout",
    "task_of",
]

INDEX_NAME = "frames.json"
LAYOUT = ("arrays", "frame_shape", "shards")
"""Keys that are no facts of what was recorded."""

_MAX_BYTES = 2**26
_OLD_FACTS = ("game", "policy", "seed", "noise")


def no_frames(folder: Path, game: str = "MsPacman") -> FileNotFoundError:
    """Returns the error to raise where nothing is recorded: how to record, a game or any."""
    return FileNotFoundError(
        f"No frames in {folder}: {INDEX_NAME} is missing. Record some: "
        f"python zoo/collect.py --game {game} --folder {folder} (in Python: "
        f'objwrappers.collect("{game}", {str(folder)!r}))'
    )


def read_index(folder: Path) -> dict[str, Any]:
    """Returns the index of a recorded folder.

    Raises:
        FileNotFoundError: There is none.
        ValueError: A damaged one.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        raise no_frames(folder)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        index = json.loads(path.read_text())
        if not isinstance(index, dict) or not isinstance(index["shards"], list):
            raise ValueError("no list of shards")
        task_of(index)
        for shard in index["shards"]:
            _check_shard(shard, with_digest="arrays" in index)
        if len({shard["name"] for shard in index["shards"]}) != len(index["shards"]):
            raise ValueError("a shard is named twice")
        if len({shard["envs"] for shard in index["shards"]}) > 1:
            raise ValueError("shards of several numbers of envs")
        if "arrays" in index:
            _check_layout(index)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove {folder} and record again."
        ) from error
    return index


def task_of(index: Mapping[str, Any]) -> str:
    """Returns the task, which old recordings call ``game``.

    Raises:
        ValueError: It is missing or no string.
    """
    task = index.get("task", index.get("game"))
    if not isinstance(task, str):
        raise ValueError(f"the task is {task!r}, not a name")
    return task


def check_facts(folder: Path, index: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Checks that an index is of what the facts say; an old one, as far as it knows.

    Raises:
        ValueError: It is another one.
    """
    there = {key: value for key, value in index.items() if key not in LAYOUT}
    asked = dict(facts)
    for known in (there, asked):
        known["game"] = known.pop("task", known.get("game"))
    keys = sorted({*there, *(asked if "arrays" in index else _OLD_FACTS)})
    other = {key: there.get(key) for key in keys if there.get(key) != asked.get(key)}
    if other:
        raise ValueError(
            f"{folder} holds other frames ({other}, asked for "
            f"{ {key: asked.get(key) for key in other} }); give another folder or remove it."
        )


def layout_of(block: Block) -> dict[str, Any]:
    """Returns what all blocks of a recording have in common, as the index states it."""
    arrays = {
        name: {"dtype": array.dtype.name, "shape": list(array.shape[2:])}
        for name, array in sorted(block.arrays.items())
    }
    return {"frame_shape": list(block.frames.shape[2:]), "arrays": arrays}


def stated_layout(index: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the index states of every block."""
    return {"frame_shape": index["frame_shape"], "arrays": index["arrays"]}


def _check_shard(shard: Any, with_digest: bool) -> None:
    name, steps, envs = shard["name"], shard["steps"], shard["envs"]
    counts = (steps, envs, shard["bytes"]) if with_digest else (steps, envs)
    if any(type(count) is not int or count < 1 for count in counts):
        raise ValueError(f"bad shard {shard}")
    if os.path.basename(name) != name or steps * envs > MAX_BLOCK_BYTES:
        raise ValueError(f"bad shard {shard}")
    if with_digest and not isinstance(shard["digest"], str):
        raise ValueError(f"bad shard {shard}")


def _check_layout(index: Mapping[str, Any]) -> None:
    sides = index["frame_shape"]
    if not isinstance(sides, list) or [type(side) for side in sides] != [int] * 3:
        raise ValueError(f"frame_shape {sides!r}")
    if not isinstance(index["arrays"], dict):
        raise ValueError(f"arrays {index['arrays']!r}")
