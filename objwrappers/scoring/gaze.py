"""Scores gaze models on recorded human play that they did not learn from.

* :func:`score_gaze`: models beside maps that know nothing of the frame, or very little
* :func:`foretold`: a model's densities, for pictures
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from objwrappers.datasets.atari_head.recording import HumanRecording, human_recording
from objwrappers.datasets.gaze import GazePlay, trials_of_one_game
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.metrics.gaze_baselines import (
    centre_map,
    mean_gaze_map,
    moving_map,
    previous_gaze,
    uniform_map,
)
from objwrappers.metrics.gaze_figures import (
    draw_others,
    gaze_figures,
    others_gaze,
    summarise,
)
from objwrappers.metrics.gaze_maps import SIDE
from objwrappers.perception.gaze.module import STACK
from objwrappers.perception.loading import load_model, model_of

__all__ = ["GAZE_HEADS", "foretold", "open_play", "score_gaze"]

GAZE_HEADS = {
    "nss": "NSS",
    "auc": "AUC",
    "auc_judd": "Judd",
    "shuffled_auc": "shuffled",
    "kl": "KL",
    "correlation": "CC",
    "similarity": "SIM",
    "information_gain": "IG bits",
    "used": "frames",
    "undefined": "no gaze",
}
"""Key of a row → head of its column."""

AT_ONCE = 64  # frames

Foretell = Callable[["_Part", np.ndarray], Tensor]
"""A recording's part and steps of it → densities (n, 84, 84)."""


@dataclass(frozen=True)
class _Part:
    """What is scored of one recording.

    Attributes:
        play: The whole recording.
        steps: Those scored.
        trained: Those that the mean gaze is of.
    """

    play: GazePlay
    steps: np.ndarray
    trained: np.ndarray

    def chunks(self, steps: np.ndarray) -> Iterator[np.ndarray]:
        for first in range(0, len(steps), AT_ONCE):
            yield steps[first : first + AT_ONCE]

    @cached_property
    def previous(self) -> Tensor:
        """Of each step of the recording, the last earlier one with gaze, or -1."""
        seen = torch.from_numpy(self.play.seen).float()
        return previous_gaze(seen, torch.from_numpy(self.play.starts))


def score_gaze(
    path: str | Path,
    models: str | Sequence[str] = (),
    *,
    game: str | None = None,
    weights: Sequence[str | Path] = (),
    first: int = 10_001,
    last: int | None = None,
    trained: int = 9_000,
    device: str = "auto",
    seed: int = 0,
) -> dict[str, list[dict[str, Any]]]:
    """Scores gaze models beside baselines: even, the centre, mean and previous gaze, what moves.

    The previous gaze is people's own, 1/60 s before: no model knows it, and it says how well one
    can do.

    Args:
        path: Atari-HEAD's trials, or the folder of a recording made of one.
        models: One or several names, whose weights are looked for.
        game: Of the trials; None if they are of one game.
        weights: Folders of weights, each a row of its own.
        first: Number of the first frame scored, of each trial.
        last: Number of the last one; by default all.
        trained: Number of the last frame that the mean gaze is of.
        device: Where models run.
        seed: Of the frames whose gaze is the negatives of the shuffled AUC.

    Returns:
        Game → rows: ``gaze`` (name), ``noise`` (none), the mean of each measure of
        :func:`~objwrappers.metrics.gaze_figures.gaze_figures` by its name, ``used`` and
        ``undefined`` (frames with gaze and without), and ``figures``: measure → mean, deviation,
        used and undefined.

    Raises:
        ValueError: No such model or game, no frames in the range, or a recording without gaze.
        FileNotFoundError: There are no weights or trials.
    """
    recordings = open_play(path, game)
    task = recordings[0].task
    named = [models] if isinstance(models, str) else list(models)
    rows: dict[str, Foretell] = {}
    for name in named:
        rows[name] = _by_model(load_model(name, task, device=device, family="gaze"))
    for folder in weights:
        model = load_model(model_of(folder), task, folder, device, family="gaze")
        rows[str(folder)] = _by_model(model)
    parts = [_part(recording, first, last, trained) for recording in recordings]
    if not any(len(part.steps) for part in parts):
        raise ValueError(
            f"{path} has no frames numbered {first} to {last or 'its end'}: its last one is "
            f"{max(int(part.play.numbers[-1]) for part in parts)}."
        )
    mean = mean_gaze_map(_trained_maps(parts))
    rows = {**_baselines(mean), **rows}
    return {task: [_row(name, foretell, parts, mean, seed) for name, foretell in rows.items()]}


