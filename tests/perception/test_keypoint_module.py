import numpy as np
import pytest
import torch

from objwrappers.perception.keypoint_module import KeypointModule


class Stub(KeypointModule):
    """Keypoints at the centre and in a corner, the latter absent; features count channels."""

    name = "stub"

    def __init__(self):
        super().__init__()
        self.define(num_keypoints=2, sigma=0.1, channels=3, cells=21)

    def look(self, images):
        keypoints = torch.tensor([[[0.0, 0.0], [1.0, -1.0]]])
        channels = torch.tensor([0.5, 1.0, 100.0])
        return keypoints, torch.tensor([[0.9, 0.2]]), channels.view(1, 3, 1, 1).expand(1, 3, 21, 21)


def test_pooled_features_are_the_mean_under_each_keypoint():
    percepts = Stub().perceive(torch.zeros(1, 3, 84, 84))
    torch.testing.assert_close(percepts["features"], torch.tensor([[[0.5, 1, 100]] * 2]))


def test_a_map_is_shown_where_present_keypoints_are():
    model = Stub()
    model.use_features("map")
    percepts = model.perceive(torch.zeros(1, 3, 84, 84))
    shown = percepts["features"][0]
    # exp(-(d/.15)²) ≥ .2 within .19 of the keypoint; a cell is .1 wide: d² ≤ 3 cells².
    middle = shown[0, 9:12, 9:12]
    assert shown[0].count_nonzero() == middle.count_nonzero() == 9
    assert shown[:, 10, 10].tolist() == [16, 32, 254]  # a byte is 1/32
    space = model.observation_space
    assert space["features"].shape == (3, 21, 21) and space["features"].dtype == np.uint8
    assert space.contains(
        {key: value[0].numpy().astype(space[key].dtype) for key, value in percepts.items()}
    )


def test_a_smaller_map_holds_means_of_cells():
    model = Stub()
    model.use_features("map", map_size=7)
    shown = model.perceive(torch.zeros(1, 3, 84, 84))["features"][0]
    assert shown.shape == model.observation_space["features"].shape == (3, 7, 7)
    # The nine cells of the middle are one: 0.5, 1 and 100 as multiples of 1/32.
    assert shown[:, 3, 3].tolist() == [16, 32, 254]
    assert shown[0].count_nonzero() == 1


@pytest.mark.parametrize("size", [0, -1, 5, 42])
def test_a_map_size_that_does_not_divide_is_refused(size):
    with pytest.raises(ValueError, match=f"map_size must be a divisor of 21, got {size}"):
        Stub().use_features("map", map_size=size)
    with pytest.raises(ValueError, match="needs features='map'"):
        Stub().use_features("pooled", map_size=7)


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="features must be 'pooled' or 'map', got 'pixels'"):
        Stub().use_features("pixels")
