"""A sweep from its file to its table.

:func:`sweep`: the runs of a plan, each in a folder, those that are finished passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objwrappers.datasets.locking import FileLock
from objwrappers.files import write_atomically
from objwrappers.sweeps.cluster import Cluster, connect
from objwrappers.sweeps.folder import (
    LOCK_NAME,
    is_finished,
    prepare,
    read_result,
    tail_of,
    write_result,
)
from objwrappers.sweeps.plan import Run, find_plan, read_plan
from objwrappers.sweeps.running import USAGE_ERROR
from objwrappers.sweeps.summary import format_summary, read_figures, summarise

__all__ = ["SUMMARY_NAME", "Outcome", "sweep"]

SUMMARY_NAME = "summary.json"


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes:
        folder: Of the sweep.
        results: Name of a run → its ``result.json``, or ``{"error": why there is none}``.
        rows: Of the table; see :func:`objwrappers.sweeps.summary.summarise`.
    """

    folder: Path
    results: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]

    @property
    def failed(self) -> dict[str, str]:
        """Name → error and the end of the log, of each run that did not end well."""
        return {
            name: "\n".join(filter(None, [result["error"], tail_of(self.folder / name)]))
            for name, result in self.results.items()
            if result["error"]
        }

    @property
    def table(self) -> str:
        """The rows in Markdown."""
        return format_summary(self.rows)


def sweep(
    file: str | Path,
    folder: str | Path | None = None,
    *,
    sets: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    cpus: float = 1,
    gpus: float = 0,
    address: str | None = None,
    retries: int = 1,
    report: Callable[[str], object] | None = None,
) -> Outcome:
    """Runs a grid and summarises it; started again, it goes on where it was cut off.

    Args:
        file: Of alternatives, or the name of one in ``hyperparams/sweeps``.
        folder: Where it goes; by default ``logs/sweeps/<name of the file>``. The nodes of a cluster
            must share it.
        sets: Names of the file's sets to take; by default all.
        options: Dotted name → value, in place of the file's fixed options.
        cpus: Processors of each run.
        gpus: GPUs of each run; parts of one are possible.
        address: Of a Ray cluster, ``host:port`` or ``"auto"``; by default this machine alone.
        retries: How often a run that failed is started again, options it does not know apart.
        report: Called with a line whenever a run ends.

    Returns:
        Results and table, also written to ``summary.json`` in the folder.

    Raises:
        FileNotFoundError: No such file or program.
        ValueError: A bad file (:func:`~objwrappers.sweeps.plan.read_plan`), a folder of another
            sweep, a negative number of retries, more resources than there are.
        RuntimeError: Another sweep is running in the folder, or Ray is not installed.
        ConnectionError: No cluster at the address.
    """
    if retries < 0:
        raise ValueError(f"retries must be at least 0, got {retries}.")
    folder = sweep_folder(file, folder)
    runs = read_plan(find_plan(file), folder, sets, options)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK_NAME)
    except BlockingIOError as error:
        raise RuntimeError(f"Another sweep is running in {folder}.") from error
    with lock:
        for run in runs:
            prepare(folder / run.name, run)
        todo = [run.name for run in runs if not is_finished(folder / run.name)]
        say = report or (lambda line: None)
        say(f"{len(runs)} runs in {folder}, {len(runs) - len(todo)} finished before")
        errors: dict[str, str] = {}
        if todo:
            with connect(address, cpus, gpus) as cluster:
                errors = _run_all(cluster, folder, todo, retries, say)
        return _conclude(runs, folder, errors)


def sweep_folder(file: str | Path, folder: str | Path | None = None) -> Path:
    """Returns the folder of a sweep: the given one, or that of its file."""
    return Path(folder) if folder is not None else Path("logs", "sweeps", Path(file).stem)


def _run_all(
    cluster: Cluster, folder: Path, names: list[str], retries: int, say: Callable[[str], object]
) -> dict[str, str]:
    """Runs all; returns name → why there is no result."""
    here = Path.cwd()
    errors: dict[str, str] = {}
    for name in names:
        cluster.submit((name, 1), str(here / folder / name), str(here), 1)
    left = len(names)
    for (name, attempt), lost in cluster.ended():
        result = read_result(folder / name) if lost is None else None
        error = lost or ("it left no result" if result is None else result["error"])
        code = result["exit_code"] if result else None
        # Figures that are not there will not be there the next time.
        if error and code not in (0, USAGE_ERROR) and attempt <= retries:
            again = (name, attempt + 1)
            cluster.submit(again, str(here / folder / name), str(here), attempt + 1)
            say(f"{name}: {error}; once more")
            continue
        left -= 1
        if result is None:
            errors[name] = str(error)
        ending = error or f"finished in {result['wall_s']:.0f} s" if result else error
        say(f"{name}: {ending} ({left} to go)")
    return errors


def _conclude(runs: tuple[Run, ...], folder: Path, errors: dict[str, str]) -> Outcome:
    """Reads results, figures once more where the file wants others, and writes the table."""
    results: dict[str, dict[str, Any]] = {}
    for run in runs:
        result = None if run.name in errors else read_result(folder / run.name)
        if result is None:
            result = {"error": errors.get(run.name, "it left no result")}
        elif result["exit_code"] == 0 and (result["error"] or result.get("wanted") != run.figures):
            result |= {**read_figures(run.figures), "wanted": run.figures}
            write_result(folder / run.name, result)
        results[run.name] = result
    rows = summarise(
        (run.group, None if results[run.name]["error"] else results[run.name]["figures"])
        for run in runs
    )
    with write_atomically(folder / SUMMARY_NAME) as file:
        content = {"rows": rows, "runs": results}
        file.write((json.dumps(content, indent=1) + "\n").encode())
    return Outcome(folder, results, rows)
