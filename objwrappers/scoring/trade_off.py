"""What keypoints find, over the time that a frame takes.

:func:`recall_over_time`: models, or folders of their weights → figures, and a picture
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.figure
import matplotlib.ticker
import torch

from objwrappers.files import write_atomically
from objwrappers.games import check_game
from objwrappers.perception.loading import check_device, load_model, model_of
from objwrappers.perception.runtime import running
from objwrappers.scoring.keypoints import FIRST_SEED, score
from objwrappers.scoring.speed import Row, check_counts, look, machine, take_turns

__all__ = ["recall_over_time"]

KNOWN = ("recall", "precision", "centre_error")


def recall_over_time(
    game: str = "MsPacman",
    entries: Sequence[str | Path] = ("light", "motion"),
    *,
    runtimes: Sequence[str] = ("torch", "onnx"),
    batch: int = 16,
    frames: int = 1000,
    device: str = "auto",
    seconds: float = 1.0,
    repeats: int = 5,
    picture: str | Path | None = None,
) -> dict[str, Any]:
    """Scores keypoints and times their networks, on frames of the size that each reads.

    Args:
        game: Whose memory is known, ``"MsPacman"``.
        entries: Models by name, or folders of weights.
        runtimes: See :func:`~objwrappers.perception.runtime.running`; a model that cannot run in
            one of several has no row of it.
        batch: Frames at once.
        frames: That are scored.
        device: Of perception.
        seconds: Length of a turn.
        repeats: Turns of each row.
        picture: A PNG to write.

    Returns:
        The machine and the options; ``rows``, each with ``name``, ``runtime``,
        ``microseconds`` a frame, ``recall``, ``precision``, ``centre_error`` and its ``turns``
        (frames a second).

    Raises:
        FileNotFoundError: There are no weights of a model for the game.
        ValueError: No such game, model, runtime or device, weights that are not of keypoints, or
            counts below 1.
    """
    game, device = check_game(game), check_device(device)
    check_counts(batch, repeats)
    table: list[Row] = []
    rows: list[dict[str, Any]] = []
    for entry in entries:
        folder = entry if Path(entry).is_dir() else None
        name = str(entry) if folder is None else model_of(folder)
        model = load_model(name, game, folder, device, family="keypoints").eval()
        form = model.frame_format
        shape = (batch, form.height or 210, form.width or 160, 1 if form.grayscale else 3)
        shown = torch.randint(256, shape, dtype=torch.uint8, device=device)
        here = []
        for runtime in runtimes:
            if runtime == "onnx" and model.exportable is False and len(runtimes) > 1:
                continue
            here.append({"name": Path(entry).name, "runtime": runtime})
            table.append(Row(Path(entry).name, batch, look(running(model, runtime), shown)))
            next(table[-1].player)
        given = [] if folder is None else [folder]
        known = score(game, name, weights=given, frames=frames, seed=FIRST_SEED, device=device)
        rows += [row | {key: known[game][0][key] for key in KNOWN} for row in here]
    take_turns(table, seconds, repeats)
    for row, timed in zip(rows, table, strict=True):
        row |= {"microseconds": 1e6 / timed.rate, "turns": timed.rates}
    if picture is not None:
        _draw(Path(picture), game, rows)
    return {
        **machine(device),
        "repeats": repeats,
        "seconds": seconds,
        "game": game,
        "batch": batch,
        "frames": frames,
        "rows": rows,
    }


def _draw(path: Path, game: str, rows: list[dict[str, Any]]) -> None:
    """Writes recall over time: a marker for each runtime, a line between those of a model."""
    figure = matplotlib.figure.Figure((7, 4.5))
    axes = figure.subplots()
    for name in dict.fromkeys(row["name"] for row in rows):
        here = sorted((row["microseconds"], row["recall"]) for row in rows if row["name"] == name)
        axes.plot(*zip(*here, strict=True), color="0.6", zorder=0)
        axes.annotate(
            name, here[0], xytext=(-6, -3), textcoords="offset points", ha="right", fontsize=8
        )
    for marker, runtime in zip("os^", dict.fromkeys(row["runtime"] for row in rows), strict=False):
        here = [(row["microseconds"], row["recall"]) for row in rows if row["runtime"] == runtime]
        axes.scatter(*zip(*here, strict=True), marker=marker, label=runtime)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.margins(x=0.15, y=0.1)
    axes.set_xlabel("microseconds a frame")
    axes.set_ylabel("recall within 10 native pixels")
    axes.set_title(f"Keypoints in {game}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    with write_atomically(path) as file:
        figure.savefig(file, format="png", dpi=120)
