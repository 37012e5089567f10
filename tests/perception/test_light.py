import gymnasium as gym
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import objwrappers  # noqa: F401
from objwrappers.perception.coverage import centres_under
from objwrappers.perception.layers import spatial_soft_argmax
from objwrappers.perception.light import LightKeypoints
from objwrappers.sb3.keypoints import KeypointCNN


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LightKeypoints(num_keypoints=7).eval()


def batch(objects):
    count = len(objects)
    return {
        "frames": torch.zeros(count, 105, 80, 3, dtype=torch.uint8),
        "motion": objects,
        "objects": objects,
        "weight": objects,
        "visible": torch.ones(count, 105, 80),
    }


def test_its_size_is_counted_by_hand(model):
    stem = 3 * 32 * 7 * 6 + 2 * 32
    convolution = 32 * 32 * 9 + 2 * 32
    separable = 32 * 9 + 2 * 32 + 32 * 32 + 2 * 32
    logits = 32 * 7 * 4 + 7 * 4
    presence = 33 * 32 + 32 + 32 + 1
    expected = stem + convolution + 6 * separable + logits + presence
    assert sum(parameter.numel() for parameter in model.parameters()) == expected == 24_061


@pytest.mark.parametrize(("height", "rows"), [(105, 21), (125, 25)])
@torch.no_grad()
def test_unsorted_quarters_give_the_soft_argmax_of_a_sorted_map(height, rows):
    model = LightKeypoints(num_keypoints=3, height=height).eval()
    images = torch.rand(2, 3, height, 80)
    features = model.trunk(model.stem(images))
    assert features.shape == (2, 32, rows, 20)
    sorted_map = F.pixel_shuffle(model.logits(features), 2)
    expected, weights = spatial_soft_argmax(sorted_map)
    keypoints, _, _ = model.look(images)
    torch.testing.assert_close(keypoints, expected, rtol=0, atol=1e-6)
    shares = F.avg_pool2d(weights, 2) * 4
    pooled = torch.einsum("bkyx,bfyx->bkf", shares, features)
    torch.testing.assert_close(model.perceive(images)["features"], pooled)
    assert model.cells == (2 * rows, 40)


@torch.no_grad()
def test_the_losses_by_hand(model):
    # Zero biases: black frames give a flat softmax and all keypoints at (0, 0).
    objects = torch.zeros(1, 42, 40)
    objects[0, 21, 20] = 1
    x, y = 1 / 39, 1 / 41
    early, late = (model.loss(batch(objects), progress) for progress in (0.5, 0.7))
    assert late["centre"] == pytest.approx(x + y, abs=1e-6)
    bump = np.exp(-(x**2 + y**2) / 0.08**2)
    assert late["uncovered"] == pytest.approx((1 - bump) ** 7, abs=1e-6)
    assert late["repulsion"] == pytest.approx(3)  # 21 pairs of 7 at one place
    rest = late["uncovered"] + 0.1 * late["repulsion"] + late["presence"]
    assert late["loss"] - rest == pytest.approx(2 * (x + y), abs=1e-6)
    rest = early["uncovered"] + 0.1 * early["repulsion"] + early["presence"]
    assert early["loss"] == pytest.approx(rest.item())


@torch.no_grad()
def test_what_a_bar_hides_need_not_be_found(model):
    objects = torch.zeros(1, 42, 40)
    objects[0, 0, 0] = objects[0, 21, 20] = 1
    hidden = batch(objects)
    hidden["visible"][0, :3] = 0
    assert model.loss(batch(objects), 1.0)["uncovered"] > 0.5
    assert model.loss(hidden, 1.0)["uncovered"] < 0.1


