"""SPACE-Time: how motion and time teach, and that they do."""

import math

import pytest
import torch

from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.space.space import Space
from objwrappers.perception.space.space_time import PRESETS, SpaceTime

SMALL = {"grid": 8, "max_objects": 6, "what_size": 6}


def squares(stacks=2, length=4, seed=0):
    """Stacks of frames with two squares each that move, on a grid of 8×8."""
    rng = torch.Generator().manual_seed(seed)
    count = stacks * length
    frames = torch.full((count, 128, 128, 3), 60, dtype=torch.uint8)
    present, boxes = torch.zeros(count, 64), torch.zeros(count, 64, 4)
    mask = torch.zeros(count, 128, 128)
    colours = torch.tensor([[220, 40, 40], [40, 40, 220]], dtype=torch.uint8)
    for stack in range(stacks):
        for colour, side in ((0, 8), (1, 12)):
            x, y = torch.randint(10, 90, (2,), generator=rng).tolist()
            for t in range(length):
                left, i = x + 3 * t, stack * length + t
                frames[i, y : y + side, left : left + side] = colours[colour]
                mask[i, y : y + side, left : left + side] = 1
                cell = int((y + side / 2) // 16 * 8 + (left + side / 2) // 16)
                present[i, cell] = 1
                centre = [2 * (left + side / 2) / 128 - 1, 2 * (y + side / 2) / 128 - 1]
                boxes[i, cell] = torch.tensor([*centre, side / 128, side / 128])
    return {
        "frames": frames,
        "clean": frames,
        "motion_present": present,
        "motion_where": boxes,
        "motion_mask": mask,
    }


def test_sixty_steps_with_motion_find_most_objects():
    torch.manual_seed(0)
    model = SpaceTime(**SMALL)
    still = torch.full((210, 160, 3), 60, dtype=torch.uint8)
    model.set_background(still)
    optimizer = model.configure_optimizers({"learning_rate": 2e-3}, 60).optimizer
    for step in range(60):
        optimizer.zero_grad()
        model.train().loss(squares(1, seed=step), step / 60)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), model.gradient_clip_norm)
        optimizer.step()
    with torch.no_grad():
        after = model.eval().loss(squares(4, seed=1000), 1.0)
    assert float(after["f1"]) > 0.5
    assert float(after["overlap"]) > 0.3
    # The background has not taken what moves.
    image = model.background.logits.detach().sigmoid()
    assert float((image - 60 / 255).abs().max()) < 0.05


def test_without_motion_and_continuity_it_is_space():
    torch.manual_seed(1)
    model = SpaceTime(**SMALL, **PRESETS["space"]).eval()
    space = Space(**SMALL).eval()
    missing = space.load_state_dict(model.state_dict(), strict=False)
    assert not missing.missing_keys
    assert set(missing.unexpected_keys) == {"recent", "steps_seen"}
    with torch.no_grad():
        ours, theirs = model.loss(squares(), 1.0), space.loss(squares(), 1.0)
    for key, value in theirs.items():
        assert float(ours[key]) == pytest.approx(float(value)), key


@torch.no_grad()
def test_the_total_is_the_bound_and_the_weighted_terms():
    torch.manual_seed(2)
    weights = {"presence_weight": 3.0, "where_weight": 5.0, "alpha_weight": 7.0}
    options = {"continuity_weight": 11.0, "motion_schedule": (1.0, 0.5, 0.0, 1.0)}
    model = SpaceTime(**SMALL, **weights, **options, where_floor=0.75, motion_weight=2.0).eval()
    terms = {key: float(value) for key, value in model.loss(squares(), 1.0).items()}
    bound = sum(terms[f"kl_{k}"] for k in ("what", "where", "pres", "depth", "bg"))
    assert terms["lambda_align"] == 0.5
    assert terms["loss"] == pytest.approx(
        bound
        - terms["log_like"]
        + 2 * (0.5 * (3 * terms["motion_pres"] + 7 * terms["motion_alpha"]))
        + 2 * 0.75 * 5 * terms["motion_where"]
        + 0.5 * 11 * terms["object_continuity"],
        rel=1e-5,
    )


@torch.no_grad()
def test_motions_cells_are_looked_at_while_training_only():
    torch.manual_seed(3)
    model = SpaceTime(**SMALL)
    given = squares()
    asked = [set(row.nonzero()[:, 0].tolist()) for row in given["motion_present"]]
    for training in (True, False):
        model.train(training)
        targets = model.targets(given)
        scene = model.explain(model.images(given["frames"]), 0.5, model.blend(targets, 0.5))
        looked = [set(row.tolist()) for row in scene.objects.cells]
        assert all(a <= b for a, b in zip(asked, looked, strict=True)) == training


@torch.no_grad()
def test_cooling_blends_motions_answers_into_the_forward_pass():
    torch.manual_seed(4)
    model = SpaceTime(**SMALL, cooling=0.5).train()
    given = squares()
    images, targets = model.images(given["frames"]), model.targets(given)
    hot = model.explain(images, 0.0, model.blend(targets, 0.0))
    there = targets.present.gather(1, hot.objects.cells) > 0
    boxes = targets.boxes.gather(1, hot.objects.cells[..., None].expand(-1, -1, 4))
    torch.testing.assert_close(hot.objects.boxes[there], boxes[there])
    assert float(hot.objects.present[there].min()) > 0.5 > float(hot.objects.present[~there].max())
    torch.testing.assert_close(hot.rendering.alpha, targets.mask)
    assert model.blend(targets, 0.25).share == 0.5
    assert model.blend(targets, 0.5).share == model.eval().blend(targets, 0.0).share == 0


