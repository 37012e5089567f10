"""Keypoints of many games at a glance: a picture and figures of each, as a page.

:func:`gallery`: a model and games → Markdown and a picture beside it

Where the console's memory is known, recall and precision are those of
:mod:`objwrappers.scoring.keypoints`. In every game it is measured how much of what moves is found:
random play of seeds that training never saw is watched for motion as
:mod:`objwrappers.datasets.motion` does, and a thing is a connected region of what moves.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion import (
    MotionMaps,
    background,
    scrolling_share,
    travel_mask,
    usual_colours,
)
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import write_atomically
from objwrappers.games import check_game
from objwrappers.metrics.keypoints import grid_keypoints
from objwrappers.metrics.ram import RAM_GAMES
from objwrappers.perception.loading import find_weights, load_model
from objwrappers.perception.resizing import resize_area
from objwrappers.perception.storage import read_config
from objwrappers.rendering.layout import sheet, titled
from objwrappers.rendering.overlay import draw_percepts
from objwrappers.rendering.pictures import write_picture
from objwrappers.scoring.keypoints import FIRST_SEED, perceive
from objwrappers.scoring.keypoints import score as score_games

__all__ = ["gallery"]

ENVS, STEPS = 4, 400
EVERY = 8  # steps between frames that are looked at
NEAR_PX = 10.0  # native, as in recall
CELLS = (84, 84)
MOVES = 127  # of 255: half of a pixel of the frame that is watched
LEAST_CELLS = 2  # of a thing
# What is scenery is found as `light` finds it, see hyperparams/perception/light.yml.
LEAST_LEFT, SCROLLING, USUAL = 0.7, 0.2, (0.02, 2)
COLUMNS = 8
SHOWN_STEP = 120
FEW_FOUND, FEW_RIGHT = 0.5, 0.3  # below, the page says that it fails
STILL = 0.05  # things in a frame; below, there is nothing to find

HEAD = """\
Random play of seeds that training never saw. *Found*: share of the things that move with a present
keypoint within {near:.0f} native pixels; *right*: share of the present keypoints within as much of
such a thing. In parentheses the same of a fixed grid of as many points as are present. A thing is a
connected region of what differs from the background and moves within 16 steps; where the camera
moves, colours that are usual at a place are no things. Where the console's memory is known, recall,
precision and the distance from an object's centre are those of `zoo/score.py`."""

_Looked = tuple[np.ndarray, dict[str, Any]]
"""A picture, and figures."""


@dataclass
class _Found:
    """Counts over frames, of keypoints or of a grid of as many.

    Attributes:
        things: That move.
        found: Those with a keypoint within :data:`NEAR_PX`.
        keypoints: That are present.
        right: Those within :data:`NEAR_PX` of a thing.
    """

    things: int = 0
    found: int = 0
    keypoints: int = 0
    right: int = 0

    def count(self, points: np.ndarray, regions: list[np.ndarray]) -> None:
        """Counts a frame's points (P, 2) and regions' pixels (n, 2), native (x, y)."""
        self.things += len(regions)
        self.keypoints += len(points)
        if not len(points) or not regions:
            return
        gaps = np.stack([_gap(points, region) for region in regions])
        self.found += int((gaps.min(1) <= NEAR_PX).sum())
        self.right += int((gaps.min(0) <= NEAR_PX).sum())

    @property
    def recall(self) -> float:
        """Share of the things that are found."""
        return self.found / max(1, self.things)

    @property
    def precision(self) -> float:
        """Share of the keypoints that are on a thing."""
        return self.right / max(1, self.keypoints)


def _gap(points: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Distance (P,) of each point from the region's nearest pixel."""
    return np.linalg.norm(points[:, None] - region[None], axis=-1).min(1)


def gallery(
    games: Sequence[str],
    page: str | Path,
    model: str = "light",
    *,
    frames: int = 1000,
    seed: int = FIRST_SEED,
    device: str = "auto",
    jobs: int = 1,
    command: str = "",
    progress: bool = False,
) -> dict[str, dict[str, Any]]:
    """Scores a model in games and writes a page, with a picture beside it.

    Args:
        games: As ids spell them; each has weights.
        page: Ends with ``.md``; the picture has the same name and ``.png``.
        model: Of keypoints.
        frames: Scored by memory, where it is known.
        seed: Of the games played.
        device: Where the model runs.
        jobs: Games scored at once, in processes of their own: with more than one, a script calls
            this under ``if __name__ == "__main__"``.
        command: That made the page, for the record.
        progress: Show a bar.

    Returns:
        Game → ``num_keypoints``, ``things`` (that move at once, mean), ``found``, ``right``,
        ``grid_found`` and ``grid_right`` (of a fixed grid of as many points as are present),
        ``present`` (keypoints a frame) and, where memory is known, ``recall``, ``precision`` and
        ``centre_error``.

    Raises:
        FileNotFoundError: A game has no weights.
        ValueError: No such game or model, fewer than one job, or a page that is no ``.md``.
    """
    page = Path(page)
    if page.suffix != ".md":
        raise ValueError(f"The page is Markdown and ends with .md, got {page}.")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}.")
    if frames < 1:
        raise ValueError(f"frames must be at least 1, got {frames}.")
    games = list(dict.fromkeys(map(check_game, games)))
    for game in games:  # what is missing is said before all is measured
        read_config(find_weights(model, game))
    of_game = partial(_look, model=model, frames=frames, seed=seed, device=device)
    rows: dict[str, dict[str, Any]] = {}
    pictures = []
    with closing(_each(of_game, games, jobs)) as found:
        bar = tqdm(found, total=len(games), unit="game", disable=not progress)
        for game, (shown, figures) in zip(games, bar, strict=True):
            rows[game] = figures
            pictures.append(titled(shown, game))
    grid = [pictures[i : i + COLUMNS] for i in range(0, len(pictures), COLUMNS)]
    write_picture(page.with_suffix(".png"), sheet(grid))
    with write_atomically(page) as file:
        file.write(_page(rows, model, page, command).encode())
    return rows


