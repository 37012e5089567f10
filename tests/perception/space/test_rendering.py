"""Objects over one another: by hand, and windows and sparse cells against everything."""

import math

import pytest
import torch

from objwrappers.perception.space.foreground import Foreground, Objects
from objwrappers.perception.space.rendering import composite
from objwrappers.perception.space.spatial_transformer import paste


def scene(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    boxes = torch.rand(2, count, 4, generator=generator)
    boxes = torch.cat([boxes[..., :2] * 2 - 1, boxes[..., 2:] * 0.3 + 0.02], dim=-1)
    colour = torch.rand(2, count, 3, 16, 16, generator=generator)
    alpha = torch.rand(2, count, 1, 16, 16, generator=generator)
    depth = torch.randn(2, count, 1, generator=generator)
    return alpha * colour, alpha, boxes, depth


@pytest.mark.parametrize("windows", [False, True])
def test_the_picture_is_the_published_softmax_over_all_cells(windows):
    # In double: an exponential of 100 keeps five digits in single precision.
    drawn, alpha, boxes, depth = (part.double() for part in scene(6))
    size = (128, 128)
    pasted = [paste(each, boxes, *size) for each in (drawn, alpha)]
    importance = paste(100 * alpha * (-depth)[..., None, None].sigmoid(), boxes, *size)
    missing = torch.zeros(2, 250, 1, *size)
    weight = torch.cat([importance, missing], dim=1).softmax(1)[:, :6]
    found = composite(drawn, alpha, boxes, depth, 250, size, windows)
    for picture, expected in zip((found.image, found.alpha), pasted, strict=True):
        torch.testing.assert_close(picture, (weight * expected).sum(1), atol=1e-9, rtol=0)


def test_windows_change_no_gradient():
    parts = [part.requires_grad_() for part in scene(6, seed=2)]
    weights = torch.rand(2, 3, 128, 128)
    gradients = []
    for windows in (False, True):
        found = composite(*parts, 250, (128, 128), windows)
        total = (found.image * weights).sum() + found.alpha.square().sum()
        gradients.append(torch.autograd.grad(total, parts))
    for full, windowed in zip(*gradients, strict=True):
        torch.testing.assert_close(windowed, full, atol=1e-3, rtol=1e-3)


def test_of_two_objects_the_nearer_one_is_seen():
    boxes = torch.tensor([[[0.0, 0.0, 0.25, 0.25]] * 2])
    colour = torch.zeros(1, 2, 3, 16, 16)
    colour[:, 0, 0], colour[:, 1, 2] = 1, 1  # red and blue
    alpha = torch.ones(1, 2, 1, 16, 16)
    depth = torch.tensor([[[-2.0], [2.0]]])  # the lower, the nearer
    found = composite(colour, alpha, boxes, depth, 254, (128, 128), True)
    red, blue = found.image[0, [0, 2], 64, 64].tolist()
    near, far = (math.exp(100 / (1 + math.exp(d)) - 50) for d in (-2, 2))
    assert red == pytest.approx(near / (near + far), abs=1e-5)
    assert blue == pytest.approx(far / (near + far), abs=1e-5)
    assert found.alpha[0, 0, 64, 64] == pytest.approx(1)
    assert found.alpha[0, 0, 5, 5] == 0


@torch.no_grad()
def test_a_patch_that_covers_all_and_one_that_does_not_exist_stay_finite():
    _, _, boxes, depth = scene(1)
    nothing = torch.zeros(2, 1, 1, 16, 16)
    found = composite(nothing.expand(-1, -1, 3, -1, -1), nothing, boxes, depth, 255, (64, 64), True)
    assert found.alpha.abs().max() == 0
    everything = torch.ones(2, 1, 1, 16, 16)
    boxes[..., :2], boxes[..., 2:] = 0, 2.0
    found = composite(
        everything.expand(-1, -1, 3, -1, -1), everything, boxes, depth - 50, 0, (64, 64), True
    )
    torch.testing.assert_close(found.image, torch.ones(2, 3, 64, 64))


@torch.no_grad()
def test_boxes_of_a_diverged_training_give_nan_and_no_error():
    _, _, boxes, depth = scene(1)
    patch = torch.ones(2, 1, 1, 16, 16)
    boxes = boxes * torch.nan
    found = composite(patch.expand(-1, -1, 3, -1, -1), patch, boxes, depth, 255, (64, 64), True)
    assert found.image.isnan().all()


@torch.no_grad()
def test_cells_left_out_are_as_good_as_empty_ones():
    torch.manual_seed(0)
    front = Foreground("light", 8, 5, -2.0).eval()
    _, _, boxes, depth = scene(64)
    present = torch.zeros(2, 64)
    present[:, :7] = 0.9
    what = torch.randn(2, 64, 5)

    def objects(count):
        kept = slice(0, count)
        every = torch.arange(64).expand(2, -1)
        parts = (every, present, depth, boxes, what, what, what)
        return Objects(*(part[:, kept] for part in parts))

    full, few = (front.render(objects(count), 128, 128) for count in (64, 7))
    torch.testing.assert_close(few.image, full.image, atol=1e-6, rtol=0)
    torch.testing.assert_close(few.alpha, full.alpha, atol=1e-6, rtol=0)
