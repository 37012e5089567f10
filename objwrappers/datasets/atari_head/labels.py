"""The label file of a trial: what was done and looked at on each frame, rows of any width.

* :class:`Labels`: columns and ragged gaze, by ascending frame number
* :func:`read_labels`: a stream of bytes → labels; what is malformed is counted
* :data:`HEADER`

A row is ``RZ_5037271_18,0,120,50,10,11,81.37,96.25,81.40,96.31``: the frame's name, five integers,
then pairs (x, y). ``null`` stands for any of the integers, or for all gaze.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np

from objwrappers.datasets.atari_head.reports import COLUMNS, Rejections

__all__ = ["HEADER", "MAX_LABEL_BYTES", "Labels", "read_labels"]

HEADER = "frame_id,episode_id,score,duration(ms),unclipped_reward,action,gaze_positions"

MAX_LABEL_BYTES = 2**29
"""Of a label file: two hours of play at 1000 samples a second take a quarter."""

MAX_ROW_BYTES = 2**22
"""Of one row: five minutes on one frame."""

_LAST_ACTION = 17
_ACTION = COLUMNS.index("action")
_INTEGER = r"(null|-?\d{1,9}|)"
_PAIR = r"-?\d{1,6}(?:\.\d{0,9})?,-?\d{1,6}(?:\.\d{0,9})?"
_ROW = re.compile(
    r"([A-Za-z]{1,16}_\d{1,18})_(\d{1,9})," + f"{_INTEGER}," * 5 + f"(null||{_PAIR}(?:,{_PAIR})*)"
)


class Labels(NamedTuple):
    """R rows, by ascending number.

    Attributes:
        session: What frame names begin with, ``"RZ_5037271"``.
        numbers: int32 (R,), of the frames.
        values: float64 (R, 5), in the order of :data:`.reports.COLUMNS`; NaN for null.
        gaze: float32 (P, 2), all samples in native pixels, (x, y).
        offsets: int64 (R + 1,); row r has the samples ``offsets[r]:offsets[r + 1]``.
        rows: In the file, with those rejected.
        last: The number of a last row without gaze, which is left out; else None.
    """

    session: str
    numbers: np.ndarray
    values: np.ndarray
    gaze: np.ndarray
    offsets: np.ndarray
    rows: int
    last: int | None


def read_labels(stream: IO[bytes], rejected: Rejections) -> Labels:
    """Reads a label file.

    The last row of a trial never has gaze, and mostly nothing else, as the player was gone; it is
    left out. A last row with gaze, of a trial that was cut off, is one like the others.

    Args:
        stream: Of the file.
        rejected: Counts rows that are malformed, of another session than most, or repeated. Of
            rows that are repeated alike one is used, of those that differ none.

    Raises:
        ValueError: Another header, or a file that is too large.
    """
    lines = _lines(stream)
    header = next(lines, b"").decode("utf-8-sig", "backslashreplace").strip()
    if header != HEADER:
        raise ValueError(f"its header is {header[:100]!r}, not {HEADER!r}")
    sessions, row_numbers = [], array("q")
    values, gaze, ends = array("d"), array("f"), array("q")
    texts, rows = array("q"), 0
    for line_number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        rows += 1
        row = _parse(line)
        if row is None:
            start = line[:40].decode("ascii", "backslashreplace").strip()
            rejected.add("malformed rows", f"line {line_number}: {start}")
            continue
        session, number, integers, samples = row
        sessions.append(session)
        row_numbers.append(number)
        values.extend(integers)
        gaze.extend(samples)
        ends.append(len(gaze) // 2)
        texts.append(hash(line.strip()))
    numbers = np.frombuffer(row_numbers, np.int64) if row_numbers else np.zeros(0, np.int64)
    usual = Counter(sessions).most_common(1)[0][0] if sessions else ""
    chosen = _unique(numbers, sessions, usual, texts, rejected)
    starts = np.array([0, *ends], np.int64)
    last = None
    if len(chosen) and starts[chosen[-1]] == starts[chosen[-1] + 1]:
        last = int(numbers[chosen[-1]])
        chosen = chosen[:-1]
    points = np.array(gaze, np.float32).reshape(-1, 2)
    counts = (starts[1:] - starts[:-1])[chosen]
    return Labels(
        usual,
        numbers[chosen].astype(np.int32),
        np.array(values, np.float64).reshape(-1, len(COLUMNS))[chosen],
        np.concatenate([points[:0], *(points[starts[i] : starts[i + 1]] for i in chosen)]),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        rows,
        last,
    )


def _parse(line: bytes) -> tuple[str, int, list[float], map[float]] | None:
    match = _ROW.fullmatch(line.decode("ascii", "replace").strip()) if line else None
    if match is None or not (number := int(match[2])):
        return None
    integers = [float("nan") if m in ("null", "") else float(m) for m in match.groups()[2:7]]
    action, gaze = integers[_ACTION], match[8]
    if not (np.isnan(action) or 0 <= action <= _LAST_ACTION):
        return None
    return (
        match[1],
        number,
        integers,
        map(float, gaze.split(",") if gaze not in ("null", "") else ()),
    )


def _unique(
    numbers: np.ndarray, sessions: list[str], usual: str, texts: array[int], rejected: Rejections
) -> np.ndarray:
    """Returns which rows are used, by ascending number."""
    first: dict[int, int] = {}
    conflicting = set()
    for row, (number, session) in enumerate(zip(numbers.tolist(), sessions, strict=True)):
        if session != usual:
            rejected.add("rows of another session", f"{session}_{number}")
        elif number not in first:
            first[number] = row
        elif texts[first[number]] == texts[row]:
            rejected.add("repeated rows", number)
        else:
            rejected.add("rows that contradict each other", number)
            conflicting.add(number)
    return np.array([first[n] for n in sorted(first) if n not in conflicting], np.int64)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Gives one line after the other; one that is too long is empty of sense, not of place."""
    total = 0
    while line := stream.readline(MAX_ROW_BYTES):
        total += len(line)
        too_long = len(line) == MAX_ROW_BYTES and not line.endswith(b"\n")
        while too_long and (rest := stream.readline(MAX_ROW_BYTES)):
            total += len(rest)
            if total > MAX_LABEL_BYTES or rest.endswith(b"\n"):
                break
        if total > MAX_LABEL_BYTES:
            raise ValueError(f"it has more than {MAX_LABEL_BYTES:,} bytes")
        yield b"too long: " + line[:30] if too_long else line
