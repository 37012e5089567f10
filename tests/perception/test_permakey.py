import pytest
import torch
import torch.nn.functional as F

from objwrappers.perception.local_prediction import LocalPrediction, min_max, neighbourhoods
from objwrappers.perception.permakey import PRESETS, PermaKey


def count(module):
    return sum(p.numel() for p in module.parameters())


def frames(number=2):
    return torch.randint(0, 256, (number, 84, 84, 3), dtype=torch.uint8)


def test_published_parameter_counts():
    model = PermaKey(**PRESETS["published"])
    assert [count(block) for block in model.encoder] == [1_632, 18_624, 37_056, 74_112]
    assert count(model.vae.posterior) == 3_612_736
    assert count(model.vae.decoder) + count(model.vae.prior_to_map) == 154_610
    assert [count(p) for p in model.predictors] == [1_742_208, 5_448_192]
    assert count(model.pointnet) + count(model.head) == 131_815
    twenty = PermaKey(num_keypoints=20)
    assert count(twenty.pointnet) + count(twenty.head) == 133_492
    deep = PermaKey(lsp_layers=(2, 3), patch_sizes=(2, 2))
    assert [count(p) for p in deep.predictors] == [5_448_192, 19_151_616]


def test_light_parameter_counts():
    model = PermaKey(**PRESETS["light"])
    assert sum(p.numel() for p in model.state_dict().values()) * 4 < 2 * 2**20  # bytes
    wide = PermaKey(**{**PRESETS["light"], "predictor_widths": (256, 128)})
    assert [count(p) for p in wide.predictors] == [312_576, 591_232]
    assert model.vae is None and not any(p.requires_grad for p in model.encoder.parameters())


def test_patches_of_a_counted_map():
    # 4×4 cells of one pixel, numbered row by row.
    features = torch.arange(1.0, 17.0).view(1, 1, 4, 4)
    around, cells = neighbourhoods(features, 1, torch.tensor([0, 5, 15]))
    assert cells.flatten().tolist() == [1, 6, 16]
    assert around.tolist() == [
        [0, 0, 0, 0, 2, 0, 5, 6],
        [1, 2, 3, 5, 7, 9, 10, 11],
        [11, 12, 0, 15, 0, 0, 0, 0],
    ]


def test_patches_of_two_pixels_and_two_channels():
    features = torch.arange(2 * 6 * 6.0).view(1, 2, 6, 6)
    around, cells = neighbourhoods(features, 2, torch.tensor([4]))
    assert cells.tolist() == [[14, 15, 20, 21, 50, 51, 56, 57]]
    assert around.shape == (1, 2 * 32)
    assert sorted(torch.cat([around, cells], 1)[0].tolist()) == list(range(72))


@pytest.mark.parametrize("side", [8, 9])
def test_a_map_at_once_equals_cell_by_cell(side):
    torch.manual_seed(0)
    predictor = LocalPrediction(3, patch=2, widths=(None, 7)).eval()
    features = torch.rand(2, 3, side, side)
    rows = torch.arange(2 * 4 * 4)
    around, cells = neighbourhoods(features, 2, rows)
    predicted = predictor.layers(around)
    errors = ((predicted - cells) ** 2).mean(1) / (cells.mean(1) + 1e-3)
    torch.testing.assert_close(predictor.error_map(features).flatten(), errors)
    root = LocalPrediction(3, 2, (None, 7), error="rmse").eval()
    root.load_state_dict(predictor.state_dict())
    by_hand = ((predicted - cells) ** 2).mean(1).sqrt() / (cells.mean(1) + 1e-3)
    torch.testing.assert_close(root.error_map(features).flatten(), by_hand)