def open_play(path: str | Path, game: str | None = None) -> list[HumanRecording]:
    """Opens the trials of one game at a path, or the recording of one; made if need be.

    Raises:
        FileNotFoundError: There are no trials of the game.
        ValueError: Trials of several games, or none that can be used.
    """
    if (Path(path) / INDEX_NAME).is_file():
        return [HumanRecording(path)]
    return [human_recording(trial) for trial in trials_of_one_game(path, game)]


@torch.inference_mode()
def foretold(model: Any, play: GazePlay, steps: np.ndarray) -> Tensor:
    """Returns a model's densities at some steps, float32 (n, 84, 84)."""
    device = model.mean.device
    return model(play.stacks(steps, STACK).to(device))["heatmap"].cpu()


def _part(recording: HumanRecording, first: int, last: int | None, trained: int) -> _Part:
    play = GazePlay.of(recording)
    scored = (play.numbers >= first) & (last is None or play.numbers <= last)
    before = play.seen & (play.numbers <= trained)
    return _Part(play, np.flatnonzero(scored), np.flatnonzero(before))


def _trained_maps(parts: Sequence[_Part]) -> Iterator[tuple[Tensor, Tensor]]:
    yield torch.zeros(1, SIDE, SIDE), torch.zeros(1)  # where nothing was trained on
    for part in parts:
        for steps in part.chunks(part.trained):
            yield part.play.gaze[torch.from_numpy(steps)].maps()


def _by_model(model: Any) -> Foretell:
    return lambda part, steps: foretold(model, part.play, steps)


def _baselines(mean: Tensor) -> dict[str, Foretell]:
    def always(one: Tensor) -> Foretell:
        return lambda part, steps: one.expand(len(steps), -1, -1)

    def moving(part: _Part, steps: np.ndarray) -> Tensor:
        return moving_map(part.play.stacks(steps, 2))

    def previous(part: _Part, steps: np.ndarray) -> Tensor:
        which = part.previous[torch.from_numpy(steps)]
        maps, _ = part.play.gaze[which.clamp(min=0)].maps()
        return torch.where((which >= 0)[:, None, None], maps, mean)

    return {
        "(even)": always(uniform_map()),
        "(centre)": always(centre_map()),
        "(mean gaze)": always(mean),
        "(what moves)": moving,
        "(previous gaze)": previous,
    }


def _row(
    name: str, foretell: Foretell, parts: Sequence[_Part], mean: Tensor, seed: int
) -> dict[str, Any]:
    values: dict[str, list[Tensor]] = {}
    for part in parts:
        gaze = part.play.gaze[torch.from_numpy(part.steps)]
        drawn = draw_others(gaze, seed)
        for places in part.chunks(np.arange(len(part.steps))):
            chosen = torch.from_numpy(places)
            found = gaze_figures(
                foretell(part, part.steps[places]),
                gaze[chosen],
                others_gaze(gaze, drawn[chosen]),
                mean,
            )
            for key, own in found.items():
                values.setdefault(key, []).append(own)
    figures = summarise({key: torch.cat(own) for key, own in values.items()})
    seen = sum(int(part.play.seen[part.steps].sum()) for part in parts)
    return {
        "gaze": name,
        "noise": "none",
        **{key: figure.mean for key, figure in figures.items()},
        "used": seen,
        "undefined": sum(len(part.steps) for part in parts) - seen,
        "figures": {key: asdict(figure) for key, figure in figures.items()},
    }
