"""What the objects of a scene are called: a linear classifier of z_what.

Nearest centroids are linear, too, so that classes found without supervision and classes learned
from a few examples are stored and run alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.storage import (
    CONFIG_NAME,
    WEIGHTS_NAME,
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

    Attributes:
        labels: The same.
        rows: The same.
        weight: float32 (C, D).
        bias: float32 (C,).

    Raises:
        ValueError: No class, a name twice, another number of rows, or too many of them.

    Example:
        >>> classifier.save("my-names", weights_digest=model.digest)
        >>> gym.make("ObjScene-Pong-v0", classifier="my-names")
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, what_size: int, labels: Sequence[str], rows: Sequence[int]) -> None:
        super().__init__()
        self.labels, self.rows = tuple(labels), tuple(rows)
        if not 1 <= what_size <= MOST_NUMBERS:
            raise ValueError(f"what_size must be from 1 to {MOST_NUMBERS}, got {what_size}.")
        _check_classes(self.labels, self.rows)
        self.register_buffer("weight", torch.zeros(len(labels), what_size))
        self.register_buffer("bias", torch.zeros(len(labels)))

    @classmethod
    def of_centroids(
        cls, centroids: Tensor, labels: Sequence[str], rows: Sequence[int]
    ) -> SceneClassifier:
        """Returns the classifier whose class is that of the nearest of the centroids (C, D)."""
        classifier = cls(centroids.shape[1], labels, rows)
        classifier.weight.copy_(2 * centroids)
        classifier.bias.copy_(-centroids.square().sum(1))
        return classifier

    def forward(self, what: Tensor) -> Tensor:
        """(..., D) → scores (..., C), in full precision: classes may be near each other."""
        with torch.autocast(what.device.type, enabled=False):
            return what.float() @ self.weight.T + self.bias

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
        if missing := [name for name in names if name not in config]:
            raise ValueError(f"{where} is damaged: it lacks {', '.join(missing)}.")
        arguments = {name: config[name] for name in names}
        try:
            check_arguments(cls, arguments)
            classifier = cls(**arguments)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
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


def _check_classes(labels: tuple[str, ...], rows: tuple[int, ...]) -> None:
    words = all(isinstance(label, str) and label for label in labels)
    if not words or not labels or len({*labels}) < len(labels) or len(labels) > MOST_CLASSES:
        raise ValueError(f"labels must be 1 to {MOST_CLASSES} different names, got {labels}.")
    if len(rows) != len(labels) or min(rows) < 1 or sum(rows) > MOST_ROWS:
        raise ValueError(
            f"rows must be a number of at least 1 for each of {len(labels)} labels, at most "
            f"{MOST_ROWS} together, got {rows}."
        )
