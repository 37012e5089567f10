"""A network on a GPU as one graph of kernels, which is launched at once.

:class:`GraphedNetwork`: for small networks, whose kernels take less time than their launches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["GraphedNetwork"]

WARM_UPS = 3
MOST_SHAPES = 8


class GraphedNetwork:
    """Records a frozen network's kernels for each shape of frames, and plays them back.

    Args:
        network: Frozen, on CUDA, in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._graphs: dict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, dict[str, Tensor]]] = {}

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives frames on the network's device; results are the caller's own."""
        if frames.shape not in self._graphs:
            if len(self._graphs) >= MOST_SHAPES:
                return self._network(frames)
            self._graphs[frames.shape] = self._record(frames)
        graph, still, percepts = self._graphs[frames.shape]
        still.copy_(frames, non_blocking=True)
        graph.replay()
        return {key: value.clone() for key, value in percepts.items()}

    def _record(self, frames: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, dict[str, Tensor]]:
        still = frames.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        # Libraries choose their kernels at the first calls, which a graph may not record.
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._network(still)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            percepts = self._network(still)
        return graph, still, percepts
