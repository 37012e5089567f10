import numpy as np
import pytest
import torch

from objwrappers.perception.layers import (
    ConvBlock,
    gaussian_maps,
    marginal_soft_argmax,
    per_object,
    pool_features,
    same_padding,
    spatial_soft_argmax,
)


def test_same_padding_is_tensorflows():
    assert same_padding(3, 2, 84) == (0, 1)
    assert same_padding(4, 1, 84) == (1, 2)
    assert same_padding(3, 1, 84) == (1, 1)
    assert same_padding(5, 2, 84) == (1, 2)


@pytest.mark.parametrize("kernel, stride, side", [(3, 1, 84), (3, 2, 42), (4, 1, 84), (5, 2, 42)])
def test_conv_block_shapes(kernel, stride, side):
    assert ConvBlock(3, 5, kernel, stride)(torch.zeros(1, 3, 84, 84)).shape == (1, 5, side, side)


def test_conv_block_pads_bottom_and_right():
    block = ConvBlock(1, 1, kernel=3, stride=2).eval()
    with torch.no_grad():
        block[0].weight.fill_(1)
        image = torch.arange(16.0).view(1, 1, 4, 4)
        out = block(image) * (1 + 1e-3) ** 0.5
    # Windows begin at 0 and 2; the second reaches one zero row and column beyond the image.
    assert out[0, 0].round().tolist() == [[45, 39], [66, 50]]


def test_soft_argmax_of_a_flat_map_is_the_centre():
    flat = torch.zeros(1, 2, 6, 6)
    torch.testing.assert_close(marginal_soft_argmax(flat), torch.zeros(1, 2, 2))
    torch.testing.assert_close(spatial_soft_argmax(flat)[0], torch.zeros(1, 2, 2))


def test_soft_argmax_by_hand():
    maps = torch.full((1, 1, 3, 3), -1e4)
    maps[0, 0, 0, 2] = 0.0  # top right: x = 1, y = -1
    torch.testing.assert_close(spatial_soft_argmax(maps)[0], torch.tensor([[[1.0, -1.0]]]))
    torch.testing.assert_close(marginal_soft_argmax(maps), torch.tensor([[[1.0, -1.0]]]))
    # Mean first, softmax then: columns' means are 0, 0, ln 2, so that p = 1/4, 1/4, 1/2.
    maps = torch.zeros(1, 1, 2, 3)
    maps[..., 2] = np.log(2)
    torch.testing.assert_close(marginal_soft_argmax(maps), torch.tensor([[[0.25, 0.0]]]))


def test_gaussian_has_peak_one_and_falls_to_1_over_e_at_sigma():
    maps = gaussian_maps(torch.tensor([[[0.0, -0.5]]]), 0.5, 5, 5)
    assert maps[0, 0, 1, 2] == 1
    assert maps[0, 0, 1, 3] == pytest.approx(np.exp(-1))
    assert maps[0, 0, 2, 3] == pytest.approx(np.exp(-2))


def test_pooled_features_are_the_weighted_mean():
    features = torch.tensor([[[[1.0, 2.0], [3.0, 10.0]]]])
    masks = torch.tensor([[[[1.0, 1.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    torch.testing.assert_close(pool_features(features, masks), torch.tensor([[[23 / 4], [0.0]]]))


def test_small_and_large_objects_weigh_the_same():
    motion = torch.zeros(1, 42, 42)
    motion[0, 5, 5] = 1.0
    motion[0, 20:23, 20:23] = 1.0
    weight = per_object(motion)
    assert weight[0, :12, :12].sum() == pytest.approx(1.0)
    assert weight[0, 15:30, 15:30].sum() == pytest.approx(1.0)
