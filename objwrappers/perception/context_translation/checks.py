"""What context translation refuses: arguments, batches.

* :func:`check_networks`, :func:`check_weights`: of the constructor
* :func:`check_batch`: of the loss
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from objwrappers.names import check_name
from objwrappers.perception.context_translation.networks import GROUPS, NORMALISATIONS, SIZES

__all__ = ["check_batch", "check_networks", "check_weights"]

TRANSLATORS = ("mlp", "lstm")
LARGEST_SIDE, LARGEST_WIDTH = 512, 16


def check_networks(
    architecture: str,
    translator: str,
    normalisation: str,
    image_size: int,
    feature_dim: int,
    width: int,
) -> None:
    """Raises a ValueError for a name that there is not, or a size that the networks cannot have."""
    for kind, value, known in (
        ("architecture", architecture, SIZES),
        ("translator", translator, TRANSLATORS),
        ("normalisation", normalisation, NORMALISATIONS),
    ):
        check_name(kind, value, known)
    _check_sizes(architecture, image_size, width)
    _check_features(architecture, normalisation, feature_dim)


def _check_sizes(architecture: str, image_size: int, width: int) -> None:
    if architecture == "upstream" and image_size != 64:
        raise ValueError(f"upstream reads frames of 64 pixels, got image_size {image_size}.")
    if image_size % 16 or not 16 <= image_size <= LARGEST_SIDE:
        raise ValueError(
            f"image_size must be a multiple of 16 of at most {LARGEST_SIDE}, got {image_size}."
        )
    if not 1 <= width <= LARGEST_WIDTH:
        raise ValueError(f"width must be from 1 to {LARGEST_WIDTH}, got {width}.")
    if architecture != "small" and width != 1:
        raise ValueError(f"Only the small architecture has a width, got {width}.")


def _check_features(architecture: str, normalisation: str, feature_dim: int) -> None:
    if feature_dim < 1:
        raise ValueError(f"feature_dim must be at least 1, got {feature_dim}.")
    if (architecture, normalisation) == ("upstream", "group") and feature_dim % GROUPS:
        raise ValueError(
            f"feature_dim must be a multiple of {GROUPS}, which upstream normalises in groups, "
            f"got {feature_dim}."
        )


def check_weights(weights: Mapping[str, float]) -> None:
    """Raises a ValueError for a weight of the loss that is negative, infinite or no number."""
    for key, value in weights.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{key}_weight must be a number of at least 0, got {value}.")


def check_batch(batch: Mapping[str, Tensor], least_videos: int) -> None:
    """Raises a ValueError for a batch whose parts do not fit each other, or that is too small."""
    source, target, context = (batch[key].shape for key in ("source", "target", "context"))
    if source != target or len(source) != 5 or context != source[:1] + source[2:]:
        raise ValueError(
            "source and target must be (B, T, h, w, 3) and context (B, h, w, 3), got "
            f"{tuple(source)}, {tuple(target)} and {tuple(context)}."
        )
    if source[0] < least_videos:
        raise ValueError(
            f"Batch norms learn from at least {least_videos} videos in a batch, got {source[0]}."
        )
