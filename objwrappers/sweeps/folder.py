"""What a run leaves on disk: ``command.json``, ``log.txt``, ``result.json``.

A run is finished when ``result.json`` says that its programs ended well. That file is whole or
absent, and is removed before a run starts again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from objwrappers.files import read_json, write_atomically
from objwrappers.sweeps.plan import Run

__all__ = [
    "COMMAND_NAME",
    "LOCK_NAME",
    "LOG_NAME",
    "PROMPT",
    "RESULT_NAME",
    "is_finished",
    "prepare",
    "read_result",
    "tail_of",
    "write_result",
]

COMMAND_NAME = "command.json"
LOG_NAME = "log.txt"
RESULT_NAME = "result.json"
LOCK_NAME = ".lock"
PROMPT = "$ python "
"""Before each command in the log."""
MAX_BYTES_SHOWN = 4096


def prepare(folder: Path, run: Run) -> None:
    """Makes a run's folder and says in it what is to be run.

    Raises:
        ValueError: A run with another command stands there.
    """
    file = folder / COMMAND_NAME
    content = {"commands": run.commands, "figures": run.figures}
    try:
        there = read_json(file)
    except FileNotFoundError:
        there = None
    if there is not None and there.get("commands") != run.commands:
        raise ValueError(
            f"{folder} holds a run with another command: {there.get('commands')} instead of "
            f"{run.commands}. Take another --log-folder, or remove it."
        )
    if there != content:
        _write(file, content)


def is_finished(folder: Path) -> bool:
    """Whether all its programs ended well."""
    result = read_result(folder)
    return result is not None and result.get("exit_code") == 0


def read_result(folder: Path) -> dict[str, Any] | None:
    """Returns the result of a run; None where it has not ended.

    Raises:
        ValueError: The file is damaged, or no result.
    """
    file = folder / RESULT_NAME
    try:
        result = read_json(file)
    except FileNotFoundError:
        return None
    if missing := [key for key in ("exit_code", "error", "wall_s") if key not in result]:
        raise ValueError(
            f"{file} is no result of a run: it lacks {', '.join(missing)}. Remove it, and the run "
            "starts again."
        )
    return result


def write_result(folder: Path, result: dict[str, Any]) -> None:
    """Writes it whole or not at all."""
    _write(folder / RESULT_NAME, result)


def tail_of(folder: Path, lines: int = 12) -> str:
    """Returns the last lines of a run's log, of its last program; empty where there is none."""
    try:
        with open(folder / LOG_NAME, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MAX_BYTES_SHOWN))
            content = file.read(MAX_BYTES_SHOWN)
    except FileNotFoundError:
        return ""
    text = content.decode(errors="replace").replace("\r", "\n")
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(PROMPT):
            found.clear()
        elif line.strip():
            found.append(line)
    return "\n".join(found[-lines:])


def _write(file: Path, content: dict[str, Any]) -> None:
    with write_atomically(file) as handle:
        handle.write((json.dumps(content, indent=1) + "\n").encode())
