"""What detections and their encodings are worth, frames of a game together.

* :func:`measures`: boxes against objects
* :func:`encodings_of`, :func:`encoding_measures`: what z_what tells apart
* :func:`named_right`: the model's own names
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from objwrappers.metrics.detection import (
    IOU_THRESHOLDS,
    average_precision,
    counts,
    found,
    iou,
)
from objwrappers.metrics.encodings import SHOTS, clusters, few_shot_accuracy, labels_of
from objwrappers.scoring.scene_truth import Seen, Truth, boxes_of

__all__ = ["NO_ENCODINGS", "encoding_measures", "encodings_of", "measures", "named_right"]

Encodings = tuple[np.ndarray, np.ndarray]

NO_ENCODINGS: Encodings = (np.zeros((0, 1)), np.zeros(0, str))


def measures(seen: Sequence[Seen], truths: Sequence[Truth], which: str) -> dict[str, float]:
    """Returns what detections are worth on a set of objects.

    ``ap_10`` to ``ap_90`` (average precision by threshold of IoU, in percent), ``ap``, their mean;
    ``precision``, ``recall`` and ``f1`` by how near the centres are, ``f1_iou`` by an IoU of .5;
    ``centre_error`` and ``centre_error_95`` of the found, native pixels; ``perfect``, ``over``,
    ``under`` and ``error_rate`` of the counts; ``objects`` to find.
    """
    scenes = [truth.judge(one, which) for one, truth in zip(seen, truths, strict=True)]
    by_centre = found(scenes)
    precisions = {f"ap_{100 * t:.0f}": average_precision(scenes, t) for t in IOU_THRESHOLDS}
    return {
        **precisions,
        "ap": float(np.mean([*precisions.values()])),
        "precision": by_centre.precision,
        "recall": by_centre.recall,
        "f1": by_centre.f1,
        "f1_iou": found(scenes, iou, 0.5).f1,
        "centre_error": by_centre.centre_error,
        "centre_error_95": by_centre.centre_error_95,
        **asdict(counts(scenes)),
        "objects": by_centre.objects,
    }


def encoding_measures(pool: Encodings, test: Encodings) -> dict[str, float]:
    """Returns what z_what tells apart.

    ``few_shot_1`` to ``few_shot_64`` (ridge regression), ``logistic_16`` (logistic regression),
    ``centroid_16`` (nearest centroids), ``cluster_nn``, ``ami``, ``ari``.
    """
    return {
        **{f"few_shot_{shots}": few_shot_accuracy(pool, test, shots) for shots in SHOTS},
        **{
            f"{method}_16": few_shot_accuracy(pool, test, 16, method=method)
            for method in ("logistic", "centroid")
        },
        **asdict(clusters(pool, test)),
    }


def encodings_of(
    seen: Sequence[Seen], truths: Sequence[Truth], which: str = "relevant"
) -> Encodings:
    """Returns z_what (n, D) and labels (n,) of the detections that show an object of a set."""
    what, labels = [], []
    for one, truth in zip(seen, truths, strict=True):
        sought = truth.sought(which)
        shows = labels_of(one.boxes, boxes_of(sought))
        what.append(one.what[shows >= 0])
        labels += [sought[k].label for k in shows[shows >= 0]]
    return np.concatenate(what), np.array(labels, str)


def named_right(seen: Sequence[Seen], truths: Sequence[Truth]) -> float:
    """Share of detections that show a relevant object, and have its name."""
    named, true = [], []
    for one, truth in zip(seen, truths, strict=True):
        if not len(one.label):
            continue
        sought = truth.sought("relevant")
        shows = labels_of(one.boxes, boxes_of(sought))
        named += one.label[shows >= 0].tolist()
        true += [sought[k].label for k in shows[shows >= 0]]
    known = {*named} & {*true}
    return float(np.mean(np.array(named) == np.array(true))) if known else float("nan")
