"""Scores keypoints against the objects that the console's memory knows.

:func:`score`: games, models and noises → a table. A uniformly random policy plays seeds that
training never sees; frames are what the envs give (maximum of the last two raw frames, frame skip
4, no sticky actions).
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from objwrappers.games import check_game
from objwrappers.metrics.keypoints import (
    KeypointScore,
    Tracking,
    difference_peaks,
    follow,
    grid_keypoints,
    on_bars,
    on_border,
    to_pixels,
    uniform_keypoints,
)
from objwrappers.metrics.keypoints import score as score_frame
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.loading import load_model
from objwrappers.perception.scenes.second_look import SecondLook, background_of
from objwrappers.rendering.bars import check_noise
from objwrappers.scoring.moments import Moment, play, with_bars
from objwrappers.scoring.tables import draw_sheet, draw_table

__all__ = ["FIRST_SEED", "SHARES", "score"]

FIRST_SEED = 10_000
SHARES = (
    *("recall", "recall_all", "precision", "centre_error"),
    *("on_bars", "on_border", "consistency", "jitter"),
)
LESS_IS_BETTER = ("centre_error", "on_bars", "on_border", "jitter")

Points = np.ndarray
"""Keypoints (K, 2) of a frame in native pixels; NaN where one is not present."""

Table = dict[str, list[dict]]
"""Game → rows; see :func:`row`."""


@dataclass(frozen=True)
class _Options:
    models: Sequence[str]
    weights: Sequence[str]
    noises: Sequence[str]
    noise_motion: str
    frames: int
    num_keypoints: int
    seed: int
    device: str
    picture: str | None
    refine: bool

    @property
    def folders(self) -> Sequence[str | None]:
        """Folders of weights; None is where they are found by name."""
        return self.weights or [None]


def score(
    games: str | Sequence[str],
    models: str | Sequence[str] = (),
    *,
    weights: Sequence[str | Path] = (),
    noise: str | Sequence[str] = "none",
    noise_motion: str = "iid",
    frames: int = 1000,
    num_keypoints: int = 10,
    seed: int = FIRST_SEED,
    device: str = "auto",
    picture: str | None = None,
    refine: bool = False,
) -> Table:
    """Scores models beside a fixed grid, uniform points and the peaks of frame differences.

    Args:
        games: One or several, ``"MsPacman"``.
        models: One or several names; none scores the baselines alone.
        weights: Folders of the model's weights; of several, their mean and worst too.
        noise: Bars on the frames, one or several.
        noise_motion: ``"iid"`` or ``"smooth"``.
        frames: Frames scored in each game.
        num_keypoints: Of the baselines alone.
        seed: Of the first episode.
        device: Where models run.
        picture: Beginning of the names of the pictures to write; None writes none.
        refine: Score each model a second time, its keypoints looking again at native resolution
            (:class:`~objwrappers.perception.scenes.second_look.SecondLook`).

    Returns:
        Game → rows: ``keypoints`` (name), ``noise``, the shares of :data:`SHARES`, ``present``
        (keypoints a frame), ``sprites``, ``counts``.

    Raises:
        ValueError: No such game, noise or model, or a game whose memory is not known.
        FileNotFoundError: There are no weights.
    """
    games, models, noises = (
        [given] if isinstance(given, str) else list(given) for given in (games, models, noise)
    )
    options = _Options(
        models,
        [str(folder) for folder in weights],
        [check_noise(each) for each in noises],
        noise_motion,
        frames,
        num_keypoints,
        seed,
        device,
        picture,
        refine,
    )
    games = [check_game(game) for game in games]
    _check_weights(games, options)
    table = {game: _score_game(game, options) for game in games}
    if picture:
        draw_table(Path(f"{picture}-recall.png"), table)
    return table


def _check_weights(games: Sequence[str], options: _Options) -> None:
    """Refuses weights that cannot be loaded before games are played."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are given where the weights are scored
        each = itertools.product(options.models, games, options.folders, options.noises)
        for model, game, weights, noise in each:
            load_model(model, game, weights, "cpu", noise)


def _score_game(game: str, options: _Options) -> list[dict]:
    """Returns the rows of one game under each noise."""
    clean = play(game, options.frames, options.seed)
    rows = []
    for noise in options.noises:
        moments = with_bars(clean, noise, options.noise_motion, options.seed)
        here: list[dict] = []
        counts: set[int] = set()
        if options.picture and not options.models:
            empty = [np.empty((0, 2))] * len(moments)
            draw_sheet(Path(f"{options.picture}-{game}.png"), moments, empty)
        for model in options.models:
            of_model, its_counts = _score_model(model, game, noise, moments, options)
            here += of_model
            counts |= its_counts
        for count in sorted(counts) or [options.num_keypoints]:
            here += baselines(count, moments, options.seed)
        rows += [{"noise": noise, **r} for r in here]
    return rows


