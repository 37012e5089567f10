"""How gradients flow through a network, layer by layer, for TensorBoard.

:func:`log_flow`: histograms of weights and gradients, and bars of all layers in one picture
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["flow_chart", "gradient_sizes", "log_flow"]

LEAST = 1e-12  # of a gradient, on a logarithmic axis


def log_flow(writers: Iterable[Any], module: nn.Module, step: int) -> None:
    """Writes histograms of weights and gradients, the sizes of gradients, and their bars.

    Args:
        writers: TensorBoard's.
        module: After a backward pass; what has no gradient is left out.
        step: Of the optimiser.
    """
    sizes = gradient_sizes(module)
    learned = {name: p for name, p in module.named_parameters() if p.grad is not None}
    for writer in writers:
        for name, parameter in learned.items():
            assert parameter.grad is not None
            for kind, values in (("weights", parameter), ("gradients", parameter.grad)):
                finite = _finite(values)
                if len(finite):
                    writer.add_histogram(f"{kind}/{name}", finite, step)
        for name, (mean, largest) in sizes.items():
            writer.add_scalar(f"gradient_mean/{name}", mean, step)
            writer.add_scalar(f"gradient_max/{name}", largest, step)
        if sizes:
            writer.add_figure("gradient flow", flow_chart(sizes), step)


def gradient_sizes(module: nn.Module) -> dict[str, tuple[float, float]]:
    """Returns the mean and the largest size of each parameter's gradient, in the network's order.

    A gradient that is not finite counts as infinite.
    """
    sizes = {}
    for name, parameter in module.named_parameters():
        if parameter.grad is not None and parameter.grad.numel():
            size = parameter.grad.detach().abs().float().nan_to_num(nan=float("inf"))
            sizes[name] = float(size.mean()), float(size.max())
    return sizes


def flow_chart(sizes: dict[str, tuple[float, float]]) -> Any:
    """Returns a matplotlib figure: a bar for each parameter, mean in front of largest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.5 + 0.18 * len(sizes)), layout="constrained")
    axes = figure.subplots()
    names = [*sizes]
    means, largest = (
        [min(max(sizes[name][i], LEAST), 1 / LEAST) for name in names] for i in (0, 1)
    )
    axes.barh(names, largest, color="#9ecae1", label="largest")
    axes.barh(names, means, color="#08519c", label="mean")
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("size of the gradient")
    axes.tick_params(axis="y", labelsize=6)
    axes.legend(fontsize=7)
    return figure


def _finite(values: Tensor) -> Tensor:
    flat = values.detach().float().flatten().cpu()
    return flat[torch.isfinite(flat)]
