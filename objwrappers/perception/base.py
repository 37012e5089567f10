"""What a perception model is, and which frames it reads.

* :class:`FrameFormat`: what kind of frames a model reads
* :class:`PerceptionModel`: the protocol, a pure function of frames
* :class:`PerceptionModule`: a model that is trained and stored, too
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from objwrappers.perception.resizing import resize_area
from objwrappers.perception.storage import CONFIG_NAME, check_replaceable, digest_of
from objwrappers.perception.trainable import Trainable

__all__ = [
    "CONFIG_NAME",
    "FrameFormat",
    "PerceptionModel",
    "PerceptionModule",
    "check_replaceable",
    "frame_format_of",
    "torch_dtype",
]


@dataclass(frozen=True)
class FrameFormat:
    """What kind of frames a model reads.

    Attributes:
        height: h, pixels; None for frames of any size.
        width: w, pixels; None for frames of any size.
        grayscale: Grey, (..., h, w, 1), instead of RGB, (..., h, w, 3).
        stack: Frames that the model looks at, S.
    """

    height: int | None = None
    width: int | None = None
    grayscale: bool = False
    stack: int = 1


def frame_format_of(model: Any) -> FrameFormat:
    """Returns what a model says of its frames; native RGB where it says nothing."""
    stated = getattr(model, "frame_format", None)
    return stated or FrameFormat(stack=getattr(model, "stack", 1))


def torch_dtype(dtype: Any) -> torch.dtype:
    """Returns what torch calls a NumPy dtype."""
    return torch.from_numpy(np.empty(0, dtype)).dtype


@runtime_checkable
class PerceptionModel(Protocol):
    """A pure function of frames: it knows no env, keeps no state and needs no reset.

    Attributes:
        observation_space: Of one env; a flat Dict of Boxes, float32 or uint8, of fixed shapes.
        stack: Frames that the model looks at, S.
    """

    observation_space: gym.spaces.Dict
    stack: int

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives a batch.

        Args:
            frames: uint8 (B, H, W, 3), or (B, S, H, W, 3) where S > 1; RGB of any size.

        Returns:
            One tensor (B, ...) for each key of the observation space; coordinates are in [-1, 1]
            with ±1 at the frame's border.
        """
        ...


SMALL_RGB = FrameFormat(84, 84)


class PerceptionModule(Trainable):
    """A perception model that can be trained and stored; see :class:`Trainable`.

    Args:
        frame_format: What kind of frames the network reads; a constructor's arguments may
            decide that.

    Attributes:
        frame_format: The same.
        stack: Frames that the network looks at, S.
        exportable: ONNX Runtime is known to give its percepts, sooner than torch (True), not to
            (False), or nobody has tried (None).
    """

    observation_space: gym.spaces.Dict
    exportable: ClassVar[bool | None] = None

    def __init__(self, frame_format: FrameFormat = SMALL_RGB) -> None:
        super().__init__()
        self.frame_format = frame_format
        self.stack = frame_format.stack
        self.channels = "grey" if frame_format.grayscale else "RGB"

    @property
    def size(self) -> int:
        """Height of the frames that the network reads, pixels; of square ones, their side."""
        assert self.frame_format.height is not None
        return self.frame_format.height

    @property
    def digest(self) -> str:
        """SHA-256 of all that the network's percepts hang on: its tensors."""
        return digest_of(self.name, self.state_dict())

    @property
    def digests(self) -> dict[str, str]:
        """What its observations hang on: name → SHA-256 of each model that it is made of."""
        return {f"{self.family} {self.name}": self.digest}

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Perceives what :meth:`images` gives, float32 (B, S·C, h, w) in [0, 1]."""
        raise NotImplementedError

    def diagnostics(self, images: Tensor) -> dict[str, Tensor]:
        """Returns what the model looks at on its way, for people: name → (B, h, w) in [0, 1]."""
        return {}

    def percepts(self, batch: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """Returns what the model perceives in the first of the :meth:`pictures`."""
        return self.perceive(next(iter(self.pictures(batch).values())))

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives frames; see :meth:`PerceptionModel.__call__`.

        Frames of another size than the network's are resized by area. On CUDA the network runs
        under autocast and memory is channels-last.

        Raises:
            ValueError: Frames of another shape or dtype.
        """
        images = self.images(self.resize(frames))
        with torch.autocast("cuda", enabled=images.is_cuda):
            percepts = self.perceive(images)
        return {key: value.float() for key, value in percepts.items()}

    def resize(self, frames: Tensor) -> Tensor:
        """Gives frames the size that the network reads.

        Args:
            frames: uint8 (B, H, W, C), or (B, S, H, W, C) where S > 1; C = 3, or 1 for a model
                that reads grey.

        Returns:
            uint8, with the network's height and width.

        Raises:
            ValueError: Frames of another shape or dtype, or no tensor.
        """
        if not isinstance(frames, Tensor):
            raise ValueError(
                f"Frames must be a tensor of torch's, got {type(frames).__name__}: pass "
                "torch.from_numpy(frames)."
            )
        form = self.frame_format
        channels = 1 if form.grayscale else 3
        ends = (form.stack,) if form.stack > 1 else ()
        if (
            frames.dtype != torch.uint8
            or frames.ndim != 4 + len(ends)
            or frames.shape[-1] != channels
            or frames.shape[1:-3] != ends
            or 0 in frames.shape[1:]
        ):
            shape = ", ".join(map(str, ("B", *ends, "H", "W", channels)))
            raise ValueError(
                f"Frames must be uint8 of shape ({shape}), got "
                f"{frames.dtype} of shape {tuple(frames.shape)}."
            )
        height, width = form.height or frames.shape[-3], form.width or frames.shape[-2]
        return resize_area(frames, height, width)

    def images(self, frames: Tensor) -> Tensor:
        """Turns frames into what the network reads.

        Args:
            frames: uint8 (B, h, w, C) or (B, S, h, w, C), of the network's size.

        Returns:
            float32 (B, C, h, w), or (B, S·C, h, w), the oldest frame first, in [0, 1].
        """
        last = frames.ndim - 1  # exporters do not understand negative ones
        x = frames.movedim(last, last - 2).flatten(1, last - 2).float() / 255
        return x.contiguous(memory_format=torch.channels_last)