def test_norms_keep_their_statistics_from_a_share_of_the_training_on():
    torch.manual_seed(0)
    model = LightKeypoints(num_keypoints=2, width=8, freeze_norms=0.5)
    shown = batch(torch.rand(2, 42, 40))
    shown["frames"] = torch.randint(256, shown["frames"].shape, dtype=torch.uint8)
    learned = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    before = [layer.running_var.clone() for layer in learned]
    model.loss(shown, 0.49)
    moved = [layer.running_var.clone() for layer in learned]
    assert not any(map(torch.equal, before, moved))
    frozen = model.loss(shown, 0.5)
    assert all(map(torch.equal, moved, (layer.running_var for layer in learned)))
    for key, value in model.eval().loss(shown, 0.5).items():
        assert torch.equal(value, frozen[key])
    assert frozen["loss"].requires_grad
    with pytest.raises(ValueError, match="freeze_norms is a share from 0 to 1, got 2"):
        LightKeypoints(freeze_norms=2)


def test_centres_are_the_means_of_what_lies_under_a_bump():
    objects = torch.zeros(1, 42, 40)
    objects[0, 10:13, 4:7] = 1  # its middle is cell (11, 5)
    middle = torch.tensor([-1 + 2 * 5 / 39, -1 + 2 * 11 / 41])
    keypoints = (middle + torch.tensor([0.04, -0.03])).view(1, 1, 2)
    moved = centres_under(keypoints, objects, 0.08)[0, 0]
    assert (moved - middle).abs().max() < 0.01
    nothing = centres_under(keypoints, 0 * objects, 0.08)
    assert (nothing == 0).all()


def test_it_begins_anew_for_other_frames_and_another_number(model, tmp_path):
    model.fit(native_height=250, num_keypoints=12)
    assert (model.size, model.num_keypoints) == (125, 12)
    assert model.logits.out_channels == 48
    assert model.arguments == {
        **{"num_keypoints": 12, "sigma": 0.08},
        **{"height": 125, "width": 32, "freeze_norms": 1.0},
    }
    model.save_pretrained(tmp_path / "weights")
    again = LightKeypoints.from_pretrained(tmp_path / "weights")
    frames = torch.randint(256, (2, 250, 160, 3), dtype=torch.uint8)
    assert again(frames)["keypoints"].shape == (2, 12, 2)
    model.fit(native_height=214)
    assert model.size == 105


def test_a_folder_is_small_and_holds_halves(tmp_path):
    model = LightKeypoints(num_keypoints=50)
    model.save_pretrained(tmp_path / "weights")
    size = sum(file.stat().st_size for file in (tmp_path / "weights").iterdir())
    assert size <= 100_000
    stored = LightKeypoints.from_pretrained(tmp_path / "weights").state_dict()
    for name, parameter in model.named_parameters():
        assert torch.equal(stored[name], parameter.half().float())


def test_heights_that_are_cut_into_no_whole_cells_are_refused():
    with pytest.raises(ValueError, match="height must be a multiple of 5, got 104"):
        LightKeypoints(height=104)


def test_a_map_that_is_not_square_is_shown_and_read(model):
    model.use_features("map")
    space = model.observation_space
    assert space["features"].shape == (32, 21, 20)
    percepts = model(torch.randint(256, (2, 210, 160, 3), dtype=torch.uint8))
    assert percepts["features"].shape == (2, 32, 21, 20)
    model.use_features("map", 7)
    assert model.observation_space["features"].shape == (32, 7, 7)
    percepts = model(torch.randint(256, (2, 210, 160, 3), dtype=torch.uint8))
    assert percepts["features"].shape == (2, 32, 7, 7)
    stacked = gym.spaces.Dict(
        {
            "keypoints": gym.spaces.Box(-1, 1, (7, 2 * 4), np.float32),
            "present": gym.spaces.Box(0, 1, (4 * 7,), np.float32),
            "features": gym.spaces.Box(0, 254, (32, 21, 4 * 20), np.uint8),
        }
    )
    extractor = KeypointCNN(stacked)
    assert extractor.stack == 4
    observation = {
        key: torch.from_numpy(box.sample()[None]).float() for key, box in stacked.items()
    }
    assert extractor(observation).shape == (1, 128)
