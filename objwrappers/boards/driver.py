"""A board from its plan to its page.

:func:`leaderboard`: cells are trained and scored, those that are finished passed over.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objwrappers.boards.cells import Cell, cells_of, select
from objwrappers.boards.page import write_page
from objwrappers.boards.plan import CLEAN, Plan, read_plan
from objwrappers.boards.records import (
    RUN,
    collect,
    read_export,
    read_record,
    write_export,
    write_record,
)
from objwrappers.datasets.locking import FileLock
from objwrappers.files import write_atomically
from objwrappers.sweeps.folder import COMMAND_NAME, LOCK_NAME, read_result, tail_of
from objwrappers.sweeps.plan import find_plan, find_program
from objwrappers.sweeps.running import start, wait_for_lock

__all__ = ["Outcome", "leaderboard", "told"]

POLL_S = 0.2
TRAIN, EVALUATE = "zoo/train.py", "zoo/evaluate.py"


@dataclass(frozen=True)
class Outcome:
    """How a board stands.

    Attributes:
        export: The file that travels.
        written: The page and its pictures.
        failed: Name of a cell → error and the end of its log.
        missing: Names of cells of the plan that have no record.
    """

    export: Path
    written: list[Path]
    failed: dict[str, str]
    missing: list[str]


def leaderboard(
    plan: str | Path = "leaderboard",
    folder: str | Path | None = None,
    *,
    export: str | Path | None = None,
    only: Mapping[str, Sequence[Any]] | None = None,
    jobs: int = 1,
    run: bool = True,
    report: Callable[[str], object] | None = None,
) -> Outcome:
    """Trains and scores the cells of a plan and writes its page; called again, it goes on.

    Args:
        plan: YAML (:func:`~objwrappers.boards.plan.read_plan`), or the name of a file in
            ``hyperparams/boards``.
        folder: Where agents go; by default ``logs/boards/<plan>``.
        export: The file that travels, with the page beside it; by default
            ``zoo/leaderboard/<plan>.json``. What it has is finished, and needs no agent.
        only: Axis → values: ``{"game": ["Pong"], "budget": [100_000]}``.
        jobs: Cells at once; each has its share of the processors as threads.
        run: Run what is left; otherwise only write.
        report: Called with a line when a cell ends.

    Raises:
        FileNotFoundError: No such plan, or no programs to run, as where only the wheel is.
        ValueError: A bad plan, an axis that there is not, jobs below 1, a damaged record.
        RuntimeError: Another board is being run in the folder.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}.")
    file = find_plan(plan, "board")
    read = read_plan(file)
    word = file.name if Path(plan).is_absolute() else str(plan)
    folder = Path("logs", "boards", read.name) if folder is None else Path(folder)
    export = Path("zoo", "leaderboard", f"{read.name}.json") if export is None else Path(export)
    cells = cells_of(read)
    chosen = select(cells, only or {})
    say = report or (lambda line: None)
    failed: dict[str, str] = {}
    with _alone(folder) if run else nullcontext():
        records, _ = _finished(cells, folder, export, say)
        try:
            if run:
                todo = [cell for cell in chosen if cell.name not in records]
                say(f"{len(chosen)} cells in {folder}, {len(chosen) - len(todo)} finished before")
                failed = _fill(todo, folder, jobs, records, say)
        finally:
            # Read once more: another board may have written to the same file meanwhile.
            others, stale = _finished(cells, folder, export, lambda line: None)
            records = {**others, **records}
            written = _write(told(read, cells, word), cells, records, stale, export)
    missing = [cell.name for cell in cells if cell.name not in records]
    return Outcome(export, written, failed, missing)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK_NAME)
    except BlockingIOError as error:
        raise RuntimeError(f"Another board is being run in {folder}.") from error
    with lock:
        yield


