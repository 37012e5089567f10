"""Pictures of a gaze model on recorded human play.

* :func:`write_gaze_sheet`: its best, middling and worst frames, by NSS
* :func:`write_gaze_film`: frames in succession, with the model's gaze and people's
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.atari_head.recording import HumanRecording
from objwrappers.datasets.gaze import GazePlay
from objwrappers.metrics.saliency import nss
from objwrappers.rendering.gaze import draw_gaze
from objwrappers.rendering.layout import sheet
from objwrappers.rendering.pictures import write_picture
from objwrappers.rendering.video import VideoWriter
from objwrappers.scoring.gaze import AT_ONCE, foretold

__all__ = ["write_gaze_film", "write_gaze_sheet"]

SHOWN = 6  # frames of a row
APART = 30  # steps between frames of a row, at least
FPS = 20  # at which people played


def write_gaze_sheet(
    path: str | Path, model: Any, recording: HumanRecording, first: int, last: int | None = None
) -> None:
    """Writes frames with both densities: those of the highest, of middling and of the lowest NSS.

    Args:
        path: A picture's name.
        model: A gaze model.
        recording: Of human play.
        first: Number of the first frame that is chosen from.
        last: Number of the last one; by default all.

    Raises:
        ValueError: No frame with gaze there.
    """
    play = GazePlay.of(recording)
    steps = _numbered(play, first, last)
    steps = steps[play.seen[steps]]
    if not len(steps):
        raise ValueError(f"Nobody looked at the frames numbered {first} to {last or 'the end'}.")
    scores = np.concatenate(
        [_scored(model, play, steps[i : i + AT_ONCE]) for i in range(0, len(steps), AT_ONCE)]
    )
    order = scores.argsort()
    from_the_middle = np.abs(scores - np.median(scores)).argsort()
    ranked = {"best": order[::-1], "middling": from_the_middle, "worst": order}
    chosen = {name: _apart(steps, places) for name, places in ranked.items()}
    rows = [
        [_drawn(model, recording, play, steps[place], scores[place]) for place in places]
        for places in chosen.values()
    ]
    write_picture(path, sheet(rows, [*chosen]))


def write_gaze_film(
    path: str | Path,
    model: Any,
    recording: HumanRecording,
    first: int,
    last: int | None = None,
    fps: float = FPS,
) -> int:
    """Films frames in succession with a model's density, people's, and the samples of their gaze.

    Args:
        path: A film's name.
        model: A gaze model.
        recording: Of human play.
        first: Number of the first frame.
        last: Number of the last one; by default all.
        fps: Frames per second; people played at 20, or slower.

    Returns:
        The number of frames.

    Raises:
        ValueError: No frame there, or a path that is no film's.
    """
    play = GazePlay.of(recording)
    steps = _numbered(play, first, last)
    if not len(steps):
        raise ValueError(f"There are no frames numbered {first} to {last or 'the end'}.")
    with VideoWriter(path, fps) as video:
        for step in steps:
            video.append(_drawn(model, recording, play, step, _scored(model, play, step[None])[0]))
    return len(steps)


def _apart(steps: np.ndarray, places: np.ndarray) -> list[int]:
    """Returns the first places whose steps are not all but the same moment."""
    found: list[int] = []
    for place in places.tolist():
        if all(abs(int(steps[place] - steps[other])) >= APART for other in found):
            found.append(place)
        if len(found) == SHOWN:
            break
    return found


def _numbered(play: GazePlay, first: int, last: int | None) -> np.ndarray:
    return np.flatnonzero((play.numbers >= first) & (last is None or play.numbers <= last))


def _scored(model: Any, play: GazePlay, steps: np.ndarray) -> np.ndarray:
    gaze = play.gaze[torch.from_numpy(steps)]
    return nss(foretold(model, play, steps), gaze.counts()).numpy()


def _drawn(
    model: Any, recording: HumanRecording, play: GazePlay, step: np.integer, score: float
) -> np.ndarray:
    one = np.array([step])
    gaze = play.gaze[torch.from_numpy(one)]
    people, _ = gaze.maps()
    text = f"frame {play.numbers[step]}  " + ("no gaze" if np.isnan(score) else f"NSS {score:.1f}")
    (frame,) = recording.frames(int(step), int(step) + 1)
    density = foretold(model, play, one)[0].numpy()
    return draw_gaze(frame, density, people[0].numpy(), gaze.points.numpy(), text)
