"""SPACE: what it finds, what it is charged for, and how it is stored."""

import copy
import math

import pytest
import torch

from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.folding import folded
from objwrappers.perception.space.foreground import LOGIT_BOUND
from objwrappers.perception.space.space import PRESETS, Space


@pytest.fixture(scope="module")
def model():
    """A light one, its statistics those of noise, and with cells that differ."""
    torch.manual_seed(0)
    model = Space(grid=8, max_objects=10, what_size=6, repetition=1.0)
    torch.nn.init.normal_(model.foreground.cells[-1].weight, std=0.3)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model.detect(torch.rand(4, 3, 128, 128))
    return model.eval()


@torch.no_grad()
def test_detections_are_the_most_probable_cells_and_what_training_shows(model):
    images = torch.rand(2, 3, 128, 128)
    found, scene = model.detect(images), model.explain(images, 1.0)
    assert found.boxes.shape == (2, 10, 4) and found.what.shape == (2, 10, 6)
    torch.testing.assert_close(found.present, scene.cells.present.topk(10, dim=1).values)
    torch.testing.assert_close(found.boxes, scene.objects.boxes)
    torch.testing.assert_close(found.what, scene.objects.what)
    low, high = (1 / (1 + math.exp(sign * LOGIT_BOUND)) for sign in (1, -1))
    assert scene.cells.present.min() >= low - 1e-6
    assert scene.cells.present.max() <= high + 1e-6


@torch.no_grad()
def test_a_frame_is_seen_alike_in_any_batch_and_folded(model):
    images = torch.rand(3, 3, 128, 128)
    every, one, fast = model.detect(images), model.detect(images[1:2]), folded(model).detect(images)
    for name in ("boxes", "present", "what"):
        torch.testing.assert_close(getattr(every, name)[1:2], getattr(one, name), atol=1e-4, rtol=0)
        torch.testing.assert_close(getattr(every, name), getattr(fast, name), atol=1e-4, rtol=0)


@torch.no_grad()
def test_where_boxes_are_by_hand(model):
    chosen = torch.tensor([[0, 10, 63]])  # of 8×8: column 0, row 0; column 2, row 1; the last
    scale = torch.tensor([[[0.0, -2.0]] * 3])
    shift = torch.tensor([[[0.0, 0.0], [math.atanh(0.5), 0.0], [9.0, -9.0]]])
    boxes = model.foreground.boxes(chosen, scale, shift)[0]
    small = 1 / (1 + math.exp(2))
    expected = [
        [-0.875, -0.875, 0.5, small],
        [-0.25, -0.625, 0.5, small],
        [1.125, 0.625, 0.5, small],  # a whole cell away from (.875, .875)
    ]
    torch.testing.assert_close(boxes, torch.tensor(expected), atol=1e-5, rtol=0)


@torch.no_grad()
def test_what_is_found_twice_is_one_object(model):
    images = torch.rand(2, 3, 128, 128)
    model = copy.deepcopy(model)
    model.foreground.cells[-1].bias[3:5] = 0.0  # half the frame: neighbours overlap
    every = model.detect(images)
    model.repetition = 0.5
    once = model.detect(images)
    left = once.present > 0
    assert left.any(1).all() and not left.all(1).any()
    torch.testing.assert_close(once.present[left], every.present[left])
    torch.testing.assert_close(once.boxes, every.boxes)


@torch.no_grad()
def test_alone_it_looks_where_the_background_fails_and_not_at_bars():
    torch.manual_seed(0)
    model = Space(grid=8, max_objects=2).train()
    model.set_background(torch.zeros(128, 128, 3, dtype=torch.uint8))
    frames = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    frames[:, 100:106, 20:26] = 255  # row 6, column 1
    frames[:, 10:30, 64:80] = 255  # rows 0 and 1, column 4
    looked = {6 * 8 + 1, 4, 12}
    images = model.images(frames)
    assert set(model.explain(images, 0.5).objects.cells[0].tolist()) < looked
    visible = torch.ones(1, 128, 128)
    visible[:, :, 64:80] = 0
    assert 6 * 8 + 1 in model.explain(images, 0.5, visible=visible).objects.cells[0]
    assert not {4, 12} & set(model.explain(images, 0.5, visible=visible).objects.cells[0].tolist())