def _finished(
    cells: Sequence[Cell], folder: Path, export: Path, say: Callable[[str], object]
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Returns the records that fit the plan, and those that do not any more, which is said."""
    content = read_export(export)
    travelled, kept = content["cells"], [*content["cells"].values(), *content["stale"]]
    by_facts = {record["facts"]: record for record in reversed(kept)}
    records: dict[str, dict[str, Any]] = {}
    for cell in cells:
        here = read_record(folder / cell.name)
        wanted = {"facts": cell.facts, **cell.coordinates}
        known = (here or {}, by_facts.get(cell.facts, {}))
        current = [record for record in known if record.items() >= wanted.items()]
        if current:
            records[cell.name] = current[0]
        elif here or cell.name in travelled:
            say(f"{cell.name} is stale: the plan, or hyperparams/, has changed since it was run")
    planned = {cell.name for cell in cells}
    for name in travelled:
        if name not in planned:
            say(f"{name} is not in the plan any more")
    current_facts = {record["facts"] for record in records.values()}
    return records, [by_facts[facts] for facts in sorted(by_facts.keys() - current_facts)]


def _fill(
    todo: Sequence[Cell],
    folder: Path,
    jobs: int,
    records: dict[str, dict[str, Any]],
    say: Callable[[str], object],
) -> dict[str, str]:
    """Runs cells and adds their records; returns name → error of those that have none."""
    failed: dict[str, str] = {}
    with closing(_run_all(todo, folder, jobs)) as results:
        for count, (cell, record, error) in enumerate(results, 1):
            if record is None:
                failed[cell.name] = str(error)
                ending = str(error).partition("\n")[0]
            else:
                records[cell.name] = record
                ending = f"score {record['score']:.4g}, {record['processor_s']:.0f} processor s"
            say(f"{cell.name}: {ending} ({len(todo) - count} to go)")
    return failed


def _run_all(
    cells: Sequence[Cell], folder: Path, jobs: int
) -> Generator[tuple[Cell, dict[str, Any] | None, str | None]]:
    """Runs cells, so many at once; yields each with its record, or why there is none."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    waiting = list(cells)
    running: dict[subprocess.Popen, Cell] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                cell = waiting.pop(0)
                try:
                    running[_start(cell, folder / cell.name, threads)] = cell
                except BlockingIOError as error:
                    yield cell, None, str(error)
            ended = [process for process in running if process.poll() is not None]
            for process in ended:
                cell = running.pop(process)
                yield (cell, *_conclude(cell, folder / cell.name, process, threads))
            if not ended:
                time.sleep(POLL_S)
    finally:
        # A run ends itself, and its programs, when nobody holds its standard input any more.
        for process in running:
            _let_go(process)
            process.wait()


def _start(cell: Cell, folder: Path, threads: int) -> subprocess.Popen:
    """Starts a cell anew."""
    here = folder / RUN
    here.mkdir(parents=True, exist_ok=True)
    lock = wait_for_lock(here / LOCK_NAME, time.sleep)
    if lock is None:
        raise BlockingIOError(f"{here} is being run by another process: wait, or end it.")
    with lock:
        for path in here.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK_NAME:
                path.unlink()
        commands = cell.commands(here, find_program(TRAIN), find_program(EVALUATE))
        with write_atomically(here / COMMAND_NAME) as file:
            content = {"commands": commands, "figures": {}}
            file.write((json.dumps(content, indent=1) + "\n").encode())
    gpus = 0 if cell.device == "cpu" else 1
    environment = {"OMP_NUM_THREADS": str(threads)}
    return start(here.resolve(), Path.cwd(), 1, gpus, environment)


def _conclude(
    cell: Cell, folder: Path, process: subprocess.Popen, threads: int
) -> tuple[dict[str, Any] | None, str | None]:
    """Makes the record of a cell whose programs ended; or says why there is none."""
    _let_go(process)
    result = read_result(folder / RUN) if process.returncode == 0 else None
    error = result["error"] if result else f"it ended with exit code {process.returncode}"
    if not error:
        try:
            record = collect(cell, folder / RUN, threads)
        except ValueError as problem:
            return None, str(problem)
        write_record(folder, record)
        return record, None
    return None, "\n".join(filter(None, [error, tail_of(folder / RUN)]))


def _let_go(process: subprocess.Popen) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _write(
    board: Mapping[str, Any],
    cells: Sequence[Cell],
    records: Mapping[str, Any],
    stale: Sequence[Mapping[str, Any]],
    export: Path,
) -> list[Path]:
    """Writes the file that travels, and the page of what it holds."""
    ordered = {cell.name: records[cell.name] for cell in cells if cell.name in records}
    write_export(export, board, ordered, stale)
    return write_page(read_export(export), export.with_suffix(".md"))


def told(plan: Plan, cells: Sequence[Cell], word: str) -> dict[str, Any]:
    """Returns what the page tells of the plan; ``word`` is what the program calls it."""
    shown: dict[str, list[list[str]]] = {}
    for cell in cells:
        if cell.noise == CLEAN and cell.observation not in shown:
            folder = f"logs/boards/{plan.name}/{cell.name}/{RUN}"
            shown[cell.observation] = cell.commands(folder, TRAIN, EVALUATE)
    return {
        "name": plan.name,
        "title": plan.title,
        "command": f"python zoo/leaderboard.py {word} --report",
        "games": plan.games,
        "budgets": plan.budgets,
        "seeds": plan.seeds,
        "noises": plan.noises,
        "algos": plan.algos,
        "episodes": plan.episodes,
        "random": plan.random,
        "reference": plan.reference,
        "device": plan.device,
        "notes": plan.notes,
        "observations": {column.name: column.label for column in plan.observations},
        "cells": sum(cell.budget > 0 for cell in cells),
        "commands": [words for commands in shown.values() for words in commands],
    }
