"""Pictures of what foretells gaze on recorded human play, or looks itself.

* :func:`write_gaze_sheet`: one's best, middling and worst moments, by NSS
* :func:`write_gaze_film`: moments in succession, several side by side, with people's gaze
* :func:`check_gaze_pictures`: errors for paths, before anything is computed
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from objwrappers.datasets.atari_head.recording import HumanRecording
from objwrappers.metrics.gaze_maps import SIDE
from objwrappers.metrics.saliency import nss
from objwrappers.rendering.gaze import ATTENDED, PREDICTED, draw_gaze
from objwrappers.rendering.layout import beside, sheet
from objwrappers.rendering.overlay import SCALE
from objwrappers.rendering.pictures import check_picture_path, write_picture
from objwrappers.rendering.video import VideoWriter
from objwrappers.scoring.gaze_entrants import Entrant
from objwrappers.scoring.gaze_moments import Moments

__all__ = ["check_gaze_pictures", "write_gaze_film", "write_gaze_sheet"]

SHOWN = 6  # moments of a row
APART = 30  # frames between moments of a row, at least
FPS = 20  # frames of the game per second, at which people played
LEAST_FPS = 5


def check_gaze_pictures(picture: str | Path | None, film: str | Path | None) -> None:
    """Raises ValueError for names that are no picture's and no film's."""
    if picture is not None:
        check_picture_path(picture)
    if film is not None:
        VideoWriter(film)  # writes nothing yet


def write_gaze_sheet(
    path: str | Path, entrant: Entrant, recording: HumanRecording, moments: Moments
) -> None:
    """Writes frames with both densities: those of the highest, of middling and of the lowest NSS.

    Args:
        path: A picture's name.
        entrant: Whose maps.
        recording: Of human play.
        moments: Of the recording, to choose from.

    Raises:
        ValueError: No moment with gaze.
    """
    looked = np.flatnonzero(moments.seen)
    if not len(looked):
        raise ValueError(f"Nobody looked at the screen at {len(moments)} moments.")
    scores = np.concatenate([_scored(entrant, moments, places)[1] for places in moments.chunks()])
    order = looked[scores[looked].argsort()]
    middling = order[np.abs(scores[order] - np.median(scores[looked])).argsort(kind="stable")]
    ranked = {"best": order[::-1], "middling": middling, "worst": order}
    rows = [
        [
            _drawn({"": entrant}, recording, moments, int(place), SCALE)
            for place in _apart(moments.steps, places)
        ]
        for places in ranked.values()
    ]
    write_picture(path, sheet(rows, [*ranked]))


def write_gaze_film(
    path: str | Path,
    entrants: Mapping[str, Entrant],
    recording: HumanRecording,
    moments: Moments,
) -> int:
    """Films moments with what each entrant says beside the others', and people's gaze on all.

    A model's maps are cyan, an agent's are orange, people's density is pink, the samples of their
    gaze are dots.

    Args:
        path: A film's name.
        entrants: Name → what is shown.
        recording: Of human play.
        moments: Of the recording.

    Returns:
        The number of pictures.

    Raises:
        ValueError: No moment, or a path that is no film's.
    """
    if not len(moments):
        raise ValueError("There are no moments to film.")
    skip = float(np.median(np.diff(moments.steps))) if len(moments) > 1 else 1.0
    scale = SCALE if len(entrants) == 1 else SCALE - 1
    with VideoWriter(path, max(LEAST_FPS, FPS / skip)) as video:
        for place in range(len(moments)):
            video.append(_drawn(entrants, recording, moments, place, scale))
    return len(moments)


def _apart(steps: np.ndarray, places: np.ndarray) -> list[int]:
    """Returns the first places whose steps are not all but the same moment."""
    found: list[int] = []
    for place in places.tolist():
        if all(abs(int(steps[place] - steps[other])) >= APART for other in found):
            found.append(place)
        if len(found) == SHOWN:
            break
    return found


def _scored(
    entrant: Entrant, moments: Moments, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns maps (n, 84, 84), and their NSS (n,)."""
    maps = entrant.maps(moments, places)
    scores = nss(maps, moments.gaze[torch.from_numpy(places)].counts(SIDE, SIDE))
    return maps.numpy(), scores.numpy()


def _drawn(
    entrants: Mapping[str, Entrant],
    recording: HumanRecording,
    moments: Moments,
    place: int,
    scale: int,
) -> np.ndarray:
    one, step = np.array([place]), int(moments.steps[place])
    gaze = moments.gaze[torch.from_numpy(one)]
    people, _ = gaze.maps()
    (frame,) = recording.frames(step, step + 1)
    panels: list[np.ndarray] = []
    for name, entrant in entrants.items():
        (density,), (score,) = _scored(entrant, moments, one)
        said = "no gaze" if np.isnan(score) else f"NSS {score:.1f}"
        words = [Path(name).name, said]
        if not panels:
            words.insert(1, f"frame {moments.play.numbers[step]}")
        text = "  ".join(word for word in words if word)
        hue = PREDICTED if entrant.agent is None else ATTENDED
        panels.append(
            draw_gaze(frame, density, people[0].numpy(), gaze.points.numpy(), text, scale, hue)
        )
    return beside(panels)