@torch.no_grad()
def test_the_dynamic_schedule_by_hand():
    torch.manual_seed(5)
    model = SpaceTime(**SMALL, scheduling="dynamic", underestimating=1.5, steepness=2.0).eval()
    given = squares(1)
    targets = model.targets(given)
    scene = model.explain(model.images(given["frames"]), 1.0)
    # Cells that say exactly what motion says: λ hangs on the mean presence alone.
    sure = torch.where(targets.present > 0, 1.0, -1.0)
    shift = torch.atanh(
        (((targets.boxes[..., :2] + 1) * 4) - 0.5 - cell_places()).clamp(-0.99, 0.99)
    )
    scale = targets.boxes[..., 2:].clamp(1e-4, 1 - 1e-4).logit()
    cells = type(scene.cells)(
        sure,
        scene.cells.depth_mean,
        scene.cells.depth_std,
        scale,
        scene.cells.scale_std,
        shift,
        scene.cells.shift_std,
    )
    agreed = type(scene)(**{**vars(scene), "cells": cells})
    assert model.take_over(agreed, targets, 0.0) == pytest.approx(1.0)
    # All cells claim an object: 256·(1 - 1.5·2/64) in the exponent, up to the bound of p.
    everywhere = type(cells)(torch.ones_like(sure), *list(vars(cells).values())[1:])
    crowded = type(scene)(**{**vars(scene), "cells": everywhere})
    probability = float(everywhere.present.mean())
    expected = 2 ** -(256 * (probability - 1.5 * 2 / 64))
    assert model.take_over(crowded, targets, 0.0) == pytest.approx(expected, rel=1e-3)
    # None claims one: motion keeps all.
    empty = type(cells)(-torch.ones_like(sure), *list(vars(cells).values())[1:])
    nothing = type(scene)(**{**vars(scene), "cells": empty})
    assert model.take_over(nothing, targets, 0.0) == 0
    # While training, the last differences' variance counts, too: of 0 and d it is d²/2.
    model.train()
    base = float(cells.present.mean() - targets.present.mean())
    model.take_over(agreed, targets, 0.0)
    spread = (probability - 2 / 64 - base) ** 2 / 2
    expected = 2 ** -(256 * (probability - 1.5 * 2 / 64 + spread))
    assert model.take_over(crowded, targets, 0.0) == pytest.approx(expected, rel=1e-3)


def cell_places():
    number = torch.arange(64)
    return torch.stack([number % 8, number // 8], dim=-1).float()


@torch.no_grad()
def test_the_fixed_schedule_hands_over_from_motion_to_time():
    model = SpaceTime(**SMALL, motion_schedule=(1.0, 0.1, 0.0, 0.8))
    given = squares(1)
    targets = model.targets(given)
    scene = model.explain(model.images(given["frames"]), 0.0)
    shares = [model.take_over(scene, targets, p) for p in (0.0, 0.4, 0.8, 1.0)]
    assert shares == pytest.approx([0.0, 0.45, 0.9, 0.9])


def test_the_published_network_learns_from_all_terms():
    torch.manual_seed(0)
    model = SpaceTime(**{**PRESETS["published-space+moc"], "grid": 8, "max_objects": 6})
    losses = model.loss(squares(1), 0.5)
    losses["loss"].backward()
    assert all(torch.isfinite(value) for value in losses.values())
    for name, parameter in model.named_parameters():
        unused = parameter.grad is None or not parameter.grad.isfinite().all()
        assert not unused, name


@torch.no_grad()
def test_pictures_show_motion_beside_the_scene():
    model = SpaceTime(**SMALL).eval()
    shown = model.pictures(squares(1))
    assert {"motion cells", "motion mask", "cells", "boxes"} <= set(shown)
    assert shown["motion mask"].mean() == pytest.approx((64 + 144) / 128**2, rel=0.05)
    del (given := squares(1))["motion_present"]
    assert "motion cells" not in model.pictures(given)
    with pytest.raises(ValueError, match="frames come without motion: train 'space'"):
        model.loss(given, 0.5)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_arguments_that_can_be(preset):
    check_arguments(SpaceTime, PRESETS[preset])
    with torch.device("meta"):
        model = SpaceTime(**PRESETS[preset])
    assert (model.continuity_weight > 0) == preset.endswith("+moc")
    assert (model.motion_weight > 0) == ("+m" in preset)


def test_the_published_weights_are_per_frame():
    # 64 frames · 100 · (10, 100, 1), and 64 · 10.
    with torch.device("meta"):
        model = SpaceTime(**PRESETS["published-space+moc"])
    assert (model.presence_weight, model.where_weight) == (64_000, 640_000)
    assert (model.alpha_weight, model.continuity_weight) == (6_400, 640)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stack_length": 0}, "stack_length must be in"),
        ({"where_weight": -1.0}, "where_weight must not be negative, got -1.0"),
        ({"where_weight": math.nan}, "where_weight must not be negative, got nan"),
        ({"motion_schedule": (2.0, 0.0, 0.0, 1.0)}, "motion_schedule holds shares"),
        ({"scheduling": "dynamical"}, "dynamical"),
        ({"steepness": 1.0}, "steepness must be above 1, got 1.0"),
    ],
)
def test_arguments_that_cannot_be_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpaceTime(**arguments)
