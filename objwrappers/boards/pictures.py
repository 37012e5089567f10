"""Pictures of a board: learning curves, and scores as shares of the reference's.

* :func:`draw_learning`: a panel for each game, a line for each observation
* :func:`draw_shares`: bars
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes

from objwrappers.boards.board import Board, Group
from objwrappers.files import write_atomically

__all__ = ["draw_learning", "draw_shares"]

COLOURS = (
    *("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31"),
    *("#7f7f7f", "#9467bd"),
)
"""One for each observation, told apart by those who see colours otherwise (after Okabe and Ito)."""
PANELS_A_ROW = 3
DPI = 110


def draw_learning(board: Board, group: Group, path: Path) -> None:
    """Writes the learning curves of a group: mean and range over seeds, in each game.

    Args:
        board: Whose.
        group: Of the runs.
        path: PNG.
    """
    games = [g for g in board.games if any(board.runs(g, c, group) for c in board.columns)]
    rows = -(-len(games) // PANELS_A_ROW)
    across = min(len(games), PANELS_A_ROW)
    figure = _figure(3.6 * across + 0.4, 2.7 * rows + 0.8)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for panel, game in zip(panels, games, strict=False):
        for column in board.columns:
            _draw_line(panel, board, game, column, group)
        if board.plan["random"] and (score := board.random(game)) is not None:
            panel.axhline(score, color="grey", linestyle=":", linewidth=1, label="random policy")
        panel.set_title(game, fontsize=10)
        panel.set_xlim(0, group.budget)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_formatter(lambda steps, _: f"{steps / 1000:g}k" if steps else "0")
    for panel in panels[len(games) :]:
        panel.set_visible(False)
    handles = {
        label: handle
        for panel in panels[: len(games)]
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.supxlabel("agent steps", fontsize=9)
    figure.supylabel("score of the games of training", fontsize=9)
    _add_legend(figure, handles)
    _save(figure, path)


def _draw_line(panel: Axes, board: Board, game: str, column: str, group: Group) -> None:
    curves = [record["curve"] for record in board.runs(game, column, group)]
    curves = [curve for curve in curves if curve]
    if not curves:
        return
    steps = np.array([edge for edge, _, _ in curves[0]], float)
    means = np.array([[mean for _, mean, _ in curve] for curve in curves], float)
    # A window in which no game ended has no mean; those beside it are joined.
    ended = ~np.isnan(means).all(0)
    means, steps = means[:, ended], steps[ended]
    if not len(steps):
        return
    colour = COLOURS[board.columns.index(column) % len(COLOURS)]
    panel.plot(steps, np.nanmean(means, 0), color=colour, label=board.labels[column], linewidth=1.6)
    low, high = np.nanmin(means, 0), np.nanmax(means, 0)
    panel.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)


def draw_shares(board: Board, group: Group, path: Path) -> bool:
    """Writes each observation's score in each game as a share of the reference's, random being 0.

    Args:
        board: Whose.
        group: Of the runs.
        path: PNG.

    Returns:
        Whether there is such a share, and the picture.
    """
    shares = {
        (game, column): share
        for game in board.games
        for column in board.columns
        if (share := board.ratio(game, column, group)) is not None
    }
    games = [game for game in board.games if any(g == game for g, _ in shares)]
    if not games:
        return False
    columns = [column for column in board.columns if any(c == column for _, c in shares)]
    width = 0.8 / len(columns)
    across = max(6.0, 0.9 + 0.28 * len(games) * (len(columns) + 1))
    figure = _figure(across, 3.6)
    axes = figure.subplots()
    for i, column in enumerate(columns):
        places = [j for j, game in enumerate(games) if (game, column) in shares]
        found = [shares[games[j], column] for j in places]
        values = np.array([share.value for share in found])
        ends = np.array([share.interval or (np.nan, np.nan) for share in found])
        axes.bar(
            np.array(places) + (i - (len(columns) - 1) / 2) * width,
            values,
            width * 0.92,
            color=COLOURS[board.columns.index(column) % len(COLOURS)],
            label=board.labels[column],
            yerr=np.clip([values - ends[:, 0], ends[:, 1] - values], 0, None),
            error_kw={"elinewidth": 1, "ecolor": "#888888", "capsize": 2},
        )
    axes.axhline(1, color="grey", linestyle=":", linewidth=1)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(games)), games, fontsize=9)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylabel(f"score, {board.labels[board.reference]} = 1, random = 0", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    _add_legend(figure, dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True)))
    _save(figure, path)
    return True


def _figure(width: float, height: float) -> matplotlib.figure.Figure:
    return matplotlib.figure.Figure((width, height), dpi=DPI, layout="constrained")


def _add_legend(figure: matplotlib.figure.Figure, handles: Mapping[str, Any]) -> None:
    """Puts labels above the panels, as many in a row as there is room for."""
    if not handles:
        return
    inches = 0.6 + 0.08 * max(map(len, handles))  # of an entry
    across = max(1, min(len(handles), int(figure.get_figwidth() / inches)))
    rows = -(-len(handles) // across)
    figure.set_figheight(figure.get_figheight() + 0.2 * (rows - 1))
    place: Any = {"loc": "outside upper center", "frameon": False, "fontsize": 9}
    figure.legend(handles.values(), handles, ncols=across, **place)


def _save(figure: matplotlib.figure.Figure, path: Path) -> None:
    """Writes a PNG whose bytes depend on nothing but the picture."""
    with write_atomically(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
