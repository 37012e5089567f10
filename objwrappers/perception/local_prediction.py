"""Local spatial prediction: what a patch's surroundings do not tell is an object (PermaKey, §3).

A feature map is cut into cells of P×P. A small network predicts each cell from its eight
neighbours; where it fails, something is there that the surroundings do not explain.

* :class:`LocalPrediction`: the network of one feature map
* :func:`neighbourhoods`: chosen cells and their surroundings, as rows
* :func:`min_max`: an error map in [0, 1]
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["LocalPrediction", "min_max", "neighbourhoods"]


def neighbourhoods(features: Tensor, patch: int, index: Tensor) -> tuple[Tensor, Tensor]:
    """Gathers cells and their surroundings.

    Args:
        features: (B, C, H, W).
        patch: Side of a cell, P.
        index: int64 (R,), numbers of cells in [0, B·G²), G = ⌊H/P⌋, row-major in each map.

    Returns:
        Surroundings (R, C·8P²), zeros outside of the map, and the cells (R, C·P²). In a row,
        channels come first and pixels follow, row-major.
    """
    height, width = features.shape[-2:]
    rows, columns = height // patch, width // patch
    padded = F.pad(features, (patch,) * 4)
    image, cell = index // (rows * columns), index % (rows * columns)
    offsets = torch.arange(3 * patch, device=index.device)
    y = (cell // columns * patch)[:, None, None] + offsets[:, None]
    x = (cell % columns * patch)[:, None, None] + offsets
    windows = padded.permute(0, 2, 3, 1)[image[:, None, None], y, x]
    windows = windows.permute(0, 3, 1, 2).flatten(2)
    around = _surroundings(patch).to(index.device)
    return windows[..., around].flatten(1), windows[..., ~around].flatten(1)


def _surroundings(patch: int) -> Tensor:
    """Bool (9P²,), False in the middle cell of a window of 3P×3P."""
    around = torch.ones(3 * patch, 3 * patch, dtype=torch.bool)
    around[patch : 2 * patch, patch : 2 * patch] = False
    return around.flatten()


def min_max(maps: Tensor) -> Tensor:
    """Scales each map (..., h, w) to [0, 1]; a constant map becomes 0."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return (maps - low) / (high - low + 1e-8)


class LocalPrediction(nn.Module):
    """Predicts each cell of a feature map from its eight neighbours.

    Args:
        channels: Of the feature map, C.
        patch: Side of a cell, P.
        widths: Of the hidden layers; None is as wide as the input, 8P²C.
        error: ``"mse"``, or ``"rmse"`` for its root.

    Raises:
        ValueError: No such error.
    """

    _around: Tensor

    def __init__(
        self,
        channels: int,
        patch: int,
        widths: Sequence[int | None] = (None, 512, 256),
        error: str = "mse",
    ) -> None:
        super().__init__()
        if error not in ("mse", "rmse"):
            raise ValueError(f"error must be 'mse' or 'rmse', got {error!r}.")
        self.channels, self.patch, self.error = channels, patch, error
        inputs, outputs = 8 * patch**2 * channels, patch**2 * channels
        layers: list[nn.Module] = []
        width = inputs
        for next_width in widths:
            hidden = next_width or inputs
            layers += [_dense(width, hidden), nn.BatchNorm1d(hidden, eps=1e-3, momentum=0.01)]
            layers.append(nn.ReLU(inplace=True))
            width = hidden
        self.layers = nn.Sequential(*layers, _dense(width, outputs))
        self.register_buffer("_around", _surroundings(patch), persistent=False)

    def loss(self, features: Tensor, cells: int | None = None) -> Tensor:
        """Mean squared error of the prediction.

        Args:
            features: (B, C, H, W), detached.
            cells: So many cells, drawn at random; None takes all.
        """
        batch, _, height, width = features.shape
        count = batch * (height // self.patch) * (width // self.patch)
        if cells is None or cells >= count:
            index = torch.arange(count, device=features.device)
        else:
            index = torch.randint(count, (cells,), device=features.device)
        inputs, targets = neighbourhoods(features, self.patch, index)
        return F.mse_loss(self.layers(inputs), targets)

    def error_map(self, features: Tensor) -> Tensor:
        """Returns (B, G, G): each cell's error, divided by its mean activation.

        Args:
            features: (B, C, H, W), not negative.
        """
        predicted, targets = self._predict_all(features)
        errors = (targets - predicted).square().mean(1)
        if self.error == "rmse":
            errors = errors.sqrt()
        return errors / (targets.mean(1) + 1e-3)

    def _predict_all(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions and cells, (B, C·P², G, G) each; a convolution needs no copies of windows."""
        patch, side = self.patch, 3 * self.patch
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        kernel = features.new_zeros(first.out_features, self.channels, side * side)
        kernel[..., self._around] = first.weight.view(first.out_features, self.channels, -1)
        x = F.conv2d(
            features,
            kernel.view(-1, self.channels, side, side),
            first.bias,
            stride=patch,
            padding=patch,
        )
        batch, _, rows, columns = x.shape
        x = self.layers[1:](x.permute(0, 2, 3, 1).flatten(0, 2))
        predicted = x.view(batch, rows, columns, -1).permute(0, 3, 1, 2)
        whole = features[..., : rows * patch, : columns * patch]
        return predicted, F.pixel_unshuffle(whole, patch)


def _dense(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