@pytest.mark.parametrize("network", ["light", "published"])
def test_half_precision_changes_the_bound_little(network):
    torch.manual_seed(0)
    model = Space(network, 8, components=2 if network == "published" else 1, max_objects=4).eval()
    with torch.no_grad():
        full = model.loss(batch(), 1.0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model.loss(batch(), 1.0)
    assert half["loss"].dtype == torch.float32
    assert float(half["loss"]) == pytest.approx(float(full["loss"]), rel=0.02)


def batch(frames=2):
    generator = torch.Generator().manual_seed(1)
    return {"frames": torch.randint(256, (frames, 128, 128, 3), generator=generator).byte()}


def test_the_bound_is_the_sum_of_its_terms_per_frame(model):
    with torch.no_grad():
        losses = model.loss(batch(), 1.0)
    divergences = sum(float(losses[f"kl_{k}"]) for k in ("what", "where", "pres", "depth", "bg"))
    assert float(losses["loss"]) == pytest.approx(divergences - float(losses["log_like"]), rel=1e-6)
    assert all(float(losses[f"kl_{k}"]) > 0 for k in ("what", "where", "pres", "depth", "bg"))
    one = {"frames": batch()["frames"][:1]}
    two = {"frames": batch()["frames"][1:]}
    with torch.no_grad():
        halves = [float(model.loss(part, 1.0)["loss"]) for part in (one, two)]
    assert sum(halves) / 2 == pytest.approx(float(losses["loss"]), rel=1e-5)


@torch.no_grad()
def test_pixels_behind_a_bar_need_no_explanation(model):
    seen = batch()
    seen["visible"] = torch.ones(2, 128, 128)
    clean = model.loss(seen, 1.0)
    assert float(clean["log_like"]) == pytest.approx(float(model.loss(batch(), 1.0)["log_like"]))
    scene = model.explain(model.images(seen["frames"]), 1.0)
    seen["visible"][:, :, 30:50] = 0
    hidden = model.loss(seen, 1.0)
    seen["visible"] = 1 - seen["visible"]
    behind = model.loss(seen, 1.0)
    assert float(hidden["log_like"] + behind["log_like"]) == pytest.approx(
        float(clean["log_like"]), rel=1e-5
    )
    assert scene.reconstruction.shape == (2, 3, 128, 128)


def test_training_is_a_function_of_the_seed(model):
    totals = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        fresh = Space(grid=8, max_objects=6, what_size=6)
        torch.manual_seed(seed)
        totals.append(float(fresh.loss(batch(), 0.3)["loss"].detach()))
    assert totals[0] == totals[1] != totals[2]


@torch.no_grad()
def test_a_fixed_alpha_and_the_boundary_loss_end_when_they_should():
    torch.manual_seed(0)
    model = Space(grid=8, max_objects=6, fixed_alpha=(0.2, 0.25), boundary_until=0.5)
    images = torch.rand(2, 3, 128, 128)
    assert (model.explain(images, 0.1).rendering.alpha == 0.25).all()
    assert (model.explain(images, 0.2).rendering.alpha != 0.25).any()
    assert "boundary" in model.loss(batch(), 0.4)
    assert "boundary" not in model.loss(batch(), 0.5)


def test_foreground_and_background_have_their_own_rates():
    settings = {"learning_rate": 5e-4, "final_learning_rate": 1e-4}
    front, back = Space().configure_optimizers(settings, 10).optimizer.param_groups
    assert (front["lr"], back["lr"], front["betas"]) == (5e-4, 1e-3, (0.9, 0.999))
    settings["background_learning_rate"] = 3e-3
    model = Space("published", components=3)
    front, back = model.configure_optimizers(settings, 10).optimizer.param_groups
    assert (front["lr"], back["lr"]) == (5e-4, 3e-3)
    assert (front["betas"], back["betas"]) == ((0.0, 0.99), (0.9, 0.999))
    every = {id(p) for p in model.parameters()}
    assert {id(p) for group in (front, back) for p in group["params"]} == every
    assert (model.gradient_clip_norm, Space().gradient_clip_norm) == (1.0, 100.0)
    for wrong in (0, "fast", -1, math.nan):
        settings["background_learning_rate"] = wrong
        with pytest.raises(ValueError, match="background_learning_rate must be a positive number"):
            model.configure_optimizers(settings, 10)


def test_adam_without_momentum_is_rmsprop_with_its_bias_corrected():
    ours, theirs = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    adam = torch.optim.Adam([ours], 1e-2, betas=(0.0, 0.99))
    rmsprop = torch.optim.RMSprop([theirs], 1e-2, alpha=0.99)
    for step in range(1, 4):
        gradient = torch.tensor([0.5, -2.0, 3.0]) * step
        ours.grad, theirs.grad = gradient, gradient.clone()
        before = ours.detach().clone(), theirs.detach().clone()
        adam.step()
        rmsprop.step()
        corrected = (theirs.detach() - before[1]) * math.sqrt(1 - 0.99**step)
        torch.testing.assert_close(ours.detach() - before[0], corrected, atol=1e-6, rtol=1e-4)


@torch.no_grad()
def test_stored_weights_find_the_same_and_lie_in_the_space(model, tmp_path):
    model = copy.deepcopy(model)
    for parameter in model.parameters():  # as they are stored
        parameter.copy_(parameter.half())
    model.save_pretrained(tmp_path / "weights")
    loaded = Space.from_pretrained(tmp_path / "weights")
    frames = torch.randint(256, (2, 210, 160, 3), dtype=torch.uint8)
    expected, found = model(frames), loaded(frames)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value)
        box = model.observation_space[key]
        assert all(box.contains(each.numpy().astype(box.dtype)) for each in value)


