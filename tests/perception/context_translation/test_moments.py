"""How features vary, by hand and in one piece."""

import pytest
import torch

from objwrappers.perception.context_translation.moments import AT_ONCE, moments_of


def test_moments_by_hand():
    episodes = torch.zeros(2, 3, 1, 1, 3, dtype=torch.uint8)
    episodes[0, 1:, 0, 0, 0] = torch.tensor([1, 2])
    episodes[1, :, 0, 0, 1] = torch.tensor([5, 5, 8])
    scale, mean, std = moments_of(lambda frames: frames[..., 0, 0, :].float(), episodes)
    assert scale.item() == (1 + 4 + 0 + 9) / 4
    assert mean.tolist() == pytest.approx([3 / 6, 18 / 6, 0])
    # The third number never changes; its deviation is the least there is.
    expected = [(5 / 6 - 0.25) ** 0.5, ((25 + 25 + 64) / 6 - 9) ** 0.5, 1e-6]
    assert std.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("times", [7, AT_ONCE + 2])
def test_many_videos_are_measured_in_parts(times):
    torch.manual_seed(0)
    frames = torch.randint(0, 256, (5 * AT_ONCE // times + 2, times, 1, 1, 3), dtype=torch.uint8)
    z, sizes = frames[..., 0, 0, :].double(), []

    def encode(part):
        sizes.append(len(part))
        return part[..., 0, 0, :].float()

    scale, mean, std = moments_of(encode, frames)
    assert len(sizes) > 1 and sum(sizes) == len(frames)
    torch.testing.assert_close(
        scale.double(), (z[:, 1:] - z[:, :1]).square().sum(-1).mean(), rtol=1e-6, atol=0
    )
    torch.testing.assert_close(mean, z.mean((0, 1)))
    torch.testing.assert_close(std, z.flatten(0, 1).std(0, correction=0))
