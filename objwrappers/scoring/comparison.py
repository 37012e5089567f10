"""A sheet that compares keypoint models: rows are models, columns are games or frames.

:func:`compare` draws it. Below each PermaKey are the error maps of its layers, bright where local
prediction fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from objwrappers.envs.atari import make_atari
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.loading import load_model, model_of
from objwrappers.rendering.bars import check_noise
from objwrappers.rendering.layout import sheet
from objwrappers.rendering.overlay import draw_percepts

__all__ = ["compare"]

CELL_WIDTH, CELL_HEIGHT = 320, 420
FIRST_STEP, STEPS_BETWEEN = 150, 25


@dataclass(frozen=True)
class Column:
    """A game's frame; all models of a column see the same one."""

    game: str
    frame: np.ndarray


def play(game: str, noise: str, count: int, seed: int) -> list[Column]:
    """Returns frames of random play, uint8 (210, 160, 3), some steps apart."""
    env = make_atari(game, noise=noise, repeat_action_probability=0.0)
    frame, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    columns: list[Column] = []
    step = 0
    while len(columns) < count:
        if step >= FIRST_STEP and (step - FIRST_STEP) % STEPS_BETWEEN == 0:
            columns.append(Column(game, frame))
        frame, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            frame, _ = env.reset()
        step += 1
    return columns


@torch.inference_mode()
def cells(model: PerceptionModule, frame: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yields label and picture of each row that a model has."""
    frames = torch.from_numpy(frame)[None]
    percepts = {key: value[0].numpy() for key, value in model(frames).items()}
    yield f"{model.name}, K = {len(percepts['keypoints'])}", draw_percepts(frame, percepts)
    for label, maps in model.diagnostics(model.images(model.resize(frames))).items():
        yield label, (maps[0].numpy() * 255).astype(np.uint8)


def draw_sheet(columns: list[Column], models: list[list[PerceptionModule]]) -> np.ndarray:
    """Returns the sheet, uint8 (H, W, 3).

    Args:
        columns: Games and frames.
        models: Those of each column; row by row of the same kind.

    Raises:
        ValueError: Columns with different rows, as PermaKeys of other layers would give.
    """
    drawn = []
    for column, its_models in zip(columns, models, strict=True):
        rows = [("frame", column.frame)]
        for model in its_models:
            rows += cells(model, column.frame)
        drawn.append(rows)
    if len({len(rows) for rows in drawn}) > 1:
        raise ValueError("The games' weights differ in layers; compare them one by one.")
    labels = []
    for of_row in zip(*drawn, strict=True):
        names = {label for label, _ in of_row}
        # Where a model has another number of keypoints in each game, its name is enough.
        label = of_row[0][0] if len(names) == 1 else of_row[0][0].split(",")[0]
        labels.append(label.replace(", ", "\n"))
    pictures = [[picture for _, picture in of_row] for of_row in zip(*drawn, strict=True)]
    heads = [column.game for column in columns]
    return sheet(pictures, labels, heads, (CELL_HEIGHT, CELL_WIDTH))


def compare(
    games: str | Sequence[str],
    models: Sequence[str] = ("transporter", "permakey"),
    *,
    weights: Sequence[str | Path] = (),
    noise: str = "none",
    columns: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draws keypoint models side by side.

    Args:
        games: One column each, or several columns of a single one.
        models: Names, one row or more each.
        weights: Folders instead of models, for ablations.
        noise: Bars on the frames.
        columns: Frames of each game; by default 1, or 5 of a single game.
        seed: Of the play.

    Returns:
        The sheet, uint8 (H, W, 3).

    Raises:
        ValueError: No such game, noise or model, fewer than one column, or weights whose rows
            differ.
        FileNotFoundError: There are no weights.
    """
    games = [games] if isinstance(games, str) else list(games)
    count = columns if columns is not None else (5 if len(games) == 1 else 1)
    if count < 1:
        raise ValueError(f"columns must be at least 1, got {count}.")
    check_noise(noise)
    played, of_column = [], []
    for game in map(check_game, games):
        if weights:
            here = [load_model(model_of(w), game, weights=w, device="cpu") for w in weights]
        else:
            here = [load_model(name, game, device="cpu", noise=noise) for name in models]
        frames = play(game, noise, count, seed)
        played += frames
        of_column += [here] * len(frames)
    return draw_sheet(played, of_column)
