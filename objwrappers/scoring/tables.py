"""Scores as text and pictures.

* :func:`format_table`, :func:`draw_table`: rows by games
* :func:`format_rows`: rows of one table
* :func:`draw_sheet`: frames with the objects and the keypoints that were found
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import matplotlib.figure
import numpy as np

from objwrappers.metrics.encodings import SHOTS
from objwrappers.rendering.layout import sheet
from objwrappers.rendering.pictures import write_picture
from objwrappers.scoring.moments import Moment

__all__ = ["SCENE_HEADS", "draw_sheet", "draw_table", "format_rows", "format_table"]

HEADS = {
    "recall": "recall",
    "recall_all": "of all",
    "precision": "precision",
    "centre_error": "centre px",
    "on_bars": "on bars",
    "on_border": "border",
    "consistency": "stays",
    "jitter": "jitter",
    "present": "present",
}
"""Key of a row of keypoints → head of its column."""

SCENE_HEADS = {
    "ap_50": "AP@.5",
    "ap": "AP",
    "precision": "P",
    "recall": "R",
    "f1": "F1",
    "f1_iou": "F1@IoU.5",
    "centre_error": "centre px",
    "centre_error_95": "its 95%",
    "perfect": "perfect",
    "over": "over",
    "under": "under",
    "error_rate": "error",
    **{f"few_shot_{shots}": f"{shots}-shot" for shots in SHOTS},
    "logistic_16": "16, log.",
    "ami": "AMI",
    "ari": "ARI",
    "label": "label",
    "switches": "switches",
}
"""Key of a row of scenes → head of its column."""


def format_table(
    table: dict[str, list[dict]], name: str = "keypoints", heads: dict[str, str] = HEADS
) -> str:
    """Returns one line for each row, below the heads.

    Args:
        table: Game → rows.
        name: Key of what a row is called.
        heads: Key of a column → its head.
    """
    words = "".join(f"{head:>10}" for head in heads.values())
    lines = [f"{'game':14}{'noise':11}{name:36}{words}"]
    for game, rows in table.items():
        for r in rows:
            values = "".join(
                f"{r[key]:10{'d' if isinstance(r[key], int) else '.3f'}}" for key in heads
            )
            lines.append(f"{game:14}{r['noise']:11}{r[name]:36}{values}")
    return "\n".join(lines)


def format_rows(rows: list[dict], name: str, heads: dict[str, str]) -> str:
    """Returns one line for each row, below the heads.

    Args:
        rows: Of one table.
        name: Key of what a row is called.
        heads: Key of a column → its head.
    """
    width = max(len(str(row[name])) for row in rows) + 2
    lines = [f"{name:{width}}" + "".join(f"{head:>10}" for head in heads.values())]
    for row in rows:
        numbers = (f"{row[key]:10{'d' if isinstance(row[key], int) else '.3f'}}" for key in heads)
        lines.append(f"{row[name]:{width}}" + "".join(numbers))
    return "\n".join(lines)


def draw_sheet(path: Path, moments: list[Moment], points: list[np.ndarray], scale: int = 3) -> None:
    """Writes a sheet of twelve frames with the objects' boxes and the keypoints.

    Boxes are white; grey if they count neither for nor against, or are hidden by flicker.
    """
    pictures = []
    for i in np.linspace(0, len(moments) - 1, 12).astype(int):
        truth = moments[i].now
        height, width, _ = truth.frame.shape
        picture = cv2.resize(
            truth.frame, (width * scale, height * scale), interpolation=cv2.INTER_NEAREST
        )
        looked_for = [s for s in truth.shown if s.scored]
        # White last: two ghosts in one place are often one drawn and one hidden.
        for s in sorted(truth.objects, key=looked_for.__contains__):
            corners = np.array([s.x, s.y, s.x, s.y]) + np.array([-1, -1, 1, 1]) / 2 * np.array(
                [s.width, s.height] * 2
            )
            x0, y0, x1, y1 = (corners * scale).round().astype(int).tolist()
            colour = (255, 255, 255) if s in looked_for else (128, 128, 128)
            cv2.rectangle(picture, (x0, y0), (x1, y1), colour, 1)
        for x, y in (_found(points[i]) * scale).round().astype(int).tolist():
            cv2.circle(picture, (x, y), 6, (0, 0, 0), -1)
            cv2.circle(picture, (x, y), 4, (0, 255, 0), -1)
        pictures.append(picture)
    write_picture(path, sheet([pictures[:6], pictures[6:]], gap=0))


def draw_table(path: Path, table: dict[str, list[dict]]) -> None:
    """Writes the recall of each row as a picture: methods by games and noises, shaded."""
    columns = [(game, noise) for game in table for noise in {r["noise"]: 0 for r in table[game]}]
    names = list(dict.fromkeys(_method(r["keypoints"]) for rows in table.values() for r in rows))
    values = np.full((len(names), len(columns)), np.nan)
    for j, (game, noise) in enumerate(columns):
        for r in table[game]:
            if r["noise"] == noise:
                values[names.index(_method(r["keypoints"])), j] = r["recall"]
    figure = matplotlib.figure.Figure((2.5 + 0.9 * len(columns), 1.2 + 0.35 * len(names)))
    axes = figure.subplots()
    axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value < 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), [f"{g}\n{n}" for g, n in columns], fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title("Recall of moving objects, within 10 native pixels")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _method(name: str) -> str:
    """A baseline's name without its number of keypoints, which differs between games."""
    return re.sub(r"^fixed grid of \d+$|^\d+ (uniform points|difference peaks)$", _bare, name)


def _bare(match: re.Match) -> str:
    return match[1] or "fixed grid"


def _found(points: np.ndarray) -> np.ndarray:
    return points[~np.isnan(points).any(-1)]