def _score_model(
    model: str, game: str, noise: str, moments: list[Moment], options: _Options
) -> tuple[list[dict], set[int]]:
    """Returns the rows of a model's weights and their numbers of keypoints."""
    rows, runs = [], []
    counts = set()
    frames = [moment.now.frame for moment in moments] + [moment.after.frame for moment in moments]
    for weights in options.folders:
        network = load_model(model, game, weights, options.device, noise)
        name = model if weights is None else f"{model} {_short(weights, options.weights)}"
        looks: dict[str, PerceptionModule] = {name: network}
        if options.refine:
            assert isinstance(network, KeypointModule)
            again = SecondLook(network, background_of(game, options.device, noise))
            looks[f"{name}, second look"] = again.eval()
        for title, one in looks.items():
            where, present = perceive(one, frames)
            counts.add(where.shape[1])
            shown = np.where(present[..., None] > 0.5, where, np.nan)
            cut = len(moments)
            rows.append(row(title, list(shown[:cut]), list(shown[cut:]), moments))
            if one is network:
                runs.append(rows[-1])
            if (present <= 0.5).any() and one is network:
                everywhere = row(
                    f"{name}, all keypoints", list(where[:cut]), list(where[cut:]), moments
                )
                rows.append(everywhere)
            if options.picture:
                parts = [options.picture, game, re.sub(r"[ /,]+", "-", title)]
                parts += [] if noise == "none" else [noise]
                draw_sheet(Path("-".join(parts) + ".png"), moments, list(shown[:cut]))
    return rows + (summary(model, runs) if len(runs) > 1 else []), counts


def found(points: Points) -> Points:
    """Returns the keypoints that are present."""
    return points[~np.isnan(points).any(-1)]


def perceive(model: PerceptionModule, frames: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns keypoints (N, K, 2) in native pixels and presences (N, K)."""
    where = next(model.parameters()).device
    keypoints, present = [], []
    with torch.inference_mode():
        for i in range(0, len(frames), 64):
            percepts = model(torch.from_numpy(np.stack(frames[i : i + 64])).to(where))
            keypoints.append(percepts["keypoints"].cpu().numpy())
            present.append(percepts["present"].cpu().numpy())
    height, width, _ = frames[0].shape
    return to_pixels(np.concatenate(keypoints), height, width), np.concatenate(present)


def row(name: str, now: list[Points], after: list[Points], moments: list[Moment]) -> dict:
    """One row of the table; see :mod:`objwrappers.metrics.keypoints` for its columns.

    Args:
        name: Of the row.
        now: Keypoints of each moment.
        after: The same a step later.
        moments: What is there.
    """
    shown, every, tracking = KeypointScore(), KeypointScore(), Tracking()
    bars, border = [], []
    for here, later, moment in zip(now, after, moments, strict=True):
        view = moment.now
        shown += score_frame(found(here), view.shown)
        every += score_frame(found(here), view.objects)
        tracking += follow(here, view.objects, later, moment.after.objects)
        bars.append(on_bars(found(here), view.columns, view.rows))
        border.append(on_border(found(here)))
    return {
        "keypoints": name,
        "recall": shown.recall,
        "recall_all": every.recall,
        "precision": shown.precision,
        "centre_error": shown.centre_error,
        "on_bars": float(np.mean(np.concatenate(bars))) if shown.keypoints else float("nan"),
        "on_border": float(np.mean(np.concatenate(border))) if shown.keypoints else float("nan"),
        "consistency": tracking.consistency,
        "jitter": tracking.jitter,
        "present": shown.keypoints / max(1, shown.frames),
        "sprites": shown.sprites,
        "counts": asdict(shown),
    }


def summary(model: str, rows: list[dict]) -> list[dict]:
    """The mean and the worst of several weights of a model, each column by itself."""
    both = []
    for word in ("mean", "worst"):
        shares = {}
        for key in SHARES:
            worst = np.max if key in LESS_IS_BETTER else np.min
            of_all: Callable = np.mean if word == "mean" else worst
            shares[key] = float(of_all([r[key] for r in rows]))
        present = float(np.mean([r["present"] for r in rows]))
        name = f"{model}, {word} of {len(rows)}"
        both.append(
            {"keypoints": name, **shares, "present": present, "sprites": rows[0]["sprites"]}
        )
    return both


def _short(weights: str, others: Sequence[str]) -> str:
    """The folder's own name, or the whole path where another folder has the same name."""
    name = Path(weights).name
    return name if [Path(other).name for other in others].count(name) == 1 else weights


def baselines(count: int, moments: list[Moment], seed: int) -> list[dict]:
    """Returns the rows of keypoints that look at nothing, or at differences only."""
    grid = [grid_keypoints(count)] * len(moments)
    rng = np.random.default_rng(seed)
    uniform, later = ([uniform_keypoints(rng, count) for _ in moments] for _ in range(2))
    peaks = [difference_peaks(m.now.frame, m.before.frame, count) for m in moments]
    peaks_after = [difference_peaks(m.after.frame, m.now.frame, count) for m in moments]
    return [
        row(f"fixed grid of {count}", grid, grid, moments),
        row(f"{count} uniform points", uniform, later, moments),
        row(f"{count} difference peaks", peaks, peaks_after, moments),
    ]
