import math

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from objwrappers.pretraining.flow import flow_chart, gradient_sizes, log_flow


@pytest.fixture
def network():
    layers = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False), nn.ReLU())
    with torch.no_grad():
        layers[0].weight.copy_(torch.tensor([[1.0, 2.0]]))
        layers[1].weight.fill_(3.0)
    layers.append(nn.Linear(1, 1))
    layers[3].requires_grad_(False)
    layers[:3](torch.tensor([[4.0, -1.0]])).sum().backward()
    return layers


def test_sizes_by_hand(network):
    # d/dw0 = 3·(4, -1), d/dw1 = 1·4 + 2·(-1).
    assert gradient_sizes(network) == {"0.weight": (7.5, 12.0), "1.weight": (2.0, 2.0)}
    network[0].weight.grad[0, 0] = math.nan
    assert gradient_sizes(network)["0.weight"] == (math.inf, math.inf)


def test_what_is_logged_and_drawn(network, tmp_path):
    network[1].weight.grad.fill_(math.inf)
    with SummaryWriter(str(tmp_path)) as writer:
        log_flow([writer], network, 7)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    tags = events.Tags()
    assert set(tags["histograms"]) == {"weights/0.weight", "weights/1.weight", "gradients/0.weight"}
    histogram = events.Histograms("gradients/0.weight")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num) == (-3, 12, 2)
    (mean,) = events.Scalars("gradient_mean/0.weight")
    assert (mean.step, mean.value) == (7, 7.5)
    assert tags["images"] == ["gradient flow"]


def test_bars_are_as_long_as_gradients_are_large():
    (axes,) = flow_chart({"a": (0.1, 2.0), "b": (0.0, math.inf)}).axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([2.0, 1e12, 0.1, 1e-12])
    assert axes.get_xscale() == "log"
