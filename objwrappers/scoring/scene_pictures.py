"""Pictures of what scene models find, and of what z_what tells apart.

* :func:`draw_scenes`: boxes on frames, found beside true
* :func:`draw_encodings`: z_what in the plane, by PCA and by t-SNE
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib.axes
import matplotlib.figure
import numpy as np

from objwrappers.files import write_atomically
from objwrappers.metrics.encodings import labels_of
from objwrappers.rendering.layout import sheet, write_plate
from objwrappers.rendering.overlay import Colour, colour
from objwrappers.rendering.pictures import write_picture
from objwrappers.scoring.moments import Moment
from objwrappers.scoring.scene_truth import Seen, Truth, boxes_of

__all__ = ["draw_encodings", "draw_scenes"]

WHITE, GREY = (255, 255, 255), (128, 128, 128)
MOST_POINTS = 1000  # of a scatter plot
PERPLEXITY = 30.0  # of t-SNE


def draw_scenes(
    path: Path,
    moments: Sequence[Moment],
    truths: Sequence[Truth],
    seen: Sequence[Seen],
    scale: int = 3,
) -> None:
    """Writes a sheet of twelve frames with true boxes and those found.

    White boxes are relevant objects, grey ones count neither for nor against; what is found has
    the colour of its class and its name.
    """
    classes = sorted({label for one in seen for label in one.label.tolist()})
    pictures = []
    for i in np.linspace(0, len(moments) - 1, 12).astype(int):
        frame, truth, one = moments[i].now.frame, truths[i], seen[i]
        picture = np.ascontiguousarray(frame.repeat(scale, 0).repeat(scale, 1))
        sought = truth.sought("relevant")
        others = [s for s in (*truth.objects, *truth.still) if s not in sought]
        for objects, rgb in ((others, GREY), (sought, WHITE)):
            for box in boxes_of(objects):
                _rectangle(picture, box, scale, rgb)
        names = one.label.tolist() or [""] * len(one.boxes)
        for box, name in zip(one.boxes, names, strict=True):
            rgb = colour(classes.index(name) if name else 0)
            corners = _rectangle(picture, box, scale, rgb, margin=2)
            if name:
                write_plate(picture, name, corners, rgb)
        pictures.append(picture)
    write_picture(path, sheet([pictures[:6], pictures[6:]], gap=0))


def _rectangle(
    picture: np.ndarray, box: np.ndarray, scale: int, rgb: Colour, margin: int = 0
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Draws a box and returns its first and last pixel; a margin keeps it off the true box."""
    x, y, width, height = box * scale
    # Far outside is outside: cv2 counts in 32 bits.
    limit = 4 * max(picture.shape)
    ends = np.array([x - width / 2, y - height / 2, x + width / 2 - 1, y + height / 2 - 1])
    ends += np.array([-1, -1, 1, 1]) * margin
    x0, y0, x1, y1 = np.clip(np.rint(ends), -limit, limit).astype(int).tolist()
    cv2.rectangle(picture, (x0, y0), (x1, y1), rgb, 1)
    return (x0, y0), (x1, y1)


def draw_encodings(
    start: str, seen: Sequence[Seen], truths: Sequence[Truth], seed: int = 0
) -> list[Path]:
    """Writes z_what of relevant objects in the plane, as PNG and SVG, by PCA and by t-SNE.

    The upper panel has the true labels, the lower one the classes that the model names, with the
    mean of each as a black-edged dot: means are embedded with the points, not by themselves.

    Args:
        start: Beginning of the files' names.
        seen: What was found in each frame.
        truths: What is there.
        seed: Of the choice of points, and of t-SNE.

    Returns:
        The files; none where fewer than four detections show an object.
    """
    what, true, named = _points(seen, truths)
    if len(what) < 4 or not what.shape[1]:
        return []
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(what))[:MOST_POINTS])
    what, true, named = what[chosen], true[chosen], named[chosen]
    classes = np.unique(named)
    shades = {name: i for i, name in enumerate(np.unique(np.concatenate([true, named])).tolist())}
    means = np.stack([what[named == name].mean(0) for name in classes])
    files = []
    for method in ("pca", "tsne"):
        embedded = _embed(np.concatenate([what, means]), len(what), method, seed)
        figure = matplotlib.figure.Figure((6, 9))
        upper, lower = figure.subplots(2, 1, sharex=True, sharey=True)
        _scatter(upper, embedded[: len(what)], true, shades, "true labels")
        _scatter(lower, embedded[: len(what)], named, shades, "the model's classes and their means")
        for name, (x, y) in zip(classes.tolist(), embedded[len(what) :], strict=True):
            shade = _shade(shades[name])
            lower.scatter(x, y, s=90, color=shade, edgecolors="black", linewidths=1.5)
        figure.tight_layout()
        for suffix in ("png", "svg"):
            files.append(Path(f"{start}-{method}.{suffix}"))
            _write(files[-1], figure, suffix)
    return files


def _points(
    seen: Sequence[Seen], truths: Sequence[Truth]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z_what, true labels and the model's names of all detections that show an object."""
    what, true, named = [np.zeros((0, 0))], [], []
    for one, truth in zip(seen, truths, strict=True):
        sought = truth.sought("relevant")
        shows = labels_of(one.boxes, boxes_of(sought))
        if (shows >= 0).any():
            what.append(one.what[shows >= 0])
            true += [sought[k].label for k in shows[shows >= 0]]
            named += one.label[shows >= 0].tolist()
    points = np.concatenate(what[1:]) if len(what) > 1 else what[0]
    return points, np.array(true, str), np.array(named, str)


def _embed(points: np.ndarray, fitted: int, method: str, seed: int) -> np.ndarray:
    """Embeds in the plane; PCA is fitted on the first points alone, t-SNE knows all."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if method == "tsne":
        perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
        start = "pca" if points.shape[1] > 1 else "random"
        return TSNE(perplexity=perplexity, random_state=seed, init=start).fit_transform(points)
    if points.shape[1] == 1:
        points = np.concatenate([points, np.zeros_like(points)], axis=1)
    return PCA(2, random_state=seed).fit(points[:fitted]).transform(points)


def _scatter(
    axes: matplotlib.axes.Axes,
    points: np.ndarray,
    labels: np.ndarray,
    shades: dict[str, int],
    title: str,
) -> None:
    for label in np.unique(labels).tolist():
        own = points[labels == label]
        name, shade = f"{label} ({len(own)})", _shade(shades[label])
        axes.scatter(own[:, 0], own[:, 1], s=8, color=shade, label=name, alpha=0.7)
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=7, markerscale=2)
    axes.set_xticks([])
    axes.set_yticks([])


def _shade(index: int) -> tuple[float, ...]:
    return tuple(value / 255 for value in colour(index))


def _write(path: Path, figure: matplotlib.figure.Figure, suffix: str) -> None:
    # Without a date, the same points are the same file.
    metadata = {"Date": None} if suffix == "svg" else None
    content = io.BytesIO()
    figure.savefig(content, format=suffix, dpi=120, metadata=metadata)
    with write_atomically(path) as file:
        file.write(content.getvalue())
