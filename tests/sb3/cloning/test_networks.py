"""What each method makes of frames and a map, by values."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from objwrappers.sb3.cloning.networks import METHODS, GazeExtractor

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)
GAZE = {"model": "deconv"}
SEEING = [name for name, method in METHODS.items() if method.sees_gaze]


def extractor_of(method, **options):
    torch.manual_seed(0)
    gaze = GAZE if METHODS[method].sees_gaze else None
    return GazeExtractor(PIXELS, method, gaze=gaze, **options).eval()


@pytest.fixture
def frames():
    return torch.rand(2, 4, 84, 84, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("network", "cells"), [("nature", 7), ("same", 21)])
@pytest.mark.parametrize("method", METHODS)
def test_any_method_gives_features_and_maps(method, network, cells, frames):
    extractor = extractor_of(method, network=network, features_dim=32)
    features, maps = extractor.features_and_maps(frames)
    assert features.shape == (2, 32) and maps.shape == (2, 64, cells, cells)
    torch.testing.assert_close(extractor(frames), features)


def test_networks_are_as_large_as_published_ones():
    """SB3's NatureCNN; CGL's own has as many weights, and batch norms where layer norms are."""

    def size(extractor):
        return sum(p.numel() for p in extractor.parameters()) + 512 * 18 + 18

    assert size(extractor_of("plain")) == 1_693_362
    convolutions = 32 * 4 * 64 + 32 + 64 * 32 * 16 + 64 + 64 * 64 * 9 + 64 + 2 * (32 + 64 + 64)
    dense = 21 * 21 * 64 * 512 + 512 + 512 * 18 + 18
    assert size(extractor_of("plain", network="same")) == convolutions + dense


def even(extractor):
    """A gaze model that finds all cells alike: its map is 1 everywhere."""
    nn.init.zeros_(extractor.gaze.decoder[-1].weight)
    nn.init.zeros_(extractor.gaze.decoder[-1].bias)


def test_where_all_is_looked_at_alike_methods_are_what_they_do_to_the_frames(frames):
    plain = extractor_of("plain")
    masked, both = extractor_of("mask"), extractor_of("agil")
    for extractor in (masked, both):
        even(extractor)
        torch.testing.assert_close(extractor.heatmap(frames), torch.ones(2, 84, 84))
    masked.branches.load_state_dict(plain.branches.state_dict())
    expected = plain.features_and_maps(frames)[1]
    torch.testing.assert_close(masked.features_and_maps(frames)[1], expected)
    ours, other = both.branches
    mean = (ours(frames) + other(frames)) / 2
    torch.testing.assert_close(both.features_and_maps(frames)[1], mean)


def test_a_map_beside_the_frames_is_their_last_channel(frames):
    extractor = extractor_of("channel")
    joined = torch.cat([frames, extractor.heatmap(frames)[:, None]], 1)
    expected = extractor.branches[0](joined)
    torch.testing.assert_close(extractor.features_and_maps(frames)[1], expected)


@pytest.mark.parametrize("method", SEEING)
def test_the_gaze_model_is_frozen_whatever_the_mode(method, frames):
    extractor = extractor_of(method)
    map_ = extractor.heatmap(frames)
    torch.testing.assert_close(map_.amax((1, 2)), torch.ones(2))
    extractor.train()
    torch.testing.assert_close(extractor.heatmap(frames), map_, rtol=0, atol=0)
    extractor(frames).sum().backward()
    assert all(p.grad is None for p in extractor.gaze.parameters())
    assert all(p.grad is not None for p in extractor.branches.parameters())


@pytest.mark.parametrize(("network", "first", "step"), [("nature", 17.5, 8), ("same", 1.5, 4)])
def test_cells_lie_where_their_convolutions_look(network, first, step):
    """The middle of a cell is that of the pixels it sees."""
    extractor = extractor_of("plain", network=network)
    images = torch.zeros(1, 4, 84, 84, requires_grad=True)
    layers = [one for one in extractor.branches[0] if isinstance(one, nn.Conv2d)]
    linear = nn.Sequential(*layers)
    linear(images)[0, :, 3, 4].sum().backward()
    reached = images.grad[0].abs().sum(0) > 0
    rows, columns = (reached.any(axis).nonzero().flatten() for axis in (1, 0))
    place = (rows[[0, -1]].float().mean().item(), columns[[0, -1]].float().mean().item())
    assert place == (first + 3 * step, first + 4 * step)
    assert (extractor._first, extractor._step) == (first, step)


@pytest.mark.parametrize("network", ["nature", "same"])
def test_pixels_are_shared_out_to_cells_and_none_is_lost(network):
    extractor = extractor_of("cgl", network=network)
    density = torch.rand(3, 84, 84)
    density /= density.sum((1, 2), keepdim=True)
    cells = extractor.to_cells(density)
    torch.testing.assert_close(cells.sum((1, 2)), torch.ones(3))
    # One is the transpose of the other: <to_cells(p), c> = <p, to_pixels(c)>.
    values = torch.rand_like(cells)
    torch.testing.assert_close(
        (cells * values).sum(), (density * extractor.to_pixels(values)).sum()
    )


def test_attentions_are_densities_of_what_their_methods_say():
    maps = torch.rand(2, 64, 7, 7) - 0.5
    sums = (maps.abs().sum(1) / 50).flatten(1).exp()
    expected = (sums / sums.sum(1, keepdim=True)).view(2, 7, 7)
    torch.testing.assert_close(extractor_of("gabril").log_attention(maps).exp(), expected)
    learned = extractor_of("cgl")
    logits = torch.einsum("nchw,c->nhw", maps, learned.attention.weight[0, :, 0, 0])
    expected = logits.flatten(1).softmax(1).view(2, 7, 7)
    torch.testing.assert_close(learned.log_attention(maps).exp(), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "agile"}, "Unknown method 'agile'. Did you mean 'agil'"),
        ({"network": "nature2"}, "Unknown network 'nature2'"),
        ({"method": "agil"}, "'agil' needs a gaze model, got gaze=None"),
        ({"gaze": GAZE}, "'plain' needs no gaze model"),
        ({"method": "mask", "gaze": {"model": "deconf"}}, "Unknown perception model 'deconf'"),
        ({"method": "mask", "gaze": {"model": "deconv", "dropout": 2.0}}, "dropout"),
        (
            {"method": "mask", "gaze": GAZE, "observation_space": (3, 84, 84)},
            r"reads frames of \(4, 84, 84\), observations are \(3, 84, 84\)",
        ),
        ({"observation_space": (4, 30, 30)}, "too small"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    shape = options.pop("observation_space", (4, 84, 84))
    with pytest.raises(ValueError, match=message):
        GazeExtractor(gym.spaces.Box(0, 255, shape, np.uint8), **options)


def test_vectors_are_no_images():
    with pytest.raises(ValueError, match="look at images"):
        GazeExtractor(gym.spaces.Box(-1, 1, (4,), np.float32))
