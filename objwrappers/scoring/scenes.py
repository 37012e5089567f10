"""Scores scene models against the objects that the console's memory knows.

:func:`score_scenes`: games, models and noises → a table. A uniformly random policy plays seeds that
training never sees; frames are what the envs give (maximum of the last two raw frames, frame skip
4, no sticky actions). Of a moving object that maximum shows both places, memory the last one.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from objwrappers.games import check_game
from objwrappers.metrics.box_baselines import difference_boxes, grid_boxes
from objwrappers.metrics.ram import play_area
from objwrappers.perception.loading import family_and_model_of, find_weights, load_model
from objwrappers.perception.scenes.module import SceneModule
from objwrappers.perception.storage import read_config
from objwrappers.rendering.bars import check_noise
from objwrappers.scoring.moments import Moment, View, play, play_through, with_bars
from objwrappers.scoring.scene_measures import (
    NO_ENCODINGS,
    encoding_measures,
    encodings_of,
    measures,
    named_right,
)
from objwrappers.scoring.scene_pictures import draw_encodings, draw_scenes
from objwrappers.scoring.scene_tracks import follow
from objwrappers.scoring.scene_truth import SETS, Seen, Truth, boxes_of, look, truths_of

__all__ = ["FIRST_SEED", "POOL_SEED", "score_scenes"]

FIRST_SEED = 10_000
POOL_SEED = 5_000
"""Of the episodes that few-shot examples come from: neither training's nor the test's."""

Table = dict[str, list[dict]]


@dataclass(frozen=True)
class _Options:
    noises: Sequence[str]
    noise_motion: str
    frames: int
    pool: int
    steps: int
    num_boxes: int
    seed: int
    device: str
    picture: str | None


@dataclass(frozen=True)
class _Played:
    """What one game showed, without bars."""

    moments: list[Moment]
    truths: list[Truth]
    pool: list[Moment]
    pool_truths: list[Truth]
    episodes: list[list[View]]
    episode_truths: list[list[Truth]]


def score_scenes(
    games: str | Sequence[str],
    models: str | Sequence[str] = (),
    *,
    weights: Sequence[str | Path] = (),
    noise: str | Sequence[str] = "none",
    noise_motion: str = "iid",
    frames: int = 1000,
    pool: int = 500,
    steps: int = 500,
    num_boxes: int = 10,
    seed: int = FIRST_SEED,
    device: str = "auto",
    picture: str | None = None,
) -> Table:
    """Scores scene models beside a fixed grid, the boxes of frame differences, and nothing.

    Args:
        games: One or several, ``"MsPacman"``.
        models: One or several names, whose weights are looked for.
        weights: Folders of weights, of any scene model, each a row of its own; those trained on
            another of the games than the one scored are passed over there.
        noise: Bars on the frames, one or several.
        noise_motion: ``"iid"`` or ``"smooth"``.
        frames: Frames scored in each game.
        pool: Frames of other episodes that few-shot examples come from.
        steps: Successive steps over which identity switches are counted.
        num_boxes: Of the fixed grid.
        seed: Of the first episode.
        device: Where models run.
        picture: Beginning of the names of the pictures to write; None writes none.

    Returns:
        Game → rows: ``scene`` (name), ``noise``, the measures of the relevant objects
        (:func:`measures`, :func:`encoding_measures`), ``label`` (share of the detections that show
        an object whose name the model's own classifier gives, NaN where it knows other names),
        ``switches`` (identity switches per 100 steps, tracked), ``objects``, and ``sets``: all of
        these but ``label`` of each set.

    Raises:
        ValueError: No such game, noise or model, a game whose memory is not known, or counts below
            1.
        FileNotFoundError: There are no weights.
    """
    games, models, noises = (
        [given] if isinstance(given, str) else list(given) for given in (games, models, noise)
    )
    games = [check_game(game) for game in games]
    noises = [check_noise(each) for each in noises]
    for game in games:
        play_area(game)  # refuses a game whose memory is not known
    options = _Options(noises, noise_motion, frames, pool, steps, num_boxes, seed, device, picture)
    _check(games, models, weights, options)
    sources: list[tuple[str, str | Path | None]] = [(name, None) for name in models]
    sources += [(_short(folder, weights), folder) for folder in weights]
    return {game: _score_game(game, games, sources, options) for game in games}


def _check(
    games: Sequence[str],
    models: Sequence[str],
    weights: Sequence[str | Path],
    options: _Options,
) -> None:
    """Refuses what cannot be scored before games are played, which takes minutes."""
    for name in ("frames", "pool", "steps"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}.")
    for folder in weights:
        if (family := family_and_model_of(folder)[0]) != "scenes":
            raise ValueError(f"{folder} holds weights of {family}, not of scenes.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are given where the weights are loaded
        for game, name, noise in itertools.product(games, models, options.noises):
            find_weights(name, game, noise, "scenes")


def _score_game(
    game: str,
    games: Sequence[str],
    sources: Sequence[tuple[str, str | Path | None]],
    options: _Options,
) -> list[dict]:
    """Returns the rows of one game under each noise."""
    moments, pool = play(game, options.frames, options.seed), []
    episodes: list[list[View]] = []
    if sources:
        pool = play(game, options.pool, POOL_SEED)
        episodes = play_through(game, options.steps, options.seed)
    played = _Played(
        moments,
        truths_of(game, [m.now for m in moments]),
        pool,
        truths_of(game, [m.now for m in pool]),
        episodes,
        [truths_of(game, views) for views in episodes],
    )
    rows = []
    for noise in options.noises:
        here = [
            _score_model(name, folder, game, noise, played, options)
            for name, folder in sources
            if folder is None or _fits(folder, game, games)
        ]
        here += _baselines(noise, played, options)
        rows += [{"noise": noise, **row} for row in here]
    return rows


def _fits(folder: str | Path, game: str, games: Sequence[str]) -> bool:
    """Tells whether weights are scored on a game: none that were trained on another of them."""
    trained_on = read_config(folder).get("trained_on", {})
    tasks = trained_on.get("tasks") or [trained_on.get("task", game)]
    return game in tasks or not {*tasks} & {*games}


def _score_model(
    name: str,
    folder: str | Path | None,
    game: str,
    noise: str,
    played: _Played,
    options: _Options,
) -> dict:
    kind = name if folder is None else str(read_config(folder).get("model"))
    model = cast(SceneModule, load_model(kind, game, folder, options.device, noise, "scenes"))
    motion, seed = options.noise_motion, options.seed
    moments = with_bars(played.moments, noise, motion, seed)
    seen = look(model, [m.now.frame for m in moments])
    shown = [m.now.frame for m in with_bars(played.pool, noise, motion, POOL_SEED)]
    pool = look(model, shown)
    if options.picture:
        parts = [options.picture, game, name.replace("/", "-").replace(" ", "-")]
        start = "-".join(parts + ([] if noise == "none" else [noise]))
        draw_scenes(Path(f"{start}.png"), moments, played.truths, seen)
        draw_encodings(start, seen, played.truths)
    tracks = follow(model, played.episodes, played.episode_truths, noise, motion, seed)
    known = {
        which: {
            **encoding_measures(
                encodings_of(pool, played.pool_truths, which),
                encodings_of(seen, played.truths, which),
            ),
            "switches": tracks[which].per_100_steps,
        }
        for which in SETS
    }
    return row(name, seen, played.truths, known)


def row(
    name: str,
    seen: Sequence[Seen],
    truths: Sequence[Truth],
    known: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Any]:
    """One row of the table; ``known``: set → the measures that only a model has."""
    nothing = {**encoding_measures(NO_ENCODINGS, NO_ENCODINGS), "switches": float("nan")}
    sets = {
        which: {**measures(seen, truths, which), **(nothing if known is None else known[which])}
        for which in SETS
    }
    return {"scene": name, **sets["relevant"], "label": named_right(seen, truths), "sets": sets}


def _baselines(noise: str, played: _Played, options: _Options) -> list[dict]:
    """Returns the rows of boxes that look at nothing, or at differences only, and a ceiling.

    The ceiling is where the frame shows the objects: as a maximum of two raw frames it shows what
    moves in two places, while the truth is where memory has it last.
    """
    moments = with_bars(played.moments, noise, options.noise_motion, options.seed)
    sizes = np.concatenate([boxes_of(t.sought("relevant")) for t in played.truths])[:, 2:]
    size = tuple(np.median(sizes, 0).tolist()) if len(sizes) else (8.0, 8.0)
    grid = Seen.of_boxes(grid_boxes(options.num_boxes, cast(tuple[float, float], size)))
    differs = [Seen.of_boxes(*difference_boxes(m.now.frame, m.before.frame)) for m in moments]
    shown = [Seen.of_boxes(boxes_of([s for s in m.now.pooled if s.scored])) for m in moments]
    return [
        row(f"fixed grid of {options.num_boxes}", [grid] * len(moments), played.truths),
        row("differences of frames", differs, played.truths),
        row("nothing", [Seen.of_boxes(np.zeros((0, 4)))] * len(moments), played.truths),
        row("as both raw frames show", shown, played.truths),
    ]


def _short(weights: str | Path, others: Sequence[str | Path]) -> str:
    """The folder's own name, or the whole path where another folder has the same name."""
    name = Path(weights).name
    return name if [Path(other).name for other in others].count(name) == 1 else str(weights)
