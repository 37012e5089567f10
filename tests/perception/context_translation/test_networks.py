"""The networks: sizes as published, and one path against another."""

import pytest
import torch
from torch import nn

from objwrappers.perception.context_translation.networks import (
    SIZES,
    Decoder,
    Encoder,
    Growth,
    VideoTranslator,
    joined,
)


@pytest.mark.parametrize(
    ("architecture", "image_size", "sides"),
    [
        ("small", 48, [24, 12, 6, 3]),
        ("small", 80, [40, 20, 10, 5]),
        ("paper", 48, [24, 12, 6, 3]),
        ("upstream", 64, [30, 13, 5, 1]),
    ],
)
def test_maps_have_the_published_sides(architecture, image_size, sides):
    sizes = SIZES[architecture]
    assert sizes.sides(image_size) == sides
    encoder = Encoder(sizes, image_size, 8, "group", False)
    features, maps = encoder(torch.rand(2, 3, image_size, image_size))
    assert features.shape == (2, 8)
    assert [tuple(x.shape) for x in maps] == [
        (2, channels, side, side) for channels, side in zip(sizes.channels, sides, strict=True)
    ]
    decoder = Decoder(sizes, image_size, 8, "group", True)
    assert decoder(torch.rand(2, 5, 8), maps).shape == (2, 5, 4, image_size, image_size)


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(5, 4, 1), nn.ConvTranspose2d(5, 4, 5, 2, 1), nn.ConvTranspose2d(5, 4, 4, 2, 1)],
)
def test_contexts_are_convolved_once_for_all_frames(layer):
    x, context = torch.rand(6, 3, 7, 7), torch.rand(2, 2, 7, 7)
    expected = layer(torch.cat([x, context.repeat_interleave(3, 0)], 1))
    torch.testing.assert_close(joined(layer, x, context), expected)


@pytest.mark.parametrize(
    ("architecture", "sides"),
    [
        ("small", (48, 24)),
        ("paper", (48, 24)),
        ("upstream", (64, 30)),
        ("upstream", (30, 13)),
        ("upstream", (13, 5)),
    ],
)
def test_decoders_grow_as_encoders_shrink(architecture, sides):
    """A transposed convolution is one whose matrix is transposed: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩."""
    sizes = SIZES[architecture]
    growth = Growth(sizes, 2, 3, sides[::-1], [])
    stage = Encoder(sizes, 64, 8, "none", False).stages[0]
    shrinking = nn.Sequential(*list(stage)[:-1])  # without its activation
    weight = growth.growing.weight[:2].detach()
    shrinking[-1].weight.data, shrinking[-1].bias.data = weight, torch.zeros(2)
    growth.growing.bias.data.zero_()
    x, y = torch.rand(1, 3, sides[0], sides[0]), torch.rand(1, 2, sides[1], sides[1])
    if growth.mixing is None:
        grown = growth(y, torch.zeros_like(y))
    else:
        grown = growth.growing(y)
    torch.testing.assert_close((shrinking(x) * y).sum(), (x * grown).sum())


def test_same_padding_is_tensorflows():
    """Of 5 pixels and stride 2, one before and two after: the first window begins at -1."""
    stage = Encoder(SIZES["paper"], 16, 8, "none", False).stages[0]
    stage[1].weight.data.zero_()
    stage[1].weight.data[:, 0, 1, 1] = 1  # reads the pixel 1 to the right of the window's first
    stage[1].bias.data.zero_()
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(stage(x)[:, 0], x[:, 0, ::2, ::2])


def test_a_video_is_translated_frame_after_frame():
    torch.manual_seed(0)
    translator = VideoTranslator(6)
    source, context = torch.randn(2, 4, 6), torch.randn(2, 6)
    state = {layer: (torch.zeros(2, 6), context) for layer in range(2)}
    expected = []
    for t in range(4):
        x = source[:, t]
        for layer in range(2):
            h, c = state[layer]
            w_x, w_h, b_x, b_h = (
                getattr(translator, f"{key}_l{layer}")
                for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            i, f, g, o = (x @ w_x.T + b_x + h @ w_h.T + b_h).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            x = o.sigmoid() * c.tanh()
            state[layer] = (x, c)
        expected.append(x)
    torch.testing.assert_close(translator(source, context), torch.stack(expected, 1))
    torch.testing.assert_close(translator(source[:, :2], context), torch.stack(expected[:2], 1))
