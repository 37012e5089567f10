"""Pictures of a recording, for people: its backgrounds, its objects, its motion.

* :func:`write_root_images`: what a game looks like without objects
* :func:`write_truth_pictures`: frames with boxes and labels
* :func:`write_motion_pictures`: each step of motion supervision
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from objwrappers.datasets.backgrounds import median_background, mode_background
from objwrappers.datasets.motion_pictures import motion_pictures, motion_sheet
from objwrappers.datasets.motion_scenery import fit_scenery, sampled_frames
from objwrappers.datasets.recordings import Recording
from objwrappers.datasets.truth import truth_pictures
from objwrappers.files import write_atomically

__all__ = [
    "root_images",
    "write_motion_pictures",
    "write_pictures",
    "write_root_images",
    "write_truth_pictures",
]

ROOT_FRAMES = 1000


def root_images(recording: Recording, samples: int = ROOT_FRAMES) -> dict[str, np.ndarray]:
    """Returns the frame that is left of a recording without what moves.

    Args:
        recording: Of at least one frame.
        samples: Frames looked at, from everywhere in it.

    Returns:
        ``mode``, the colour that each pixel has most often, and ``median``, of each channel by
        itself: uint8 (H, W, 3) each.
    """
    frames = sampled_frames(recording, samples)
    return {"mode": mode_background(frames), "median": median_background(frames)}


def write_root_images(recording: Recording, folder: Path | None = None) -> list[Path]:
    """Writes ``mode.png`` and ``median.png``; by default to ``background`` in the recording."""
    folder = recording.folder / "background" if folder is None else folder
    return write_pictures(folder, root_images(recording).items())


def write_truth_pictures(recording: Recording, folder: Path, count: int = 16) -> list[Path]:
    """Writes frames with their boxes and labels.

    Raises:
        ValueError: The recording has no truth.
    """
    return write_pictures(folder, truth_pictures(recording, count))


def write_motion_pictures(recording: Recording, folder: Path, count: int = 8) -> list[Path]:
    """Writes each step from a frame to its motion targets, ``"00-4-mask.png"``, and a sheet."""

    def pictures() -> Iterator[tuple[str, np.ndarray]]:
        scenery = fit_scenery(recording)
        yield "sheet", motion_sheet(recording, scenery=scenery)
        for i, frame in enumerate(sampled_frames(recording, count)):
            for step, (name, picture) in enumerate(motion_pictures(scenery, frame).items()):
                yield f"{i:02d}-{step}-{name}", picture

    return write_pictures(folder, pictures())


def write_pictures(folder: Path, pictures: Iterable[tuple[str, np.ndarray]]) -> list[Path]:
    """Writes pictures uint8 (H, W, 3) as PNG files named after them, and returns the files."""
    written = []
    for name, picture in pictures:
        path = folder / f"{name}.png"
        with write_atomically(path) as file:
            file.write(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
        written.append(path)
    return written
