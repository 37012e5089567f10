"""Context translation: what a video would look like from another's first frame on.

* :class:`ContextTranslation`: the model
* :class:`Translation`: a video's frames and features in another context
* :data:`PRESETS`: named sets of its arguments
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.perception.context_translation.checks import (
    check_batch,
    check_networks,
    check_weights,
)
from objwrappers.perception.context_translation.moments import LEAST, moments_of
from objwrappers.perception.context_translation.networks import (
    SIZES,
    SLOPE,
    Decoder,
    Encoder,
    FrameTranslator,
    VideoTranslator,
)
from objwrappers.perception.context_translation.objectives import (
    alignment_term,
    frame_error,
    motion_weights,
    picture_term,
    time_error,
)
from objwrappers.perception.context_translation.presets import PRESETS
from objwrappers.perception.trainable import Trainable

__all__ = ["PRESETS", "ContextTranslation", "Translation"]

CENTRED = (-0.5, 0.5)  # values of the activated network's images


class Translation(NamedTuple):
    """A video in another context.

    Attributes:
        features: float32 (B, T, Z), ẑ.
        frames: float32 (B, T, h, w, 3) in [0, 1].
    """

    features: Tensor
    frames: Tensor


class ContextTranslation(Trainable):
    """Translates a video into the context of another's first frame (Liu et al. 2018).

    An encoder gives the features z of a frame, another those of the target context's first frame,
    z_c. A translator makes ẑ of z and z_c, and a decoder a picture of ẑ and the context's maps. An
    imitator in the target context is to have features like ẑ.

    ``architecture="small"`` was made here: groups are normalised, the decoder paints, behind a
    mask, on the context's frame, and what moves counts more. ``"paper"`` is that of Liu et al.,
    ``"upstream"`` that of a later implementation. Frames are square RGB of ``image_size`` pixels.

    As published, ``"upstream"`` has batch norms. In training they take the statistics of the
    batch's videos at one time step, source and target apart: steps of a video see different
    statistics, and a batch has at least two videos. In evaluation mode they take the running
    statistics: features hang on the frame alone. ``normalisation="group"`` has none of this.

    Args:
        architecture: ``"small"``, ``"paper"`` or ``"upstream"``.
        image_size: Side of the frames, pixels: a multiple of 16; of ``"upstream"`` 64.
        feature_dim: Numbers that a frame becomes, Z.
        translator: ``"mlp"``, of each frame by itself, or ``"lstm"``, of a video from its first
            frame on.
        width: Factor on the channels of the small architecture's maps.
        normalisation: Of the maps: ``"group"``, ``"batch"`` or ``"none"``.
        tied: Frames and contexts have one encoder.
        activated: Leaky ReLUs follow all features and pictures, whose values are in [-.5, .5]:
            the first version of ``"upstream"``.
        compositing: The decoder gives a mask m, too; pictures are m·painted + (1 - m)·context.
        motion_weight: What a pixel counts beside 1 where a channel differs by more than .08 from
            the context's frame.
        translation_weight: Of pictures of ẑ against the target's frames.
        reconstruction_weight: Of pictures of the target's own features against its frames.
        alignment_weight: Of ẑ against the target's own features.

    Attributes:
        scale: Mean of ‖z_t - z_0‖² over the training's videos and t ≥ 1; 1 before :meth:`settle`.
        feature_mean: Mean of z over the training's frames, (Z,).
        feature_std: Standard deviation of z over the training's frames, (Z,).

    Raises:
        ValueError: An argument out of bounds.
    """

    name = "context_translation"
    family: ClassVar[str] = "translation"
    monitor: ClassVar[str] = "translation"
    stored_dtype: ClassVar[torch.dtype] = torch.float16
    scale: Tensor
    feature_mean: Tensor
    feature_std: Tensor

    def __init__(
        self,
        architecture: Literal["small", "paper", "upstream"] = "small",
        image_size: int = 48,
        feature_dim: int = 64,
        translator: Literal["mlp", "lstm"] = "mlp",
        width: int = 1,
        normalisation: Literal["group", "batch", "none"] = "group",
        tied: bool = False,
        activated: bool = False,
        compositing: bool = True,
        motion_weight: float = 10.0,
        translation_weight: float = 1.0,
        reconstruction_weight: float = 1.0,
        alignment_weight: float = 1.0,
    ) -> None:
        super().__init__()
        shape = image_size, feature_dim
        check_networks(architecture, translator, normalisation, *shape, width)
        self.weights = {
            "translation": translation_weight,
            "reconstruction": reconstruction_weight,
            "alignment": alignment_weight,
        }
        check_weights({"motion": motion_weight, **self.weights})
        sizes = SIZES[architecture].times(width)
        self.architecture, self.image_size, self.feature_dim = architecture, image_size, feature_dim
        self.motion_weight, self.compositing = motion_weight, compositing
        self.activated = activated
        self.span = CENTRED if activated else sizes.span
        self._apart = normalisation == "batch"
        self._episodes: Tensor | None = None
        self.encoder = Encoder(sizes, *shape, normalisation, activated or sizes.rectified)
        self.context_encoder = None if tied else Encoder(sizes, *shape, normalisation, activated)
        self.translator: FrameTranslator | VideoTranslator
        if translator == "lstm":
            self.translator = VideoTranslator(feature_dim)
        else:
            self.translator = FrameTranslator(feature_dim, sizes.translator or feature_dim)
        self.decoder = Decoder(sizes, *shape, normalisation, compositing)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("feature_mean", torch.zeros(feature_dim))
        self.register_buffer("feature_std", torch.ones(feature_dim))

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """How far translated pictures and features are from the target's.

        In training, terms are those of the architecture, as published; see
        :mod:`objwrappers.perception.context_translation.objectives`. In evaluation mode ``"loss"``
        is made of them, too, but ``"translation"`` and ``"reconstruction"`` are plain, to be
        compared across architectures: the squared error of pictures in [0, 1], summed over a
        frame's pixels and channels, the mean over frames. There are also ``"copy"``, the same of
        the context's frame taken for each picture, and, of videos of three frames and more,
        ``"time_error"``: how many frames ẑ_t is away from its nearest in the target's video.

        Args:
            batch: ``source`` and ``target``, uint8 (B, T, h, w, 3), the same moments in two
                contexts; ``context`` uint8 (B, h, w, 3), the first frame of the target's video.
                T may be 1; a recurrent translator has to see videos from their first frame on.
            progress: Without effect.

        Returns:
            ``"loss"``, the weighted sum, and its terms ``"translation"``, ``"reconstruction"``,
            ``"alignment"``.

        Raises:
            ValueError: Frames of another shape or dtype, or one video for batch norms.
        """
        check_batch(batch, 2 if self._apart and self.training else 1)
        frames = self._images(torch.cat([batch["source"], batch["target"]], 1))
        context = self._images(batch["context"])
        length = frames.shape[1] // 2
        features = self._each(self._features, self._in_span(frames))
        own = features[:, length:]
        of_context, maps = (self.context_encoder or self.encoder)(self._in_span(context))
        translated = self.translator(features[:, :length], of_context)
        pictures = self._each(
            lambda part: self._pictures(part, maps, context), torch.cat([translated, own], 1)
        )
        translated, own, truth = translated.float(), own.float(), frames[:, length:]
        weights = motion_weights(truth, context, self.motion_weight)
        pairs = {"translation": pictures[:, :length], "reconstruction": pictures[:, length:]}
        terms = {
            key: picture_term(self.architecture, made, self._in_span(truth), weights)
            for key, made in pairs.items()
        }
        terms["alignment"] = alignment_term(self.architecture, translated, own)
        total = torch.stack([self.weights[key] * term for key, term in terms.items()]).sum()
        if not self.training:
            plain = {
                key: frame_error(self._out_of_span(made), truth) for key, made in pairs.items()
            }
            terms |= {**plain, "copy": frame_error(context[:, None], truth)}
            if length >= 3:
                terms["time_error"] = time_error(translated, own)
        return {"loss": total, **terms}

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Returns the features of frames, without a gradient.

        Args:
            frames: uint8 (..., h, w, 3), evaluated together.

        Returns:
            float32 (..., Z).

        Raises:
            ValueError: Frames of another size or dtype.
        """
        images = self._in_span(self._images(frames))
        features, _ = self.encoder(images.reshape(-1, *images.shape[-3:]))
        return features.float().view(*frames.shape[:-3], self.feature_dim)

    @torch.no_grad()
    def translate(self, source: Tensor, context: Tensor) -> Translation:
        """Translates videos, without a gradient.

        Args:
            source: uint8 (B, T, h, w, 3), from their first frames on.
            context: uint8 (B, h, w, 3), the first frame of the target's video.

        Raises:
            ValueError: Frames of another size or dtype.
        """
        frame = self._images(context)
        of_context, maps = (self.context_encoder or self.encoder)(self._in_span(frame))
        features = self.translator(self.encode(source), of_context)
        pictures = self._out_of_span(self._pictures(features, maps, frame))
        return Translation(features.float(), pictures.movedim(-3, -1))

    def cost(self, features: Tensor, reference: Tensor) -> Tensor:
        """Returns ‖z - z̄‖² / :attr:`scale`; an arm that stays where it is costs about 1.

        Args:
            features: (..., Z), z.
            reference: (..., Z), z̄.
        """
        return (features - reference).square().sum(-1) / self.scale

    def standardised(self, features: Tensor) -> Tensor:
        """Returns features (..., Z), each number with mean 0 and variance 1 over the training."""
        return (features - self.feature_mean) / self.feature_std.clamp(min=LEAST)

    def prepare(self, episodes: Tensor) -> None:
        """Keeps videos, each in one context, for :meth:`settle`; they are not stored.

        Args:
            episodes: uint8 (N, T + 1, h, w, 3), from their first frames on.

        Raises:
            ValueError: Frames of another size or dtype, or videos in which nothing moves.
        """
        self._images(episodes[:1, :1])
        if not any((video[1:] != video[0]).any() for video in episodes):
            raise ValueError(f"Nothing moves in the videos, of shape {tuple(episodes.shape)}.")
        self._episodes = episodes

    @torch.no_grad()
    def settle(self, draw: Callable[[int], Tensor]) -> None:
        """Measures how features vary in the videos of :meth:`prepare`.

        Args:
            draw: Without effect.

        Raises:
            RuntimeError: :meth:`prepare` gave none.
        """
        if self._episodes is None:
            raise RuntimeError("There are no videos to measure: call prepare(episodes) before.")
        was_training = self.training
        self.eval()
        moments = moments_of(lambda part: self.encode(part.to(self.scale.device)), self._episodes)
        self.train(was_training)
        self.scale, self.feature_mean, self.feature_std = (m.to(self.scale) for m in moments)

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns source, prediction and truth of the last time step, (B, 3, h, w) each."""
        made = self.translate(batch["source"], batch["context"]).frames[:, -1].movedim(-1, -3)
        source, truth = (self._images(batch[key][:, -1]) for key in ("source", "target"))
        return {"source": source, "prediction": made, "truth": truth}

    def _each(self, network: Callable[[Tensor], Tensor], videos: Tensor) -> Tensor:
        """Applies a network to (B, n, ...): at once, or time by time where norms learn."""
        if not (self._apart and self.training):
            return network(videos)
        return torch.cat([network(part) for part in videos.split(1, 1)], 1)

    def _features(self, videos: Tensor) -> Tensor:
        return self.encoder(videos.flatten(0, 1))[0].unflatten(0, videos.shape[:2])

    def _pictures(self, features: Tensor, maps: list[Tensor], context: Tensor) -> Tensor:
        """Pictures (B, n, 3, h, w) in the network's range."""
        made = self.decoder(features, maps).float()
        painted = made[:, :, :3]
        if self.architecture == "small":
            low, high = self.span
            painted = painted.sigmoid() * (high - low) + low
        elif self.activated:
            painted = F.leaky_relu(painted, SLOPE)
        if not self.compositing:
            return painted
        return torch.lerp(self._in_span(context)[:, None], painted, made[:, :, 3:].sigmoid())

    def _images(self, frames: Tensor) -> Tensor:
        """Frames uint8 (..., h, w, 3) as float32 (..., 3, h, w) in [0, 1]."""
        side = self.image_size
        if frames.dtype != torch.uint8 or frames.shape[-3:] != (side, side, 3):
            raise ValueError(
                f"{self.name} reads frames uint8 of shape (..., {side}, {side}, 3), got "
                f"{frames.dtype} of {tuple(frames.shape)}."
            )
        # In memory the channels stay last, which is faster on a processor.
        return frames.movedim(-1, -3).float() / 255

    def _in_span(self, images: Tensor) -> Tensor:
        low, high = self.span
        return images if self.span == (0, 1) else images * (high - low) + low

    def _out_of_span(self, pictures: Tensor) -> Tensor:
        low, high = self.span
        return ((pictures - low) / (high - low)).clamp(0, 1)