def _each(
    of_game: Callable[[str], _Looked], games: Sequence[str], jobs: int
) -> Generator[_Looked, None, None]:
    """What comes of each game, in their order."""
    if jobs == 1:
        yield from map(of_game, games)
        return
    threads = max(1, torch.get_num_threads() // jobs)
    context = get_context("spawn")  # forked processes could not use CUDA
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (threads,)) as pool:
        yield from pool.map(of_game, games)


def _look(game: str, model: str, frames: int, seed: int, device: str) -> _Looked:
    """A game's picture and figures."""
    shown, figures = _watch(game, load_model(model, game, device=device), seed)
    if game in RAM_GAMES:
        table = score_games(game, model, frames=frames, seed=seed, device=device)
        known = table[game][0]
        figures |= {key: known[key] for key in ("recall", "precision", "centre_error")}
    return shown, figures


def _watch(game: str, network: Any, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """A picture of the game with keypoints, and how much of what moves they find."""
    native, starts = _play(game, seed)
    small = Frames(resize_area(native, 84, 84), starts)
    scenery = background(small)
    travels = travel_mask(small, scenery, LEAST_LEFT)
    scrolls = scrolling_share(small, scenery, travels) >= SCROLLING
    usual = usual_colours(small, *USUAL) if scrolls else None
    maps = MotionMaps(small, native, CELLS, 1, scenery, travels, usual=usual)
    size = (native.shape[2], native.shape[3])
    ours, fixed = _Found(), _Found()
    looked_at = maps.moments[::EVERY]
    frames = [native[t, n].numpy() for t, n in looked_at.tolist()]
    where, present = perceive(network, frames)
    count = max(1, round(float((present > 0.5).sum(1).mean())))
    grid = grid_keypoints(count, *size)
    for i, moving in enumerate(maps.objects[::EVERY]):
        regions = _regions(moving, size)
        ours.count(where[i][present[i] > 0.5], regions)
        fixed.count(grid, regions)
    with torch.inference_mode():
        frame = native[SHOWN_STEP, 0]
        percepts = network(frame[None].to(next(network.parameters()).device))
    arrays = {key: value[0].float().cpu().numpy() for key, value in percepts.items()}
    return draw_percepts(frame.numpy(), arrays), {
        "num_keypoints": where.shape[1],
        "things": ours.things / len(frames),
        "found": ours.recall,
        "right": ours.precision,
        "grid_found": fixed.recall,
        "grid_right": fixed.precision,
        "present": ours.keypoints / len(frames),
    }


def _play(game: str, seed: int) -> tuple[Tensor, Tensor]:
    """Native frames (T, N, H, W, 3) of random play, and where episodes start (T, N)."""
    env = make_atari_vec(game, ENVS)
    env.action_space.seed(seed)
    frame, _ = env.reset(seed=seed)
    frames, starts, fresh = [frame.copy()], [np.ones(ENVS, bool)], np.zeros(ENVS, bool)
    for _ in range(STEPS - 1):
        frame, _, terminated, truncated, _ = env.step(env.action_space.sample())
        frames.append(frame.copy())
        starts.append(fresh)
        fresh = terminated | truncated
    env.close()
    return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(starts))


def _regions(moving: Tensor, size: tuple[int, int]) -> list[np.ndarray]:
    """Native pixels (n, 2), (x, y), in the middle of each cell of each thing that moves."""
    mask = (moving > MOVES).byte().cpu().numpy()
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    scale = np.array([size[1] / mask.shape[1], size[0] / mask.shape[0]])
    return [
        (np.argwhere(labels == i)[:, ::-1] + 0.5) * scale
        for i in range(1, len(facts))
        if facts[i, cv2.CC_STAT_AREA] >= LEAST_CELLS
    ]


def _page(rows: dict[str, dict[str, Any]], model: str, page: Path, command: str) -> str:
    """The Markdown."""
    still = [game for game, row in rows.items() if row["things"] < STILL]
    failing = [
        game
        for game, row in rows.items()
        if row["found"] < FEW_FOUND or row["right"] < FEW_RIGHT or row["found"] <= row["grid_found"]
    ]
    failing = [game for game in failing if game not in still]
    lines = [
        f"# Keypoints of `{model}`, game by game",
        "",
        HEAD.format(near=NEAR_PX),
        "",
        f"Made by `{command}`." if command else "",
        "",
        f"![A frame of each game with its keypoints]({page.with_suffix('.png').name})",
        "",
        f"Where it fails (less than {FEW_FOUND:.0%} found, {FEW_RIGHT:.0%} right, or no more than "
        f"the grid finds): {', '.join(failing) or 'nowhere'}."
        + (f" Nothing moves in {', '.join(still)}." if still else ""),
        "",
        "| game | K | things | present | found | right | recall | precision | centre px |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for game, row in rows.items():
        memory = [
            f"{row[key]:.2f}" if key in row else ""
            for key in ("recall", "precision", "centre_error")
        ]
        cells = [
            game,
            str(row["num_keypoints"]),
            f"{row['things']:.1f}",
            f"{row['present']:.1f}",
            f"{row['found']:.2f} ({row['grid_found']:.2f})",
            f"{row['right']:.2f} ({row['grid_right']:.2f})",
            *memory,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
