"""Shifts of images, one against another way to the same pixels."""

import torch

from objwrappers.sb3.drqv2.augmentation import random_shift, shift_images


def shifted_by_a_loop(images, shifts, pad):
    height, width = images.shape[-2:]
    out = torch.empty_like(images)
    for b, (dx, dy) in enumerate(shifts.tolist()):
        for y in range(height):
            for x in range(width):
                row = min(max(y + dy - pad, 0), height - 1)
                column = min(max(x + dx - pad, 0), width - 1)
                out[b, :, y, x] = images[b, :, row, column]
    return out


def test_every_shift_equals_a_loop_that_repeats_the_border():
    pad = 2
    shifts = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    images = torch.randint(256, (25, 3, 7, 9), generator=torch.Generator().manual_seed(0)).float()
    shifted = shift_images(images.byte(), shifts, pad)
    assert shifted.dtype == torch.float32
    expected = shifted_by_a_loop(images, shifts, pad)
    torch.testing.assert_close(shifted, expected, rtol=0, atol=1e-3)
    same = (shifts == pad).all(1)
    torch.testing.assert_close(shifted[same], images[same], rtol=0, atol=1e-3)


def test_channels_move_together_and_images_apart():
    torch.manual_seed(0)
    ramp = torch.arange(20.0).expand(20, 20)
    images = torch.stack([ramp, ramp + 100, ramp.T]).expand(400, 3, 20, 20)
    shifted = random_shift(images, 4)
    dx, dy = (shifted[:, channel, 10, 10] - 10 for channel in (0, 2))
    torch.testing.assert_close(shifted[:, 1], shifted[:, 0] + 100, rtol=0, atol=1e-3)
    for moved in (dx, dy):
        assert moved.round().unique().tolist() == list(range(-4, 5))
    assert abs(torch.corrcoef(torch.stack([dx, dy]))[0, 1]) < 0.2
