"""Glimpses and pasting against torch's own grid_sample, and by hand."""

import pytest
import torch
import torch.nn.functional as F

from objwrappers.perception.space.spatial_transformer import glimpse, paste, paste_in_windows


def boxes(count, seed=0, largest=0.4):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(2, count, 2, generator=generator) * 2.4 - 1.2
    return torch.cat(
        [centres, torch.rand(2, count, 2, generator=generator) * largest + 0.02], dim=-1
    )


def theta(x, y, w, h):
    zero = torch.zeros_like(x)
    rows = [torch.stack([w, zero, x], -1), torch.stack([zero, h, y], -1)]
    return torch.stack(rows, -2).flatten(0, 1)


def test_a_glimpse_is_an_affine_grid_sample():
    images, where = torch.rand(2, 3, 40, 56), boxes(5)
    grid = F.affine_grid(theta(*where.unbind(-1)), [10, 3, 16, 16], align_corners=False)
    repeated = images.repeat_interleave(5, 0)
    expected = F.grid_sample(repeated, grid, align_corners=False)
    torch.testing.assert_close(glimpse(images, where, 16).flatten(0, 1), expected)


def test_pasting_is_the_inverse_affine_grid_sample():
    patches, where = torch.rand(2, 5, 4, 16, 16), boxes(5)
    # In double: affine_grid of a small box has errors of its own in single precision.
    x, y, w, h = where.double().unbind(-1)
    inverse = theta(-x / w, -y / h, 1 / w, 1 / h)
    grid = F.affine_grid(inverse, [10, 4, 40, 56], align_corners=False)
    expected = F.grid_sample(patches.double().flatten(0, 1), grid, align_corners=False)
    found = paste(patches, where, 40, 56).flatten(0, 1).double()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_a_patch_of_the_size_of_its_box_lands_there_unchanged():
    square = torch.arange(1.0, 17.0).view(1, 1, 1, 4, 4)
    # Columns 4..7 and rows 2..5 of a frame of 8 rows and 16 columns.
    where = torch.tensor([[[6 / 8 - 1, 0.0, 4 / 16, 4 / 8]]])
    frame = paste(square, where, 8, 16)[0, 0, 0]
    expected = torch.zeros(8, 16)
    expected[2:6, 4:8] = square[0, 0, 0]
    torch.testing.assert_close(frame, expected)
    torch.testing.assert_close(glimpse(frame[None, None], where, 4), square)


def test_windows_hold_all_that_is_pasted_and_the_same_gradient():
    patches, where = torch.rand(2, 7, 2, 16, 16), boxes(7, seed=3).requires_grad_()
    full = paste(patches, where, 64, 96)
    windows, place = paste_in_windows(patches, where, 64, 96, 48)
    spread = torch.zeros(2, 7, 2, 64 * 96).scatter_add(
        3, place.flatten(2)[:, :, None].expand(-1, -1, 2, -1), windows.flatten(3)
    )
    torch.testing.assert_close(spread.view_as(full), full)
    weights = torch.rand_like(full)
    (expected,) = torch.autograd.grad((full * weights).sum(), where, retain_graph=True)
    (found,) = torch.autograd.grad((spread.view_as(full) * weights).sum(), where)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("far", [-3.0, 3.0])
def test_a_box_outside_the_frame_is_empty(far):
    where = torch.tensor([[[far, 0.0, 0.2, 0.2]]])
    assert glimpse(torch.ones(1, 3, 32, 32), where, 8).abs().max() == 0
    windows, _ = paste_in_windows(torch.ones(1, 1, 1, 8, 8), where, 32, 32, 16)
    assert paste(torch.ones(1, 1, 1, 8, 8), where, 32, 32).abs().max() == windows.abs().max() == 0
