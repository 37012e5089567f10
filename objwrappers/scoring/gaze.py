"""Scores gaze models, and agents' saliency, by where people looked in recorded play.

:func:`score_gaze`: all of them beside maps that know nothing of the frame, or very little
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from objwrappers.agents.onlookers import Onlooker
from objwrappers.datasets.atari_head.recording import HumanRecording, human_recording
from objwrappers.datasets.gaze import GazePlay, split_trials, trials_of_one_game
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.metrics.gaze_baselines import mean_gaze_map
from objwrappers.metrics.gaze_figures import (
    draw_others,
    gaze_figures,
    others_gaze,
    published_figures,
    summarise,
)
from objwrappers.metrics.gaze_maps import SIDE
from objwrappers.names import check_name
from objwrappers.registration import task_of
from objwrappers.scoring import gaze_entrants
from objwrappers.scoring.gaze_entrants import Entrant
from objwrappers.scoring.gaze_moments import GAZE_OF, Moments, every_frame, moments_seen
from objwrappers.scoring.gaze_pictures import check_gaze_pictures, write_gaze_film, write_gaze_sheet

__all__ = ["GAZE_HEADS", "PUBLISHED_HEADS", "open_play", "score_gaze", "undefined_counts"]

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

PUBLISHED_HEADS = {key: GAZE_HEADS[key] for key in ("nss", "kl", "shuffled_auc")} | {
    "used": "frames",
    "undefined": "no gaze",
}
"""The same of the published procedure."""

TRAINED_TO, TEST_FROM = 9_000, 10_001  # numbers of frames; those between validate


def score_gaze(
    path: str | Path,
    models: str | Sequence[str] = (),
    *,
    game: str | None = None,
    weights: Sequence[str | Path] = (),
    agents: Sequence[Mapping[str, Any]] = (),
    methods: Sequence[str] = (),
    target: str = "action",
    gaze_of: str = "stack",
    as_published: bool = False,
    split: str = "frames",
    first: int | None = None,
    last: int | None = None,
    trained: int | None = None,
    device: str = "auto",
    seed: int | None = None,
    picture: str | Path | None = None,
    film: str | Path | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Scores gaze models and agents' saliency beside baselines that know little of the frame.

    Without agents each frame is scored by itself. Agents see the recorded frames as they saw games
    in training; then all are scored at the moments at which agents would act, by the gaze during
    the frames that they see.

    The published procedure (free-lunch saliency, 1908.02511 §4) has three of the measures, on
    native pixels. It differs from the default in that: each frame gets the gaze of the one before,
    the first none; attention is painted so that even a constant one looks centred; a trial's games
    are one episode; its largest saliency is its scale; people's gaze is blurred by 5 pixels in both
    directions; a map that is the same everywhere has no figure; where a pixel of people's blurred
    gaze has no saliency, there is no divergence. Not as published are: the mean over drawn
    negatives, which is exact; the generator that draws ten other moments, of those with gaze;
    frames that are grey before two are pooled; and stacks that begin anew after gaps.

    Args:
        path: Atari-HEAD's trials, or, without agents, the folder of a recording made of one.
        models: One or several names, whose weights are looked for.
        game: Of the trials; None if they are of one game, or of the agents'.
        weights: Folders of weights, each a row of its own.
        agents: Arguments of :func:`~objwrappers.agents.onlookers.load_onlooker` for each agent, but
            for the trials: ``{"algo": "ppo", "env_id": "ObjFrames-MsPacman-v0"}``.
        methods: Of :data:`objwrappers.sb3.saliency.METHODS`, for agents; by default all that an
            agent allows.
        target: Whose saliency: ``"action"``, ``"value"``.
        gaze_of: Whose gaze counts at an agent's moment: that of all frames of its ``"stack"``, or
            of its ``"newest"`` observation.
        as_published: See above.
        split: ``"frames"``: of each trial those after the first 10,000, the mean gaze is of the
            first 9,000. ``"official"``: the trials that the dataset's authors validated on, the
            mean gaze is of the others. What models learned from is said by a setting of that name.
        first: Number of the first frame scored, of each trial; as published it is 1.
        last: Number of the last one; by default all.
        trained: Number of the last frame that the mean gaze is of.
        device: Where models and agents run.
        seed: Of the frames whose gaze is the negatives of the shuffled AUC; by default 0, as
            published 42.
        picture: A sheet of the first model's, otherwise the first agent's, best, middling and worst
            moments.
        film: The moments of the first trial with the maps of all models and of each agent, by
            ``methods``, otherwise by its first one, side by side.

    Returns:
        Game → rows: ``gaze`` (name), ``noise``, the mean of each measure of
        :func:`~objwrappers.metrics.gaze_figures.gaze_figures` by its name, ``used`` and
        ``undefined`` (moments with gaze and without), and ``figures``: measure → mean, deviation,
        used and undefined.

    Raises:
        ValueError: No such model, agent, method or game, no frames in the range, agents that see
            different frames, a recording without gaze, a published procedure or pictures of
            nothing.
        FileNotFoundError: There are no weights, agents or trials.
    """
    named = [models] if isinstance(models, str) else list(models)
    _check(path, agents, gaze_of, as_published)
    if (picture or film) and not (named or weights or agents):
        raise ValueError("A picture and a film show a model or an agent: give one.")
    check_gaze_pictures(picture, film)
    if agents and game is None:
        game = task_of(agents[0]["env_id"])
    recordings = open_play(path, game)
    task = recordings[0].task
    learned, scored = split_trials(recordings, split)
    if not scored:
        raise ValueError(
            f"split={split!r} leaves nothing of {path} to score: the dataset's authors validated "
            "on other trials. Give these, or split='frames'."
        )
    whole = split == "official"
    first = first if first is not None else 1 if whole else TEST_FROM
    trained = trained if trained is not None else None if whole else TRAINED_TO
    _check_range(scored, path, first, last)
    mean = mean_gaze_map(_trained_maps(learned, trained))
    foretelling = gaze_entrants.models(named, weights, task, device)
    with ExitStack() as stack:
        shown = gaze_entrants.show_to(agents, path, task, device, as_published)
        for onlooker in shown.values():
            stack.callback(onlooker.close)
        looking = gaze_entrants.methods(shown, methods, target, as_published)
        entrants = {**gaze_entrants.baselines(mean), **foretelling, **looking}
        values: dict[str, list[dict[str, Tensor]]] = {name: [] for name in entrants}
        seen, opening = [], None
        for recording in scored:
            moments = _moments(recording, shown, first, last, gaze_of, int(as_published))
            if not len(moments):
                continue
            opening = opening or (recording, moments)
            seen.append(moments.seen)
            drawn = draw_others(moments.gaze, (42 if as_published else 0) if seed is None else seed)
            for name, entrant in entrants.items():
                values[name].append(_values(entrant, moments, drawn, mean, as_published))
        assert opening is not None
        chosen = {name: one for name, one in entrants.items() if not one.is_baseline}
        if picture:
            write_gaze_sheet(picture, next(iter(chosen.values())), *opening)
        if film:
            write_gaze_film(film, chosen if methods else _one_each(chosen), *opening)
    return {
        task: [_row(name, entrants[name], values[name], np.concatenate(seen)) for name in values]
    }


