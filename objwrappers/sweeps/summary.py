"""Figures of runs, and their mean and deviation over seeds.

* :func:`read_figures`: JSON files that a run's programs wrote → name of a figure → number
* :func:`summarise`, :func:`format_summary`: one row for each alternative, without the seed
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from objwrappers.files import read_regular

__all__ = ["format_summary", "read_figures", "summarise"]

MAX_FILE_BYTES = 2**24
MAX_DEPTH = 8


def read_figures(wanted: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Reads figures.

    Args:
        wanted: File → name → dotted key, ``table.Pong.0.recall``; numbers count in lists. A key of
            several numbers gives a figure for each, ``name.key``.

    Returns:
        ``figures``: name → number, None where it is not finite; ``error``: None, or which of them
        is not there.
    """
    figures: dict[str, float | None] = {}
    for path, keys in wanted.items():
        try:
            content = json.loads(read_regular(path, MAX_FILE_BYTES))
            for name, key in keys.items():
                figures |= _numbers(_find(content, key), name)
        except LookupError as error:
            return {"figures": figures, "error": f"{path} has no {key}: {error.args[0]}"}
        except (OSError, RecursionError, ValueError) as error:
            return {"figures": figures, "error": f"no figures in {path}: {error}"}
    return {"figures": figures, "error": None}


def _find(value: Any, key: str) -> Any:
    """Follows a dotted key; a name may have dots itself."""
    if not key:
        return value
    if isinstance(value, list):
        first, _, rest = key.partition(".")
        if not first.isdecimal() or int(first) >= len(value):
            raise LookupError(f"{first!r} in a list of {len(value)}.")
        return _find(value[int(first)], rest)
    if not isinstance(value, dict):
        raise LookupError(f"{key!r} in {value!r}.")
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in value:
            return _find(value[name], ".".join(parts[length:]))
    raise LookupError(f"there are {', '.join(map(str, value))}.")


def _numbers(value: Any, name: str, depth: int = 0) -> dict[str, float | None]:
    if isinstance(value, dict | list) and depth < MAX_DEPTH:
        inner = value if isinstance(value, dict) else dict(enumerate(value))
        found = (_numbers(part, f"{name}.{key}", depth + 1) for key, part in inner.items())
        return {key: number for numbers in found for key, number in numbers.items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        if depth:
            return {}
        raise LookupError(f"{value!r} is no number.")
    return {name: float(value) if math.isfinite(value) else None}


def summarise(
    runs: Iterable[tuple[str, Mapping[str, float | None] | None]],
) -> list[dict[str, Any]]:
    """Averages figures over the runs of a group.

    Args:
        runs: Group and figures of each run, None for one that did not end well.

    Returns:
        One row for each group, in order: ``group``, ``runs`` and ``failed`` (counts) and
        ``figures``: name → ``mean``, ``std`` (of a sample; None of a single one), ``count``.
    """
    groups: dict[str, list[Mapping[str, float | None] | None]] = {}
    for group, figures in runs:
        groups.setdefault(group, []).append(figures)
    rows = []
    for group, members in groups.items():
        done = [figures for figures in members if figures is not None]
        names = dict.fromkeys(name for figures in done for name in figures)
        rows.append(
            {
                "group": group,
                "runs": len(members),
                "failed": len(members) - len(done),
                "figures": {name: _moments([f.get(name) for f in done]) for name in names},
            }
        )
    return rows


def _moments(values: list[float | None]) -> dict[str, Any]:
    numbers = [value for value in values if value is not None]
    return {
        "mean": statistics.fmean(numbers) if numbers else None,
        "std": statistics.stdev(numbers) if len(numbers) > 1 else None,
        "count": len(numbers),
    }


def format_summary(rows: list[dict[str, Any]]) -> str:
    """Returns the rows as a table in Markdown.

    A figure that some runs do not have, or that is not finite there, is followed by the count of
    those that it is the mean of.
    """
    names = list(dict.fromkeys(name for row in rows for name in row["figures"]))
    table = [["run", "runs", "failed", *names]]
    for row in rows:
        cells = [_cell(row["figures"].get(name), row["runs"]) for name in names]
        table.append([row["group"], str(row["runs"]), str(row["failed"]), *cells])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in table
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def _cell(moments: Mapping[str, Any] | None, runs: int) -> str:
    if moments is None or moments["mean"] is None:
        return "-"
    text = f"{moments['mean']:.4g}"
    if moments["std"] is not None:
        text += f" ± {moments['std']:.2g}"
    return text if moments["count"] == runs else f"{text} ({moments['count']})"
