"""What a cell's programs left, read into one record; records on disk, and in one file that travels.

* :func:`collect`: scores, learning curve, costs and versions → a record
* :func:`read_record`, :func:`write_record`: ``result.json`` in a cell's folder
* :func:`read_export`, :func:`write_export`: ``<plan>.json``, one line a cell, without the episodes
"""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.boards.cells import AGENT, AXES, SCORES_NAME, Cell
from objwrappers.boards.plan import RANDOM
from objwrappers.files import read_json, write_atomically
from objwrappers.sweeps.folder import read_result

__all__ = [
    "CURVE_POINTS",
    "RECORD_NAME",
    "RUN",
    "collect",
    "learning_curve",
    "read_export",
    "read_record",
    "write_export",
    "write_record",
]

RECORD_NAME = "result.json"
"""In a cell's folder, when it is finished."""
RUN = "run"
"""Folder of a cell's programs, in the cell's."""
CURVE_POINTS = 20
CONFIG_NAME = "config.json"
MAX_EXPORT_BYTES = 2**25
MAX_SCORES_BYTES = 2**24
NOT_EXPORTED = ("scores", "commands")
COMMA = ",\n"
NUMBERS = ("score", "deviation", "steps", "processor_s", "wall_s", "cores", "threads")


def learning_curve(steps: np.ndarray, scores: np.ndarray, budget: int) -> list[list[Any]]:
    """Averages the games that ended in windows of a twentieth of the budget.

    Args:
        steps: (E,), of all envs, at each game's end.
        scores: (E,), of the games.
        budget: Steps planned; an algorithm that finishes its rollout goes beyond.

    Returns:
        A window's last step, its games' mean score (None where none ended) and their number.
    """
    edges = [budget * (i + 1) // CURVE_POINTS for i in range(CURVE_POINTS)]
    windows = np.minimum(np.searchsorted(edges, steps), CURVE_POINTS - 1)
    curve: list[list[Any]] = []
    for i, edge in enumerate(edges):
        ended = scores[windows == i]
        curve.append([edge, round(float(ended.mean()), 3) if len(ended) else None, len(ended)])
    return curve


def collect(cell: Cell, folder: Path, threads: int) -> dict[str, Any]:
    """Reads what the programs of a cell wrote.

    Args:
        cell: Whose.
        folder: Of the programs, below the cell's.
        threads: Of each program.

    Returns:
        Coordinates, ``facts``, ``commands``, ``scores`` of the games with their mean ``score`` and
        ``deviation``, ``curve``, ``steps``, ``processor_s`` and ``wall_s`` of the training (of the
        games, for the random policy), ``versions``, what was ``perceived`` (digests of weights),
        ``cores`` of this machine and ``threads``.

    Raises:
        ValueError: A file is missing or damaged.
    """
    from objwrappers.agents.curves import NoEpisodes, read_games
    from objwrappers.agents.fitting import PERCEIVED

    result = read_result(folder)
    if result is None or not result.get("programs"):
        raise ValueError(f"{folder} has no result of its programs.")
    seen: dict[str, str] = {}
    try:
        scores = _flat(read_json(folder / SCORES_NAME, MAX_SCORES_BYTES).get("scores"))
        if cell.algo == RANDOM:
            curve, steps, versions = [], 0, {}
        else:
            agent = folder / AGENT
            configs = [*sorted(agent.rglob(CONFIG_NAME)), agent / CONFIG_NAME]
            config = read_json(configs[0])
            steps, versions = config["trained_timesteps"], config["versions"]
            seen = config.get(PERCEIVED) or {}
            try:
                curve = learning_curve(*read_games(agent), cell.budget)
            except NoEpisodes:  # too short for a game
                curve = learning_curve(np.empty(0), np.empty(0), cell.budget)
    except (FileNotFoundError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} lacks what its programs write: {error}") from error
    return {
        **cell.coordinates,
        "facts": cell.facts,
        "score": round(statistics.fmean(scores), 4),
        "deviation": round(statistics.pstdev(scores), 4),
        "episodes": len(scores),
        "curve": curve,
        "steps": steps,
        **result["programs"][0],
        "cores": os.cpu_count() or 1,
        "threads": threads,
        "versions": versions,
        PERCEIVED: seen,
        "scores": scores,
        "commands": read_json(folder / "command.json")["commands"],
    }


def _flat(scores: Any) -> list[float]:
    """Returns the scores of all games."""
    try:
        flat = np.asarray(scores, float).ravel().tolist()
    except ValueError as error:
        raise TypeError(str(error)) from error
    if not flat or not all(map(math.isfinite, flat)):
        raise TypeError(f"no scores, but {scores!r}")
    return flat


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Writes a cell's record, whole or not at all."""
    with write_atomically(folder / RECORD_NAME) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def read_record(folder: Path) -> dict[str, Any] | None:
    """Returns the record of a cell; None where it is not finished.

    Raises:
        ValueError: The file is damaged, or no record.
    """
    file = folder / RECORD_NAME
    try:
        record = read_json(file)
    except FileNotFoundError:
        return None
    _check(record, f"{file} is no record of a cell. Remove it, and the cell runs again")
    return record


def write_export(
    path: Path,
    board: Mapping[str, Any],
    records: Mapping[str, Any],
    stale: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Writes the file that travels.

    Args:
        path: Of it.
        board: What the page tells of the plan.
        records: Name of a cell → its record.
        stale: Records that do not fit the plan, and would again if it were as it was.
    """
    cells = [f"{json.dumps(name)}: {_line(record)}" for name, record in records.items()]
    parts = [f'"board": {json.dumps(board, indent=1)}', _lines('"cells": {', cells, "}")]
    if stale:
        parts.append(_lines('"stale": [', map(_line, stale), "]"))
    with write_atomically(path) as file:
        file.write(f"{{{COMMA.join(parts)}}}\n".encode())


def _lines(start: str, lines: Iterable[str], end: str) -> str:
    return f"{start}\n{COMMA.join(lines)}\n{end}"


def _line(record: Mapping[str, Any]) -> str:
    """Returns a record in one line, without the episodes."""
    return json.dumps({k: v for k, v in record.items() if k not in NOT_EXPORTED}, sort_keys=True)


def read_export(path: Path) -> dict[str, Any]:
    """Returns ``board``, ``cells`` and ``stale`` of the file that travels; empty without one.

    Raises:
        ValueError: It is damaged, or no such file.
    """
    try:
        content = read_json(path, MAX_EXPORT_BYTES)
    except FileNotFoundError:
        content = {"board": {}, "cells": {}}
    content.setdefault("stale", [])
    for key, kind in (("board", dict), ("cells", dict), ("stale", list)):
        if not isinstance(content.get(key), kind):
            raise ValueError(f"{path} is no board: it lacks {key}.")
    for name, record in content["cells"].items():
        _check(record, f"{path}: {name} is no record of a cell")
    for record in content["stale"]:
        _check(record, f"{path}: what is stale is no record of a cell")
    return content


def _check(record: Any, problem: str) -> None:
    if not isinstance(record, dict):
        raise ValueError(f"{problem}: it is {record!r}.")
    if missing := [key for key in (*AXES, "facts", "curve", *NUMBERS) if key not in record]:
        raise ValueError(f"{problem}: it lacks {', '.join(missing)}.")
    for key in NUMBERS:
        if isinstance(record[key], bool) or not isinstance(record[key], int | float):
            raise ValueError(f"{problem}: {key} is {record[key]!r}.")
    versions = record.get("versions", {})
    if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
        raise ValueError(f"{problem}: its versions are {versions!r}.")
    curve = record["curve"]
    if not isinstance(curve, list) or not all(map(_is_point, curve)):
        raise ValueError(f"{problem}: its curve is no list of steps, scores and games.")


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 3
        and all(isinstance(part, int | float | None) for part in point)
        and isinstance(point[0], int)
    )