def open_play(path: str | Path, game: str | None = None) -> list[HumanRecording]:
    """Opens the trials of one game at a path, or the recording of one; made if need be.

    Raises:
        FileNotFoundError: There are no trials of the game.
        ValueError: Trials of several games, or none that can be used.
    """
    if _is_recording(path):
        return [HumanRecording(path)]
    return [human_recording(trial) for trial in trials_of_one_game(path, game)]


def undefined_counts(
    table: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, list[dict[str, Any]]]:
    """Returns how many moments have no figure, of the rows where gaze is not all that is missing.

    Args:
        table: Of :func:`score_gaze`.

    Returns:
        Game → such rows, in each measure's place its number of moments without a figure.
    """
    counted = {
        game: [
            {**row, **{key: figure["undefined"] for key, figure in row["figures"].items()}}
            for row in rows
        ]
        for game, rows in table.items()
    }
    return {
        game: [row for row in rows if any(row[key] != row["undefined"] for key in row["figures"])]
        for game, rows in counted.items()
    }


def _is_recording(path: str | Path) -> bool:
    return (Path(path) / INDEX_NAME).is_file()


def _check(
    path: str | Path, agents: Sequence[Mapping[str, Any]], gaze_of: str, as_published: bool
) -> None:
    check_name("gaze_of", gaze_of, GAZE_OF)
    if agents and _is_recording(path):
        raise ValueError(
            f"{path} is a recording made of a trial; agents are shown the trial itself: give "
            "Atari-HEAD's folder, zip or trial."
        )
    if as_published and not agents:
        raise ValueError("The published procedure is of what agents see: give an agent.")


