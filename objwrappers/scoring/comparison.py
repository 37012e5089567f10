"""A sheet that compares keypoint models: rows are models, columns are games or frames.

:func:`compare` draws it. Below each PermaKey are the error maps of its layers, bright where local
prediction fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from objwrappers.envs.atari import make_atari
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.loading import load_model, model_of
from objwrappers.perception.permakey import PermaKey
from objwrappers.rendering.bars import check_noise
from objwrappers.rendering.overlay import draw_percepts

__all__ = ["compare"]

CELL_WIDTH, CELL_HEIGHT = 320, 420
LABEL_WIDTH, HEAD_HEIGHT = 150, 28
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
    if isinstance(model, PermaKey):
        images = model.resize(frames)
        maps = model.error_maps(images, model.encode(images))[0].numpy()
        for layer, errors in zip(model.lsp_layers, maps, strict=True):
            grey = (errors * 255).astype(np.uint8)
            yield f"errors, layer {layer}", np.repeat(grey[..., None], 3, axis=-1)


def enlarge(picture: np.ndarray) -> np.ndarray:
    """Resizes to a cell of the sheet without blurring what is small."""
    grows = picture.shape[0] < CELL_HEIGHT
    interpolation = cv2.INTER_NEAREST if grows else cv2.INTER_AREA
    return cv2.resize(picture, (CELL_WIDTH, CELL_HEIGHT), interpolation=interpolation)


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
        rows = [("frame", enlarge(column.frame))]
        for model in its_models:
            rows += [(label, enlarge(picture)) for label, picture in cells(model, column.frame)]
        drawn.append(rows)
    if len({len(rows) for rows in drawn}) > 1:
        raise ValueError("The games' weights differ in layers; compare them one by one.")
    height = HEAD_HEIGHT + CELL_HEIGHT * len(drawn[0])
    sheet = np.full((height, LABEL_WIDTH + CELL_WIDTH * len(columns), 3), 255, np.uint8)
    for j, (column, rows) in enumerate(zip(columns, drawn, strict=True)):
        left = LABEL_WIDTH + j * CELL_WIDTH
        _write(sheet, column.game, left + 8, 20)
        for i, (_, picture) in enumerate(rows):
            top = HEAD_HEIGHT + i * CELL_HEIGHT
            sheet[top : top + CELL_HEIGHT, left : left + CELL_WIDTH] = picture
    for i, (label, _) in enumerate(drawn[0]):
        name = label if len({row[i][0] for row in drawn}) == 1 else label.split(",")[0]
        for k, line in enumerate(name.split(", ")):
            _write(sheet, line, 8, HEAD_HEIGHT + i * CELL_HEIGHT + 24 + 20 * k)
    return sheet


def _write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)


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
