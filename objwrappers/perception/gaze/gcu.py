"""Atari-HEAD's network with a graph convolution unit between its encoder's blocks.

Regions of the frame that look alike, wherever they are, exchange what they know: where the ghosts
are matters to who looks at Ms. Pac-Man.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from objwrappers.perception.gaze.deconv import WIDTH, Decoder, encoder
from objwrappers.perception.gaze.graph import GraphUnit, clusters
from objwrappers.perception.gaze.module import STACK, GazeModule

__all__ = ["GraphGaze"]

AT_ONCE = 256  # stacks
SAMPLED_CELLS = 50_000  # that k-means looks at
MOST_VERTICES = 1024


class GraphGaze(GazeModule):
    """As ``deconv``, with :class:`GraphUnit` on the map of 9×9 cells, added to it.

    Its vertices begin in the clusters of many frames' features, which :meth:`prepare` finds before
    training; without that, they are anywhere.

    Args:
        dropout: Share of a layer's outputs that training leaves out.
        palette: Share of stacks in other grey levels, while training; see :class:`GazeModule`.
        flip: Mirror half of the stacks, while training.
        vertices: V, regions that a frame is divided into.

    Raises:
        ValueError: A share that is none, or a number of vertices beyond 1 to 1024.
    """

    name = "gcu"

    def __init__(
        self, dropout: float = 0.5, palette: float = 0.0, flip: bool = False, vertices: int = 32
    ) -> None:
        super().__init__(dropout, palette, flip)
        if not 1 <= vertices <= MOST_VERTICES:
            raise ValueError(f"vertices must be 1 to {MOST_VERTICES}, got {vertices}.")
        blocks = encoder(STACK, dropout)
        self.encoder, self.encoder_end = blocks[:2], blocks[2]
        self.graph = GraphUnit(WIDTH, vertices)
        self.decoder = Decoder(dropout)

    def logits(self, images: Tensor) -> Tensor:
        """See :meth:`GazeModule.logits`."""
        features = self.encoder(images - self.mean)
        return self.decoder(self.encoder_end(features + self.graph(features)))

    @torch.no_grad()
    def prepare(self, stacks: Tensor) -> None:
        """Learns the frames' mean and, by k-means, where the vertices begin.

        Batch norms of the encoder are given the statistics of these frames, as training will see
        its features; they are random ones still.

        Args:
            stacks: uint8 (N, 4, 84, 84), of many moments of the training.
        """
        super().prepare(stacks)
        parts = [part[..., None] for part in stacks.split(AT_ONCE)]
        norms = [layer for layer in self.encoder.modules() if isinstance(layer, nn.BatchNorm2d)]
        was_training, momentum = self.training, [norm.momentum for norm in norms]
        self.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a mean of all batches alike
            norm.train()
            for part in parts:
                self.encoder(self.images(part) - self.mean)
            norm.eval()
        for norm, value in zip(norms, momentum, strict=True):
            norm.momentum = value
        features = torch.cat([self.encoder(self.images(part) - self.mean) for part in parts])
        self.train(was_training)
        cells = features.movedim(1, -1).flatten(0, 2)
        generator = torch.Generator().manual_seed(0)
        chosen = torch.randperm(len(cells), generator=generator)[:SAMPLED_CELLS]
        centres, deviations = clusters(cells[chosen.to(cells.device)], len(self.graph.anchors))
        self.graph.start_from(centres.to(cells.device), deviations.to(cells.device))

    def diagnostics(self, images: Tensor) -> dict[str, Tensor]:
        """Returns which vertex each cell belongs to most, as a shade (B, 9, 9)."""
        features = self.encoder(images - self.mean)
        belonging = self.graph.assign(features.flatten(2).transpose(1, 2))
        shade = belonging.argmax(-1).float() / max(1, belonging.shape[-1] - 1)
        return {"vertices": shade.unflatten(-1, features.shape[-2:])}