def _check_range(
    recordings: Sequence[HumanRecording], path: str | Path, first: int, last: int | None
) -> None:
    numbers = np.concatenate([recording.numbers for recording in recordings])
    if not ((numbers >= first) & (numbers <= (last or np.inf))).any():
        raise ValueError(
            f"{path} has no frames numbered {first} to {last or 'its end'}: its last one is "
            f"{numbers.max()}."
        )


def _trained_maps(
    recordings: Sequence[HumanRecording], trained: int | None
) -> Iterator[tuple[Tensor, Tensor]]:
    yield torch.zeros(1, SIDE, SIDE), torch.zeros(1)  # where nothing was trained on
    for recording in recordings:
        before = every_frame(GazePlay.of(recording), 1, trained)
        for places in before.chunks():
            yield before.gaze[torch.from_numpy(places)].maps()


def _moments(
    recording: HumanRecording,
    shown: Mapping[str, Onlooker],
    first: int,
    last: int | None,
    gaze_of: str,
    lag: int,
) -> Moments:
    play = GazePlay.of(recording)
    alone = every_frame(play, first, last)
    if not shown or not len(alone):
        return alone
    sights = {name: one.look(recording.name, first, last) for name, one in shown.items()}
    return moments_seen(play, sights, gaze_of, lag)


def _values(
    entrant: Entrant, moments: Moments, drawn: Tensor, mean: Tensor, as_published: bool
) -> dict[str, Tensor]:
    """Returns measure → float64 (M,)."""
    chunks = [*moments.chunks()]
    maps: Iterable[Tensor] = (entrant.maps(moments, places) for places in chunks)
    if as_published:
        maps = [*maps]
        top = max(float(some.max()) for some in maps)
        maps = [some / top if top > 0 else some for some in maps]
    parts = []
    for places, some in zip(chunks, maps, strict=True):
        chosen = torch.from_numpy(places)
        gaze, others = moments.gaze[chosen], others_gaze(moments.gaze, drawn[chosen])
        if as_published:
            parts.append(published_figures(some, gaze, others))
        else:
            parts.append(gaze_figures(some, gaze, others, mean))
    return _joined(parts)


def _joined(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def _one_each(entrants: Mapping[str, Entrant]) -> dict[str, Entrant]:
    """Returns the models, and of each agent the first method."""
    found: dict[str, str] = {}
    for name, entrant in entrants.items():
        found.setdefault(entrant.agent or name, name)
    return {name: entrants[name] for name in found.values()}


def _row(
    name: str, entrant: Entrant, parts: Sequence[Mapping[str, Tensor]], seen: np.ndarray
) -> dict[str, Any]:
    figures = summarise(_joined(parts))
    return {
        "gaze": name,
        "noise": entrant.noise,
        **{key: figure.mean for key, figure in figures.items()},
        "used": int(seen.sum()),
        "undefined": int((~seen).sum()),
        "figures": {key: asdict(figure) for key, figure in figures.items()},
    }
