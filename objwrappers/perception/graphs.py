"""A network on a GPU as one graph of kernels, which is launched at once.

:class:`GraphedNetwork`: for small networks, whose kernels take less time than their launches.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

__all__ = ["GraphedNetwork"]

WARM_UPS = 3
MOST_SHAPES = 8

Graph = tuple[torch.cuda.CUDAGraph, Tensor, dict[str, Tensor]]


class GraphedNetwork:
    """Records a frozen network's kernels for each shape of frames, and plays them back.

    A network that cannot be recorded runs as it is, with a warning. Copies share the graphs.

    Args:
        network: Frozen, on CUDA, in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._graphs: dict[tuple[torch.Size, torch.dtype], Graph] = {}
        self._most = MOST_SHAPES

    def __deepcopy__(self, _: object) -> GraphedNetwork:
        return self

    def __reduce__(self) -> tuple[type[GraphedNetwork], tuple[nn.Module]]:
        return GraphedNetwork, (self._network,)

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives frames on the network's device; results are the caller's own."""
        kind = (frames.shape, frames.dtype)
        with torch.cuda.device(frames.device):
            if kind not in self._graphs:
                if len(self._graphs) >= self._most:
                    return self._network(frames)
                try:
                    self._graphs[kind] = self._record(frames)
                except RuntimeError as error:
                    self._most = 0
                    warnings.warn(f"The network runs without a graph: {error}", stacklevel=2)
                    return self._network(frames)
            graph, still, percepts = self._graphs[kind]
            still.copy_(frames, non_blocking=True)
            graph.replay()
            return {key: value.clone() for key, value in percepts.items()}

    def _record(self, frames: Tensor) -> Graph:
        still = frames.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        # Libraries choose their kernels at the first calls, which a graph may not record.
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._network(still)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # The stream that is meant by default is of the device that was first recorded on.
        with torch.cuda.graph(graph, stream=aside):
            percepts = self._network(still)
        return graph, still, percepts
