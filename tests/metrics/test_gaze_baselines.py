import pytest
import torch

from objwrappers.metrics.gaze_baselines import (
    centre_map,
    mean_gaze_map,
    moving_map,
    previous_gaze,
    uniform_map,
)
from objwrappers.metrics.gaze_maps import GazeSamples


def test_uniform_and_centre():
    assert uniform_map(4, 5).unique().item() == pytest.approx(1 / 20)
    centre = centre_map(84, 42)
    assert centre.sum().item() == pytest.approx(1)
    torch.testing.assert_close(centre, centre.flip(0).flip(1))
    x = (torch.arange(42) + 0.5) / 42 - 0.5
    narrow = centre_map(84, 42, share=0.1)
    assert (narrow.sum(0) @ x**2).sqrt().item() == pytest.approx(0.1, abs=1e-3)


def test_the_mean_is_of_frames_that_have_gaze():
    maps, weight = GazeSamples(
        torch.tensor([[40.0, 100.0], [-5.0, 3.0], [120.0, 100.0]]), torch.tensor([0, 1, 2, 3])
    ).maps()
    mean = mean_gaze_map([(maps[:1], weight[:1]), (maps[1:], weight[1:])])
    expected = ((maps[0] + maps[2]) / 2 + 0.01 / 84**2) / 1.01
    torch.testing.assert_close(mean, expected)
    torch.testing.assert_close(mean_gaze_map([(maps[1:2], weight[1:2])]), uniform_map())


def test_the_previous_gaze_is_of_the_same_episode():
    weight = torch.tensor([0, 1, 0, 1, 1, 0, 0, 1.0])
    starts = torch.tensor([1, 0, 0, 0, 0, 1, 0, 0]).bool()
    assert previous_gaze(weight, starts).tolist() == [-1, -1, 1, 1, 3, -1, -1, -1]
    starts[5] = False
    assert previous_gaze(weight, starts).tolist() == [-1, -1, 1, 1, 3, 4, 4, 4]


def test_what_moves_is_where_frames_differ():
    frames = torch.full((2, 4, 84, 84), 90, dtype=torch.uint8)
    frames[0, 3, 20, 60] = 10
    frames[0, :2] = 200  # of the past
    maps = moving_map(frames)
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(2))
    assert divmod(int(maps[0].argmax()), 84) == (20, 60)
    point = GazeSamples(torch.tensor([[60.5 / 84 * 160, 20.5 / 84 * 210]]), torch.tensor([0, 1]))
    torch.testing.assert_close(maps[0], (point.maps()[0][0] + 0.01 / 84**2) / 1.01)
    torch.testing.assert_close(maps[1], uniform_map())