def test_light_weights_have_two_megabytes_at_most(tmp_path):
    Space().save_pretrained(tmp_path / "weights")
    assert (tmp_path / "weights" / "model.safetensors").stat().st_size < 2_000_000


@pytest.mark.parametrize("network", ["light", "published"])
@torch.no_grad()
def test_pictures_have_one_size_and_stay_in_their_range(network):
    torch.manual_seed(0)
    model = Space(network, 8, components=2, max_objects=4, what_size=32).eval()
    shown = model.pictures(batch(1))
    assert next(iter(shown)) == "input"
    assert {"reconstruction", "foreground", "background", "boxes", "mask 1"} <= set(shown)
    for picture in shown.values():
        assert picture.shape == (1, 3, 128, 128)
        assert 0 <= picture.min() and picture.max() <= 1
    percepts = model.percepts(batch(1))
    assert percepts["boxes"].shape == (1, 4, 4) and percepts["present"].shape == (1, 4)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_arguments_that_can_be(preset):
    check_arguments(Space, PRESETS[preset])
    with torch.device("meta"):
        Space(**PRESETS[preset])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "heavy"}, "heavy"),
        ({"grid": 5}, "grid must be one of 8, 16 for the light network, got 5"),
        ({"components": 0}, r"components must be in \[1, 16\], got 0"),
        ({"max_objects": -1}, "max_objects must be in"),
        ({"what_size": 0}, "what_size must be in"),
        ({"sigma_background": 0.0}, "sigma_background must be above 0, got 0.0"),
        ({"scale_prior": (1.0, 2.0)}, "scale_prior must be .first value"),
        ({"temperature": (1.0, 1.0, 0.9, 0.5)}, "temperature must be .first value"),
        ({"presence_prior": (0.1, 0.0, 0.0, 1.0)}, "presence_prior must be above 0 and below 1"),
        ({"fixed_alpha": (0.1, 1.5)}, "fixed_alpha is a share"),
    ],
)
def test_arguments_that_cannot_be_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Space(**arguments)
