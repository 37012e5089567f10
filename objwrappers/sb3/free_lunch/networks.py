"""Networks of free-lunch saliency, described by their parts.

* :class:`Network`: which convolutions, which attention, how it is used
* :data:`NETWORKS`: the fifteen published ones by name
* :class:`ReceptiveField`: what the cells of a map see
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objwrappers.names import check_name

__all__ = [
    "NETWORKS",
    "Convolution",
    "Network",
    "ReceptiveField",
    "network_of",
    "receptive_field",
]


@dataclass(frozen=True)
class Convolution:
    """One layer: output channels, kernel and stride, and zeros around its input."""

    channels: int
    kernel: int
    stride: int
    padding: int = 0


STEMS = {
    "sparse": (Convolution(32, 8, 4), Convolution(64, 4, 2), Convolution(64, 3, 1)),
    "dense": (Convolution(32, 7, 1, 3), Convolution(64, 5, 1, 2), Convolution(64, 3, 1, 1)),
}
"""Mnih et al.'s (2015) convolutions, which see seven cells a side, and their like of 84."""

ATTENTIONS = ("fls", "daqn", "rs")
SOFTPLUS_BASE_2 = math.log(2)


@dataclass(frozen=True)
class Network:
    """A network of section 3 of the paper, or any other combination of its parts.

    Attributes:
        stem: ``"sparse"`` or ``"dense"``, of :data:`STEMS`.
        attention: ``"fls"``; ``"daqn"``, a softmax over the cells (Sorokin et al. 2015); ``"rs"``,
            two of them (Yang et al. 2018); or None.
        after: Convolutions, counted from 1, whose map is attended to.
        kernel: Of both convolutions of ``"fls"``.
        softplus_beta: Softplus is log(1 + exp(βx))/β; with β = ln 2 the base is 2.
        normalised: The cells of ``"fls"`` sum to 1.
        final_relu: Of the last convolution.
        pooled: The attended features are summed over the cells; otherwise cells stay apart.
        padding: Zeros around the image, pixels.

    Raises:
        ValueError: A part that does not exist, or parts that do not go together.
    """

    stem: str = "sparse"
    attention: str | None = "fls"
    after: Sequence[int] = (3,)
    kernel: int = 3
    softplus_beta: float = 1.0
    normalised: bool = False
    final_relu: bool = True
    pooled: bool = False
    padding: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", tuple(self.after))
        if self.stem not in STEMS:
            raise ValueError(f"stem must be one of {', '.join(STEMS)}, got {self.stem!r}.")
        if self.attention not in (None, *ATTENTIONS):
            raise ValueError(
                f"attention must be one of {', '.join(ATTENTIONS)} or None, got {self.attention!r}."
            )
        count = len(self.convolutions)
        if sorted(set(self.after) & set(range(1, count + 1))) != list(self.after) or not self.after:
            raise ValueError(
                f"after must rise and name convolutions from 1 to {count}, got {self.after}."
            )
        if self.attention in ("daqn", "rs") and self.after != (count,):
            raise ValueError(f"{self.attention!r} attends to the last map only: after=({count},).")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd and positive, got {self.kernel}.")
        if self.softplus_beta <= 0:
            raise ValueError(f"softplus_beta must be positive, got {self.softplus_beta}.")
        if self.padding < 0:
            raise ValueError(f"padding must not be negative, got {self.padding}.")
        self._refuse_idle_options()
        if self.pooled and (self.attention is None or self.after != (count,)):
            raise ValueError(f"pooled sums what an attention after ({count},) weighs, and no more.")

    def _refuse_idle_options(self) -> None:
        defaults = type(self).__dataclass_fields__
        for name in ("kernel", "softplus_beta", "normalised"):
            if self.attention != "fls" and getattr(self, name) != defaults[name].default:
                raise ValueError(f"{name} is of attention='fls', not of {self.attention!r}.")
        if self.attention is None and self.after != defaults["after"].default:
            raise ValueError("after names the maps that an attention weighs, and there is none.")

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The layers of the stem."""
        return STEMS[self.stem]


def _with_sparse_fls(**options: Any) -> Network:
    return Network("sparse", "fls", **options)


NETWORKS: dict[str, Network] = {
    "cnn": Network("sparse", None),
    "cnn_daqn": Network("sparse", "daqn", pooled=True),
    "cnn_rsppo": Network("sparse", "rs", padding=1),
    "cnn_rsppo_nopad": Network("sparse", "rs"),
    "cnn_sparse_fls": _with_sparse_fls(),
    "cnn_sparse_fls_pool": _with_sparse_fls(pooled=True),
    "cnn_sparse_fls_norm": _with_sparse_fls(normalised=True),
    "cnn_sparse_fls_1x1": _with_sparse_fls(kernel=1),
    "cnn_sparse_fls_sp2": _with_sparse_fls(softplus_beta=SOFTPLUS_BASE_2),
    "cnn_sparse_fls_norelu": _with_sparse_fls(final_relu=False),
    "cnn_sparse_fls_norelu_pool": _with_sparse_fls(final_relu=False, pooled=True),
    "cnn_sparse_fls_h1": _with_sparse_fls(after=(1,)),
    "cnn_sparse_fls_x3": _with_sparse_fls(after=(1, 2, 3)),
    "cnn_dense_fls": Network("dense", "fls", pooled=True),
    "cnn_dense_fls_norelu": Network("dense", "fls", pooled=True, final_relu=False),
}
"""The fifteen networks under their published names."""


def network_of(network: str | Mapping[str, Any] | Network) -> Network:
    """Returns a network by its name or its options, as YAML gives them.

    Raises:
        ValueError: No such name, option or combination; the message lists what there is.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, Mapping):
        try:
            return Network(**network)
        except TypeError as error:
            options = ", ".join(Network.__dataclass_fields__)
            raise ValueError(f"A network has the options {options}: {error}.") from error
    check_name("network", network, NETWORKS)
    return NETWORKS[network]


@dataclass(frozen=True)
class ReceptiveField:
    """What the cells of a map see of an image: cell i the pixels from S·i - P to S·i - P + R - 1.

    Attributes:
        size: R, pixels.
        stride: S, pixels.
        padding: P, pixels.
    """

    size: int = 1
    stride: int = 1
    padding: int = 0

    def through(self, layer: Convolution) -> ReceptiveField:
        """Returns the field of what a convolution gives whose inputs have this one."""
        return ReceptiveField(
            self.size + (layer.kernel - 1) * self.stride,
            self.stride * layer.stride,
            self.padding + layer.padding * self.stride,
        )


def receptive_field(layers: Sequence[Convolution], padding: int = 0) -> ReceptiveField:
    """Returns the field of the last of some layers, with zeros around the image."""
    field = ReceptiveField(padding=padding)
    for layer in layers:
        field = field.through(layer)
    return field