def test_min_max_and_a_constant_map():
    maps = torch.tensor([[[0.0, 2.0], [4.0, 1.0]], [[3.0, 3.0], [3.0, 3.0]]])
    expected = torch.tensor([[[0.0, 0.5], [1.0, 0.25]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(min_max(maps), expected)


@pytest.mark.parametrize("preset", PRESETS)
def test_constant_frames_give_numbers(preset):
    model = PermaKey(num_keypoints=3, **PRESETS[preset])
    black = torch.zeros(2, 210, 160, 3, dtype=torch.uint8)
    small = torch.zeros(2, 84, 84, 3, dtype=torch.uint8)
    batch = {"frames": small, "clean": small, "visible": torch.ones(2, 84, 84)}
    losses = model.loss({**batch, "objects": torch.zeros(2, 42, 42)}, 0.5)
    assert all(value.isfinite() for value in losses.values())
    with torch.no_grad():
        assert all(value.isfinite().all() for value in model.eval()(black).values())


def test_each_loss_reaches_its_own_module_only():
    model = PermaKey(num_keypoints=3, cells=64)
    parts = {
        "nll": [model.encoder, model.vae],
        "kl": [model.encoder, model.vae],
        "lsp_0": [model.predictors[0]],
        "lsp_1": [model.predictors[1]],
        "pointnet": [model.pointnet, model.head],
    }
    batch = frames()
    losses = model.loss({"frames": batch, "clean": batch}, 0.5)
    for name, own in parts.items():
        model.zero_grad()
        losses[name].backward(retain_graph=True)
        with_gradient = {id(p) for p in model.parameters() if p.grad is not None}
        allowed = {id(p) for part in own for p in part.parameters()}
        assert with_gradient and with_gradient <= allowed, name
    torch.testing.assert_close(losses["loss"], sum(losses[name] for name in parts))


def test_the_published_pointnet_loss_by_hand():
    model = PermaKey(num_keypoints=2, grid=42).eval()
    batch = frames(1)
    with torch.no_grad():
        images = model.images(batch)
        maps = model.error_maps(images, model.encode(images))
        keypoints = model.perceive(model.images(batch))["keypoints"]
        losses = model.loss({"frames": batch, "clean": batch}, 0.5)
    axis = torch.linspace(-1, 1, 42)
    bumps = sum(
        torch.exp(-((axis[:, None] - y) ** 2 + (axis - x) ** 2) / 0.12**2) for x, y in keypoints[0]
    )
    enlarged = bumps.repeat_interleave(2, 0).repeat_interleave(2, 1)
    by_hand = torch.stack([F.mse_loss(enlarged, m) for m in maps[0]]).mean()
    torch.testing.assert_close(losses["pointnet"], by_hand)


def test_what_does_not_travel_and_bars_are_not_to_be_covered():
    model = PermaKey(num_keypoints=2, **PRESETS["light"]).eval()
    still = torch.zeros(84, 84, 3, dtype=torch.uint8)
    travels = torch.ones(84, 84)
    travels[:20] = 0
    model.set_scenery(still, travels)
    clean = still.repeat(1, 1, 1, 1)
    clean[0, 5:9, 40:44] = 200  # a score
    clean[0, 60:64, 40:44] = 200
    noisy = clean.clone()
    noisy[0, :, 10:15] = torch.tensor([128, 0, 255], dtype=torch.uint8)
    with torch.no_grad():
        images = model.images(noisy)
        maps = model.error_maps(images, model.encode(images))
        batch = {"frames": noisy, "clean": clean, "visible": torch.ones(1, 84, 84)}
        batch["objects"] = torch.ones(1, 42, 42)
        objects = model._objects(maps, batch)
        behind = {**batch, "visible": torch.ones(1, 84, 84)}
        behind["visible"][0, 60:64] = 0
        assert model._objects(maps, behind).sum() == 0
        # What moves is one cell; the eight around it may err, too.
        batch["objects"] = torch.zeros(1, 42, 42)
        batch["objects"][0, 29, 19] = 0.5
        moving = model._objects(maps, batch)
        assert moving[0, 30, 20] == objects[0, 30, 20] > 0
        assert moving[0].count_nonzero() == 1
    y, x = objects[0].nonzero().T
    assert len(y) > 0
    assert set(y.tolist()) <= {30, 31} and set(x.tolist()) <= {20, 21}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_keypoints": 0}, "num_keypoints must be an integer of at least 1, got 0"),
        ({"lsp_layers": (0,)}, r"equally many, at least one: got \[0\] and \[2, 2\]"),
        ({"lsp_layers": (0, 4)}, "no layer 4; lsp_layers may be 0, 1, 2, 3"),
        ({"lsp_layers": (0, 1.0)}, "no layer 1.0; lsp_layers may be 0, 1, 2, 3"),
        ({"lsp_layers": 0}, r"equally many, at least one: got \[0\] and \[2, 2\]"),
        ({"patch_sizes": (2, 0)}, "integers from 1 to the layer's 42 cells, got 0"),
        ({"patch_sizes": (2, 60)}, "integers from 1 to the layer's 42 cells, got 60"),
        ({"cells": 0}, "cells must be an integer of at least 1, or None for all, got 0"),
        ({"pointnet_widths": (1, 2)}, r"must be four positive integers, got \[1, 2\]"),
        ({"predictor_widths": (0,)}, r"must be positive integers, or None, got \[0\]"),
        ({"error": "mae"}, "error must be 'mse' or 'rmse', got 'mae'"),
        ({"encoder": "resnet"}, "encoder must be 'vae' or 'random', got 'resnet'"),
        ({"looks_at": ("pixels",)}, r"looks_at may name errors, frame and place, got \['pixels'\]"),
        ({"grid": 20}, "grid must be 21 or 42, got 20"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        PermaKey(**options)


def test_one_layer_may_be_a_number():
    model = PermaKey(lsp_layers=2, patch_sizes=3)
    assert model.lsp_layers == (2,) and len(model.predictors) == 1
