import numpy as np
import pytest
import torch

from objwrappers.geometry import to_pixels
from objwrappers.perception import permakey, transporter
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import gaussian_maps, pool_features
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.permakey import PermaKey
from objwrappers.perception.student import Student
from objwrappers.perception.transporter import Transporter


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


def test_a_map_that_does_not_divide_holds_means_by_area():
    model = Stub()
    model.use_features("map", map_size=5)
    shown = model.perceive(torch.zeros(1, 3, 84, 84))["features"][0]
    assert shown.shape == model.observation_space["features"].shape == (3, 5, 5)
    # All nine cells lie in the middle one of 4.2², which holds 16 · 9 / 17.64 and twice that.
    assert shown[:2, 2, 2].tolist() == [8, 16]
    assert shown[0].count_nonzero() == 1


@pytest.mark.parametrize("size", [0, -1, 42, 7.0])
def test_a_map_size_that_cannot_be_is_refused(size):
    with pytest.raises(ValueError, match=f"map_size must be an integer from 1 to 21, got {size}"):
        Stub().use_features("map", map_size=size)
    with pytest.raises(ValueError, match="needs features='map'"):
        Stub().use_features("pooled", map_size=7)


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="features must be 'pooled' or 'map', got 'pixels'"):
        Stub().use_features("pixels")


# Each model, and by name its layers of logits and the cells of their map.
MODELS = {
    "motion": (lambda: MotionKeypoints(2), {"logits": 42}),
    "student": (lambda: Student(2), {"fine_logits": 42, "coarse_logits": 21}),
    "transporter": (lambda: Transporter(2, **transporter.PRESETS["light"]), {"pointer.4": 42}),
    "transporter, published": (lambda: Transporter(2), {"pointer.4": 42}),
    "permakey": (lambda: PermaKey(2, **permakey.PRESETS["light"]), {"head": 42}),
    "permakey, published": (lambda: PermaKey(2), {"head": 21}),
}


@pytest.fixture(params=MODELS)
def peaked(request):
    """A model whose logits have one peak, over the same part of the frame whatever the map."""
    build, layers = MODELS[request.param]
    model = build().eval()
    for name, cells in layers.items():
        row, column, side = 4 * cells // 21, 15 * cells // 21, cells // 21

        def peak(*_, cells=cells, row=row, column=column, side=side):
            logits = torch.full((1, 2, cells, cells), -1e5)
            logits[..., row : row + side, column : column + side] = 0
            logits[..., row : row + side, :] += 1e4
            logits[..., :, column : column + side] += 1e4
            return logits

        model.get_submodule(name).register_forward_hook(peak)
    return model


@torch.no_grad()
def test_every_map_puts_a_peak_on_the_same_native_pixel(peaked):
    frames = torch.randint(0, 256, (1, 210, 160, 3), dtype=torch.uint8)
    keypoints = peaked(frames)["keypoints"]
    # The middle of the fifth of 21 rows and of the sixteenth of 21 columns.
    by_hand = torch.tensor([15.5 * 160 / 21, 4.5 * 210 / 21]).expand(1, 2, 2)
    assert (to_pixels(keypoints, 210, 160) - by_hand).abs().max() <= 1


@torch.no_grad()
def test_features_stay_where_the_network_found_the_keypoints(peaked):
    images = torch.rand(1, 3, 84, 84)
    keypoints, _, features = peaked.look(images)
    maps = gaussian_maps(keypoints, peaked.sigma, *features.shape[-2:])
    percepts = peaked.perceive(images)
    torch.testing.assert_close(percepts["features"], pool_features(features, maps))
    assert (percepts["keypoints"].abs() < keypoints.abs()).all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_keypoints": True}, "num_keypoints must be an integer of at least 1, got True"),
        ({"num_keypoints": 10**9}, "num_keypoints must be at most 1024, got 1000000000"),
        ({"channels": 10**9}, "channels must be at most 4096, got 1000000000"),
        ({"sigma": float("nan")}, "sigma must be a positive number, got nan"),
        ({"sigma": float("inf")}, "sigma must be a positive number, got inf"),
        ({"sigma": 1e-300}, "sigma must be a positive number, got 1e-300"),
        ({"sigma": True}, "sigma must be a positive number, got True"),
    ],
)
def test_arguments_without_bounds_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Stub().define(**{"num_keypoints": 2, "sigma": 0.1, "channels": 3, "cells": 21, **arguments})
