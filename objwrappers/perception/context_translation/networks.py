"""Encoders, translators and decoders of context translation, in three sizes.

* :class:`Encoder`: images → features, and the maps that lead there
* :class:`FrameTranslator`, :class:`VideoTranslator`: features in the target's context
* :class:`Decoder`: features and the context's maps → images
* :func:`joined`: a convolution of frames' maps beside those of their context
* :class:`Sizes`, :data:`SIZES`: what each architecture consists of
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.layers import same_padding

__all__ = [
    "NORMALISATIONS",
    "SIZES",
    "Decoder",
    "Encoder",
    "FrameTranslator",
    "Sizes",
    "VideoTranslator",
    "joined",
]

SLOPE = 0.2  # of the leaky ReLUs
GROUPS = 4  # of channels that are normalised together
HALVINGS = 4  # of an image's side
MASK_BIAS = -2.0  # the first predictions are nearly the context's frame

NORMALISATIONS = ("group", "batch", "none")


@dataclass(frozen=True)
class Sizes:
    """What an architecture consists of.

    Attributes:
        channels: Of the four maps.
        kernel: Side of the convolutions' windows, pixels; strides are 2.
        hidden: Units between the last map and the features; 0 stands for as many as features.
        translator: Units of the translator's hidden layer; 0 stands for as many as features.
        span: Lowest and highest value of the images that the networks read and write.
        padded: Maps have half the side of the map before; else only whole windows count.
        mixed: Decoders mix maps and the context's by convolutions 1×1 before they grow; dense
            layers are normalised, too.
        rectified: A leaky ReLU follows the frames' features (not the context's).
    """

    channels: tuple[int, int, int, int]
    kernel: int
    hidden: int
    translator: int
    span: tuple[float, float]
    padded: bool = True
    mixed: bool = False
    rectified: bool = False

    def times(self, width: int) -> Sizes:
        """Returns the same with as many times the channels."""
        first, second, third, fourth = (width * channels for channels in self.channels)
        return replace(self, channels=(first, second, third, fourth))

    def sides(self, image_size: int) -> list[int]:
        """Returns the sides of the four maps, pixels."""
        sides = []
        for _ in range(HALVINGS):
            image_size = image_size // 2 if self.padded else (image_size - self.kernel) // 2 + 1
            sides.append(image_size)
        return sides


SIZES = {
    "small": Sizes((16, 32, 64, 128), 4, 128, 128, (0.0, 1.0)),
    "paper": Sizes((64, 128, 256, 512), 5, 1024, 1024, (-1.0, 1.0), rectified=True),
    "upstream": Sizes((64, 128, 256, 512), 5, 0, 0, (0.0, 1.0), padded=False, mixed=True),
}
"""Architecture → sizes."""


def activation() -> nn.Module:
    """Returns a leaky ReLU."""
    return nn.LeakyReLU(SLOPE, inplace=True)


def norm(kind: str, channels: int) -> list[nn.Module]:
    """Returns a layer that normalises maps, in a list; ``"none"`` is no layer."""
    if kind == "none":
        return []
    return [nn.GroupNorm(GROUPS, channels) if kind == "group" else nn.BatchNorm2d(channels)]


class SamePadding(nn.Module):
    """TensorFlow's SAME before a convolution of stride 2, more after than before.

    Args:
        kernel: Side of the window, pixels.
    """

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) → (N, C, h + kernel - 2, w + kernel - 2) of even h and w."""
        padding = same_padding(self.kernel, 2, x.shape[-1]) + same_padding(
            self.kernel, 2, x.shape[-2]
        )
        return F.pad(x, padding)


class Encoder(nn.Module):
    """Four convolutions of stride 2 and two dense layers.

    Args:
        sizes: Of the architecture.
        image_size: Side of the images, pixels.
        features: Numbers that an image becomes, Z.
        normalisation: ``"group"``, ``"batch"`` or ``"none"``.
        rectified: A leaky ReLU follows the features.
    """

    def __init__(
        self, sizes: Sizes, image_size: int, features: int, normalisation: str, rectified: bool
    ) -> None:
        super().__init__()
        stages = []
        for inputs, outputs in zip((3, *sizes.channels[:-1]), sizes.channels, strict=True):
            stages.append(nn.Sequential(*_halving(sizes, inputs, outputs, normalisation)))
        self.stages = nn.ModuleList(stages)
        pixels, hidden = sizes.sides(image_size)[-1] ** 2, sizes.hidden or features
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(sizes.channels[-1] * pixels, hidden),
            nn.Unflatten(1, (hidden, 1, 1)),
            *(norm(normalisation, hidden) if sizes.mixed else []),
            activation(),
            nn.Flatten(),
            nn.Linear(hidden, features),
            *([activation()] if rectified else []),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, 3, h, w) → the features (N, Z) and the four maps, the largest first."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return self.head(images), maps


def _halving(sizes: Sizes, inputs: int, outputs: int, normalisation: str) -> list[nn.Module]:
    # Even windows lie alike on both sides of a pixel pair, odd ones do not.
    even = sizes.padded and sizes.kernel % 2 == 0
    padding = (sizes.kernel - 2) // 2 if even else 0
    return [
        *([SamePadding(sizes.kernel)] if sizes.padded and not even else []),
        nn.Conv2d(inputs, outputs, sizes.kernel, 2, padding),
        *norm(normalisation, outputs),
        activation(),
    ]


