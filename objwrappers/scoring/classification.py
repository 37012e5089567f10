"""Names for what a scene model finds: a classifier of z_what from a few examples of each class.

* :func:`label_scenes`: plays, takes examples from the console's memory, fits, stores
* :func:`classifier_of`: examples → :class:`SceneClassifier`
* :func:`rows_of`: how many rows a class needs
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from objwrappers.files import cache_folder
from objwrappers.games import check_game
from objwrappers.metrics.detection import CLOSE, closeness
from objwrappers.metrics.encodings import METHODS, few_shot, fit_linear, labels_of
from objwrappers.metrics.ram import play_area
from objwrappers.names import check_name
from objwrappers.perception.base import check_replaceable
from objwrappers.perception.loading import load_model, weights_name
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.module import SceneModule
from objwrappers.rendering.bars import check_noise
from objwrappers.scoring.moments import play, with_bars
from objwrappers.scoring.scene_truth import Seen, Truth, boxes_of, look, truths_of

__all__ = ["OTHER", "Labelling", "classifier_of", "label_scenes", "rows_of"]

OTHER = "other"
"""Class of detections that are on nothing: scenery, scores, what eaten pills leave behind."""

EXAMPLE_SEED, CHECK_SEED = 5_000, 7_500
"""Of the episodes that examples come from, and of those that check them; tests have others."""

LEAST_EXAMPLES = 4
LEAST_OTHERS = 32  # fewer are chance, and would only make objects less certain
FRAMES_COVERED = 0.995  # share of the frames with a class in which its rows suffice

Examples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Labelling:
    """A classifier that was made.

    Attributes:
        output: The folder that was written.
        labels: Classes.
        rows: Rows of each in an observation.
        accuracy: Share of the detections of its classes, in other episodes, that it names right.
    """

    output: Path
    labels: tuple[str, ...]
    rows: tuple[int, ...]
    accuracy: float


def label_scenes(
    model: str,
    game: str,
    weights: str | Path | None = None,
    *,
    shots: int = 256,
    method: str = "logistic",
    frames: int = 500,
    output: str | Path | None = None,
    separate: bool = False,
    noise: str = "none",
    seed: int = 0,
    device: str = "auto",
) -> Labelling:
    """Names a scene model's classes by a few examples of each, and stores them.

    A random policy plays; the console's memory says what the detections show. The classes are the
    looks of moving objects (:attr:`objwrappers.metrics.sprite.Sprite.label`) that were found at
    least four times, and :data:`OTHER`, where enough detections are on nothing. Examples are as
    many of rare classes as of frequent ones; logistic regression is told how frequent each is.

    Args:
        model: ``"space_time"``, ``"space"`` or ``"motion"``.
        game: ``"MsPacman"``.
        weights: A folder or a hub repository; by default those that ``gym.make`` finds.
        shots: Examples of each class at most.
        method: ``"logistic"`` or ``"ridge"`` regression, by scikit-learn, or ``"centroid"``; the
            papers have ridge, which overlooks classes that lie between others.
        frames: Played for examples; half as many check them.
        output: Folder to write; by default in the user's cache, where ``gym.make`` looks.
        separate: Write the classifier alone, for these very weights, instead of the weights with
            their classifier.
        noise: Bars on the frames.
        seed: Of the choice of examples.
        device: Where the model runs.

    Raises:
        ValueError: No such game, noise, model or method, a game whose memory is not known, counts
            below 1, nothing that was found, or ``separate`` without an output.
        FileNotFoundError: There are no weights.
        FileExistsError: ``output`` holds something else than weights.
    """
    game, noise = check_game(game), check_noise(noise)
    play_area(game)  # refuses a game whose memory is not known, before any work
    if shots < 1:
        raise ValueError(f"shots must be at least 1, got {shots}.")
    check_name("method", method, METHODS)
    if separate and output is None:
        raise ValueError("A classifier by itself needs an output, a folder of its own.")
    output = Path(output or cache_folder("weights", weights_name(model, game, noise, "scenes")))
    check_replaceable(output)
    module = cast(SceneModule, load_model(model, game, weights, device, noise, "scenes"))
    seen, truths = _play(module, game, frames, EXAMPLE_SEED, noise)
    pool = _enough(_examples(seen, truths), shots)
    if not len(pool[1]):
        raise ValueError(
            f"{model} found no class {LEAST_EXAMPLES} times in {frames} frames of {game}; are "
            "these its weights? Otherwise play more frames."
        )
    chosen = few_shot(pool[1], shots, np.random.default_rng(seed))
    what, labels = pool[0][chosen], pool[1][chosen]
    rows = rows_of(truths, seen, np.unique(labels).tolist())
    classifier = classifier_of(what, labels, rows, method, Counter(pool[1].tolist()))
    what, labels = _examples(*_play(module, game, (frames + 1) // 2, CHECK_SEED, noise))
    accuracy = _accuracy(classifier, what, labels)
    module.record["classifier"] = {
        "method": method,
        "shots": shots,
        "frames": frames,
        "seed": seed,
        "scikit-learn": _version(),
        "accuracy": round(accuracy, 4),
    }
    if separate:
        classifier.save(output, module.digest)
    else:
        module.use_classifier(classifier)
        module.save_pretrained(output)
    return Labelling(output, classifier.labels, classifier.rows, accuracy)


def classifier_of(
    what: np.ndarray,
    labels: np.ndarray,
    rows: Mapping[str, int],
    method: str = "logistic",
    counts: Mapping[str, int] | None = None,
) -> SceneClassifier:
    """Fits a linear classifier and returns it as tensors.

    Args:
        what: Encodings (n, D).
        labels: Their classes (n,); of a single one, everything is of it.
        rows: Rows of each class.
        method: See :func:`objwrappers.metrics.encodings.fit_linear`.
        counts: How often each class is met, where the examples do not tell: logistic regression's
            bias is corrected by it (King and Zeng 2001, prior correction).
    """
    names, examples = np.unique(labels, return_counts=True)
    names = names.tolist()
    classifier = SceneClassifier(what.shape[1], names, [rows[name] for name in names])
    if len(names) > 1:
        _, weight, bias = fit_linear(what, labels, method)
        classifier.weight.copy_(torch.from_numpy(weight))
        if counts is not None and method == "logistic":
            odds = np.log([counts[name] for name in names]) - np.log(examples)
            bias = bias + odds - odds.mean()
        classifier.bias.copy_(torch.from_numpy(bias))
    return classifier


def rows_of(truths: Sequence[Truth], seen: Sequence[Seen], labels: Sequence[str]) -> dict[str, int]:
    """Returns label → rows: as many as suffice in 99.5 % of the frames that have the class.

    What flicker hides has a row, too: it will be back.
    """
    there: dict[str, list[int]] = {label: [] for label in labels}
    for truth, one in zip(truths, seen, strict=True):
        counts = Counter(s.label for s in truth.objects)
        if OTHER in there:
            counts[OTHER] = int((_names(one, truth) == OTHER).sum())
        for label in counts.keys() & there.keys():
            if counts[label]:
                there[label].append(counts[label])
    return {
        label: int(np.quantile(counts, FRAMES_COVERED, method="higher")) if counts else 1
        for label, counts in there.items()
    }


def _play(
    module: SceneModule, game: str, frames: int, seed: int, noise: str
) -> tuple[list[Seen], list[Truth]]:
    moments = play(game, frames, seed)
    truths = truths_of(game, [m.now for m in moments])
    return look(module, [m.now.frame for m in with_bars(moments, noise, "iid", seed)]), truths


def _examples(seen: Sequence[Seen], truths: Sequence[Truth]) -> Examples:
    """z_what and class of all detections whose class is known."""
    what, labels = [], []
    for one, truth in zip(seen, truths, strict=True):
        names = _names(one, truth)
        what.append(one.what[names != ""])
        labels.append(names[names != ""])
    return np.concatenate(what), np.concatenate(labels)


def _names(one: Seen, truth: Truth) -> np.ndarray:
    """Returns the class of each detection; none near what it does not show, as flicker hides it."""
    moving = truth.sought("moving")
    near = (closeness(one.boxes, boxes_of(truth.objects)) > CLOSE).any(1)
    shows = labels_of(one.boxes, boxes_of(moving))
    # The last stands for -1, which is no sprite.
    labels = np.array([*(s.label for s in moving), OTHER])[shows]
    return np.where((shows < 0) & near, "", labels)


def _enough(examples: Examples, shots: int) -> Examples:
    """Leaves out classes of which there are too few."""
    what, labels = examples
    counts = Counter(labels.tolist())
    others = min(shots, LEAST_OTHERS)
    least = {name: others if name == OTHER else LEAST_EXAMPLES for name in counts}
    kept = np.array([counts[name] >= least[name] for name in labels.tolist()], bool)
    return what[kept], labels[kept]


def _accuracy(classifier: SceneClassifier, what: np.ndarray, labels: np.ndarray) -> float:
    known = np.isin(labels, classifier.labels)
    if not known.any():
        return float("nan")
    named = classifier(torch.from_numpy(what[known]).float()).argmax(-1).numpy()
    return float(np.mean(np.array(classifier.labels)[named] == labels[known]))


def _version() -> Any:
    import sklearn

    return sklearn.__version__
