"""What the objects of a scene are called: a linear classifier of z_what.

Nearest centroids are linear, too, so that classes found without supervision and classes learned
from a few examples are stored and run alike. A class may have several looks (a ball that takes the
colour of what it flies past); the best of them counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from objwrappers.perception.arguments import construct
from objwrappers.perception.storage import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    digest_of,
    locate,
    read_config,
    read_tensors,
    write_weights,
)

if TYPE_CHECKING:
    from objwrappers.perception.scenes.module import SceneModule

__all__ = ["SceneClassifier"]

FAMILY, MODEL = "classifiers", "scene"  # as config.json names what a folder holds
# What a stranger's config.json may ask for.
MOST_CLASSES, MOST_ROWS, MOST_NUMBERS = 64, 256, 4096


class SceneClassifier(nn.Module):
    """z_what → the score of each class, ``weight @ what + bias``; the largest wins.

    Args:
        what_size: D, of z_what.
        labels: Names of the C classes.
        rows: Rows that each class has in an observation, at least 1 each.
        looks: How many looks each class has; by default one. Its score is that of the best.

    Attributes:
        labels: The same.
        rows: The same.
        looks: The same, L together.
        weight: float32 (L, D), those of a class side by side.
        bias: float32 (L,).

    Raises:
        ValueError: No class, a name twice, another number of rows or looks, or too many of them.

    Example:
        >>> classifier.save("my-names", weights_digest=model.digest)
        >>> gym.make("ObjScene-Pong-v0", classifier="my-names")
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        what_size: int,
        labels: Sequence[str],
        rows: Sequence[int],
        looks: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.labels, self.rows = tuple(labels), tuple(rows)
        self.looks = (1,) * len(labels) if looks is None else tuple(looks)
        if not 1 <= what_size <= MOST_NUMBERS:
            raise ValueError(f"what_size must be from 1 to {MOST_NUMBERS}, got {what_size}.")
        _check_classes(self.labels, self.rows, self.looks)
        self.register_buffer("weight", torch.zeros(sum(self.looks), what_size))
        self.register_buffer("bias", torch.zeros(sum(self.looks)))

    @classmethod
    def of_centroids(
        cls, centroids: Tensor, labels: Sequence[str], rows: Sequence[int]
    ) -> SceneClassifier:
        """Returns the classifier whose class is that of the nearest of the centroids (C, D)."""
        classifier = cls(centroids.shape[1], labels, rows)
        classifier.weight.copy_(2 * centroids)
        classifier.bias.copy_(-centroids.square().sum(1))
        return classifier

    @property
    def digest(self) -> str:
        """SHA-256 of what the rows of an observation hang on: the classes and their rows."""
        told = "\n".join(map(repr, (self.rows, self.looks)))
        return digest_of(told, self.state_dict())

    def forward(self, what: Tensor) -> Tensor:
        """(..., D) → scores (..., C), in full precision: classes may be near each other."""
        with torch.autocast(what.device.type, enabled=False):
            scores = what.float() @ self.weight.T + self.bias
        if len(self.labels) == len(self.bias):
            return scores
        return torch.stack([part.amax(-1) for part in scores.split(self.looks, -1)], -1)

    def merged(self, groups: Sequence[Sequence[int]], rows: Sequence[int]) -> SceneClassifier:
        """Returns a classifier in which several of these classes are one, of several looks.

        Args:
            groups: Numbers of the classes that become one, for each new class, which takes the
                name of the first.
            rows: Of each new class.
        """
        first = [sum(self.looks[:k]) for k in range(len(self.labels))]
        kept = [[range(first[k], first[k] + self.looks[k]) for k in group] for group in groups]
        order = [index for parts in kept for part in parts for index in part]
        classifier = SceneClassifier(
            self.weight.shape[1],
            [self.labels[group[0]] for group in groups],
            rows,
            [sum(map(len, parts)) for parts in kept],
        ).to(self.weight.device)
        classifier.weight.copy_(self.weight[order])
        classifier.bias.copy_(self.bias[order])
        return classifier

    def save(self, folder: str | Path, weights_digest: str | None = None) -> None:
        """Writes config.json and model.safetensors; the folder appears complete or not at all.

        Args:
            folder: Replaced if it exists.
            weights_digest: :attr:`SceneModule.digest` of the model whose z_what it reads. Without
                one, any model with a z_what of this size takes it.

        Raises:
            FileExistsError: The folder holds anything else than weights.
            OSError: The disk is full, say; an existing folder is untouched then.
        """
        config: dict[str, Any] = {
            "family": FAMILY,
            "model": MODEL,
            "what_size": self.weight.shape[1],
            "labels": [*self.labels],
            "rows": [*self.rows],
            "looks": [*self.looks],
        }
        if weights_digest is not None:
            config["weights_digest"] = weights_digest
        write_weights(folder, config, self.state_dict())

    @classmethod
    def load(cls, source: str | Path, for_module: SceneModule | None = None) -> Self:
        """Reads a classifier; JSON and safetensors are read, code is never run.

        Args:
            source: A folder or a hub repository, ``"user/name"`` or ``"user/name@revision"``.
            for_module: The model that it is to serve.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It is damaged, is something else, or was made for other weights.
        """
        config = read_config(source)
        where = f"{source}/{CONFIG_NAME}"
        if (config["family"], config.get("model")) != (FAMILY, MODEL):
            raise ValueError(
                f"{where} is of {config['family']} {config.get('model')!r}, not of a classifier of "
                "scenes."
            )
        names = ("what_size", "labels", "rows")
        classifier = construct(cls, config, names, where, optional=("looks",))
        _check_belongs(config, for_module, where)
        path = locate(source, WEIGHTS_NAME)
        try:
            state = read_tensors(path, classifier.state_dict(), config.get("sha256"))
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{source} has no {WEIGHTS_NAME}.") from error
        classifier.load_state_dict(state)
        return classifier.eval()


def _check_belongs(config: dict[str, Any], module: SceneModule | None, where: str) -> None:
    """Raises ValueError where a classifier's z_what is not that of a model."""
    if module is None:
        return
    digest, size = config.get("weights_digest"), config["what_size"]
    if size != module.what_size:
        given = f"{module.what_size} of {module.name}"
        why = f"it reads a z_what of {size} numbers where these give {given}"
    elif digest not in (None, module.digest):
        why = f"of digest {digest!s:.12}, but these ({module.name}) have {module.digest:.12}"
    else:
        return
    raise ValueError(f"{where} was made for other weights: {why}. Fit a classifier to these.")


def _check_classes(labels: tuple[str, ...], rows: tuple[int, ...], looks: tuple[int, ...]) -> None:
    words = all(isinstance(label, str) and label for label in labels)
    if not words or not labels or len({*labels}) < len(labels) or len(labels) > MOST_CLASSES:
        raise ValueError(f"labels must be 1 to {MOST_CLASSES} different names, got {labels}.")
    if len(rows) != len(labels) or min(rows) < 1 or sum(rows) > MOST_ROWS:
        raise ValueError(
            f"rows must be a number of at least 1 for each of {len(labels)} labels, at most "
            f"{MOST_ROWS} together, got {rows}."
        )
    if len(looks) != len(labels) or min(looks) < 1 or sum(looks) > MOST_CLASSES:
        raise ValueError(
            f"looks must be a number of at least 1 for each of {len(labels)} labels, at most "
            f"{MOST_CLASSES} together, got {looks}."
        )