class FrameTranslator(nn.Module):
    """Translates each frame by itself.

    Args:
        features: Of a frame, Z.
        hidden: Units between.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * features, hidden), activation(), nn.Linear(hidden, features)
        )

    def forward(self, source: Tensor, context: Tensor) -> Tensor:
        """(B, T, Z) and the context's (B, Z) → (B, T, Z)."""
        return self.layers(torch.cat([source, context[:, None].expand_as(source)], -1))


class VideoTranslator(nn.LSTM):
    """Translates a video from its first frame on: two layers whose cells start as the context.

    Args:
        features: Of a frame, Z.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, features, 2, batch_first=True)

    def forward(self, source: Tensor, context: Tensor) -> Tensor:  # type: ignore[override]
        """(B, T, Z) and the context's (B, Z) → (B, T, Z)."""
        cells = context.expand(2, -1, -1).contiguous()
        return super().forward(source, (torch.zeros_like(cells), cells))[0]


def joined(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, context: Tensor) -> Tensor:
    """Applies a convolution to [map, context's map], to the latter once for all its frames.

    Args:
        layer: A convolution without padding or a transposed one, of as many channels as both have.
        x: (B·n, C, h, w), of n frames of each context.
        context: (B, D, h, w).

    Returns:
        (B·n, E, H, W).
    """
    cut = x.shape[1]
    if isinstance(layer, nn.ConvTranspose2d):
        geometry = [int(size[0]) for size in (layer.stride, layer.padding, layer.output_padding)]
        own, others = layer.weight[:cut], layer.weight[cut:]
        of_x = F.conv_transpose2d(x, own, layer.bias, *geometry)
        shared = F.conv_transpose2d(context, others, None, *geometry)
    else:
        of_x = F.conv2d(x, layer.weight[:, :cut], layer.bias)
        shared = F.conv2d(context, layer.weight[:, cut:])
    together = of_x.unflatten(0, (len(shared), -1)) + shared[:, None]
    return together.flatten(0, 1)


class Growth(nn.Module):
    """Doubles a map's side, with the context's map beside it.

    Args:
        sizes: Of the architecture.
        inputs: Channels of the map, and of the context's.
        outputs: Channels of the larger map.
        sides: Of the map and of the larger one, pixels.
        after: Layers after the transposed convolution.
    """

    def __init__(
        self,
        sizes: Sizes,
        inputs: int,
        outputs: int,
        sides: tuple[int, int],
        after: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        kernel, self.side = sizes.kernel, sides[1]
        # SAME cuts off an odd number of pixels where the window is odd; forward() takes the last.
        padding = (kernel - 2) // 2 if sizes.padded else 0
        lacking = max(sides[1] - ((sides[0] - 1) * 2 + kernel - 2 * padding), 0)
        self.mixing = nn.Conv2d(2 * inputs, inputs, 1) if sizes.mixed else None
        channels = inputs if sizes.mixed else 2 * inputs
        self.growing = nn.ConvTranspose2d(channels, outputs, kernel, 2, padding, lacking)
        self.after = nn.Sequential(*after)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Maps (B·n, C, h, w) and those of the contexts (B, C, h, w) → (B·n, D, H, W)."""
        if self.mixing is None:
            x = joined(self.growing, x, context)
        else:
            x = self.growing(F.leaky_relu(joined(self.mixing, x, context), SLOPE))
        return self.after(x[..., : self.side, : self.side])


class Decoder(nn.Module):
    """A dense layer and four transposed convolutions, each beside the context's map.

    Args:
        sizes: Of the architecture.
        image_size: Side of the images, pixels.
        features: That an image is made of, Z.
        normalisation: ``"group"``, ``"batch"`` or ``"none"``.
        compositing: A fourth channel is a mask's logits; at first the mask is nearly empty.
    """

    def __init__(
        self, sizes: Sizes, image_size: int, features: int, normalisation: str, compositing: bool
    ) -> None:
        super().__init__()
        channels = sizes.channels[::-1]
        sides = [*sizes.sides(image_size)[::-1], image_size]
        self.start = nn.Sequential(
            nn.Linear(features, channels[0] * sides[0] ** 2),
            nn.Unflatten(1, (channels[0], sides[0], sides[0])),
            *(norm(normalisation, channels[0]) if sizes.mixed else []),
            activation(),
        )
        steps = []
        for i, outputs in enumerate((*channels[1:], 4 if compositing else 3)):
            last = i == HALVINGS - 1
            after = [] if last else [*norm(normalisation, outputs), activation()]
            steps.append(Growth(sizes, channels[i], outputs, (sides[i], sides[i + 1]), after))
        self.steps = nn.ModuleList(steps)
        if compositing:
            bias = steps[-1].growing.bias
            assert bias is not None
            with torch.no_grad():
                bias[3] = MASK_BIAS

    def forward(self, features: Tensor, maps: list[Tensor]) -> Tensor:
        """Features (B, n, Z) and the contexts' maps (B, C, h, w) → (B, n, 3 or 4, h, w)."""
        x = self.start(features.flatten(0, 1))
        for step, context in zip(self.steps, reversed(maps), strict=True):
            x = step(x, context)
        return x.unflatten(0, features.shape[:2])
