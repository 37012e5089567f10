"""Draws a sheet that compares keypoint models: rows are models, columns are games or frames.

    python zoo/compare.py --game MsPacman Seaquest -o sheet.png
    python zoo/compare.py --game MsPacman --noise both --columns 5 -o noisy.png
    python zoo/compare.py --game Frostbite --weights k15 k20 k25 -o ablation.png

Below each PermaKey are the error maps of its layers, bright where local prediction fails. Weights
for an ablation come from pretrain.py, e.g. ``--model permakey --game Frostbite -params
num_keypoints:15 --output k15``; for layers ``-params lsp_layers:[2,3] --output l23``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from objwrappers.envs.atari import make_atari
from objwrappers.files import write_atomically
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.loading import load_model, model_of
from objwrappers.perception.permakey import PermaKey
from objwrappers.rendering.bars import check_noise
from objwrappers.rendering.overlay import draw_percepts

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


def main() -> None:
    """Plays, looks, draws and writes the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", nargs="+", required=True, help="one column each")
    add("--model", nargs="*", default=["transporter", "permakey"], help="one row or more each")
    add("--weights", nargs="+", default=[], help="folders instead of models: one row or more each")
    add("--noise", default="none", help="bars: vertical, horizontal, both")
    add("--columns", type=int, help="frames of each game (default: 1, or 5 of a single game)")
    add("--seed", type=int, default=0)
    add("-o", "--output", type=Path, default=Path("sheet.png"))
    options = parser.parse_args()
    if options.output.suffix not in (".png", ".jpg", ".jpeg", ".webp"):
        raise SystemExit(f"compare: -o must end in .png, .jpg or .webp, got {options.output}.")
    if options.columns is not None and options.columns < 1:
        raise SystemExit(f"compare: --columns must be at least 1, got {options.columns}.")
    count = options.columns or (5 if len(options.game) == 1 else 1)
    try:
        check_noise(options.noise)
        columns, models = [], []
        for game in map(check_game, options.game):
            if options.weights:
                here = [
                    load_model(model_of(w), game, weights=w, device="cpu") for w in options.weights
                ]
            else:
                here = [
                    load_model(name, game, device="cpu", noise=options.noise)
                    for name in options.model
                ]
            played = play(game, options.noise, count, options.seed)
            columns += played
            models += [here] * len(played)
        sheet = draw_sheet(columns, models)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"compare: {error}") from error
    _, data = cv2.imencode(options.output.suffix, sheet[..., ::-1])
    with write_atomically(options.output) as file:
        file.write(data.tobytes())
    print(f"Wrote {options.output}")


if __name__ == "__main__":
    main()
