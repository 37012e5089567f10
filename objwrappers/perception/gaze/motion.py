"""Atari-HEAD's network with what moves as a second input: eyes follow it.

AGIL (Zhang et al. 2018) gave its network optical flow beside the frames; here it is what frames
differ in, which is a function of the same stack and costs nothing.
"""

from __future__ import annotations

from torch import Tensor

from objwrappers.perception.gaze.deconv import Decoder, encoder
from objwrappers.perception.gaze.module import STACK, GazeModule

__all__ = ["MotionGaze"]


class MotionGaze(GazeModule):
    """Two encoders, of the frames and of what moves between them, and one decoder of their sum.

    Args:
        dropout: Share of a layer's outputs that training leaves out.
        palette: Share of stacks in other grey levels, while training; see :class:`GazeModule`.
        flip: Mirror half of the stacks, while training.

    Raises:
        ValueError: A share that is none.
    """

    name = "motion"

    def __init__(self, dropout: float = 0.5, palette: float = 0.0, flip: bool = False) -> None:
        super().__init__(dropout, palette, flip)
        self.encoder = encoder(STACK, dropout)
        self.motion_encoder = encoder(STACK - 1, dropout)
        self.decoder = Decoder(dropout)

    def logits(self, images: Tensor) -> Tensor:
        """See :meth:`GazeModule.logits`."""
        features = self.encoder(images - self.mean) + self.motion_encoder(self.motion(images))
        return self.decoder(features)

    @staticmethod
    def motion(images: Tensor) -> Tensor:
        """Returns how much each frame differs from the one before it, (B, 3, 84, 84) in [0, 1]."""
        return images.diff(dim=1).abs()

    def diagnostics(self, images: Tensor) -> dict[str, Tensor]:
        """Returns what moves at the end of the stack."""
        return {"motion": self.motion(images)[:, -1]}
