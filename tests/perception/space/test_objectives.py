"""The terms of SPACE and SPACE-Time, by hand or against a plain loop."""

import math

import pytest
import torch

from objwrappers.perception.space.objectives import (
    anneal,
    bernoulli_kl,
    boundary_loss,
    gaussian_kl,
    log_mixture,
    log_normal,
    object_continuity,
)


def test_schedules_wait_move_and_stay():
    schedule = (2.0, 4.0, 0.25, 0.75)
    assert [anneal(schedule, p) for p in (0, 0.25, 0.5, 0.75, 1)] == [2, 2, 3, 4, 4]
    assert anneal((1.0, 5.0, 0.5, 0.5), 0.4) == 1
    assert anneal((1.0, 5.0, 0.5, 0.5), 0.6) == 5


def test_divergences_against_torch_and_by_hand():
    mean, std = torch.tensor([0.5, -1.0]), torch.tensor([0.2, 2.0])
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, std), normal(-2.0, 0.5))
    torch.testing.assert_close(gaussian_kl(mean, std, -2.0, 0.5), expected)
    assert gaussian_kl(torch.tensor(1.0), torch.tensor(1.0), 0.0, 1.0) == pytest.approx(0.5)
    # .5 ln(.5/.1) + .5 ln(.5/.9)
    found = bernoulli_kl(torch.tensor(0.5), 0.1)
    assert found == pytest.approx(0.5 * math.log(5) + 0.5 * math.log(5 / 9), rel=1e-5)
    assert bernoulli_kl(torch.tensor(0.1), 0.1) == pytest.approx(0, abs=1e-6)
    # A certain object where hardly any is expected, and the prior of 1e-10 in float32.
    assert bernoulli_kl(torch.tensor(1.0), 1e-10) == pytest.approx(10 * math.log(10), rel=1e-4)


def test_likelihoods():
    assert log_normal(torch.tensor(0.0), torch.tensor(0.0), 0.1) == pytest.approx(
        -math.log(0.1) - 0.5 * math.log(2 * math.pi)
    )
    assert log_normal(torch.tensor(0.3), torch.tensor(0.1), 0.1) == pytest.approx(
        -2 - math.log(0.1) - 0.5 * math.log(2 * math.pi)
    )
    one, two = torch.full((1, 3, 1, 1), -1.0), torch.full((1, 3, 1, 1), -3.0)
    mixed = log_mixture(one, two, torch.full((1, 1, 1, 1), 0.25))
    assert mixed[0, 0, 0, 0] == pytest.approx(
        math.log((0.25 + 1e-5) * math.exp(-1) + (0.75 + 1e-5) * math.exp(-3))
    )


def test_only_what_lies_on_a_boxs_frame_is_charged():
    box = torch.tensor([[[0.0, 0.0, 0.5, 0.5]]])  # 32 of 64 pixels, the kernel's own
    middle, edge = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    middle[..., 24:40, 24:40] = 1.0
    edge[..., 16, 16] = 1.0  # the first pixel of the box
    nothing = boundary_loss(torch.ones(1, 1), box, torch.zeros(1, 1, 64, 64))
    assert nothing == pytest.approx(64 * 64 * math.log(0.7 * math.sqrt(2 * math.pi)), rel=1e-4)
    assert boundary_loss(torch.ones(1, 1), box, middle) == pytest.approx(float(nothing))
    charged = boundary_loss(torch.ones(1, 1), box, edge) - nothing
    assert charged == pytest.approx(0.5 * (1000 / 1024 / 0.7) ** 2, rel=1e-2)
    assert boundary_loss(torch.zeros(1, 1), box, edge) == pytest.approx(float(nothing))


def continuity(what, cells, present=None, **options):
    """Of one stack; what is T frames of M vectors."""
    what, cells = torch.tensor([what]), torch.tensor([cells])
    present = torch.ones(cells.shape, dtype=torch.bool) if present is None else present
    boxes = options.pop("boxes", torch.zeros(*cells.shape, 4))
    return float(object_continuity(what, present, cells, boxes, 4, **options))


def test_one_candidate_costs_minus_four_cosines_and_none_costs_nothing():
    # Cell 5 of a 4×4 grid, then 6 beside it: cosine of (1, 0) and (3, 4) is .6.
    assert continuity([[[1.0, 0.0]], [[3.0, 4.0]]], [[5], [6]]) == pytest.approx(-4 * 0.6)
    assert continuity([[[1.0, 0.0]], [[3.0, 4.0]]], [[5], [7]]) == 0.0
    # The grid is a torus: columns 0 and 3 are neighbours, and rows 0 and 3.
    assert continuity([[[1.0, 0.0]], [[3.0, 4.0]]], [[0], [15]]) == pytest.approx(-4 * 0.6)


def test_the_best_candidate_is_pulled_and_the_others_are_pushed():
    what = [[[1.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [4.0, 3.0]]]
    # The second cell of the first frame is not there; cosines .6 and .8 remain.
    there = torch.tensor([[[True, False], [True, True]]])
    cells = [[5, 0], [6, 9]]
    assert continuity(what, cells, there) == pytest.approx(-5 * 0.8 + 0.6 + 0.8)
    assert continuity(what, cells, there, match_weight=2.0) == pytest.approx(-2 * 0.8 + 1.4)
    boxes = torch.zeros(1, 2, 2, 4)
    boxes[0, 1, 1, 0] = 0.5  # the most alike one is further away than the other
    assert continuity(what, cells, there, agree=True, boxes=boxes) == 0.0
    boxes[0, 1, 0, 0] = 0.9
    assert continuity(what, cells, there, agree=True, boxes=boxes) == pytest.approx(-2.6)
    distances = 1 / (1 + (4 + 16) / 2), 1 / (1 + (9 + 9) / 2)
    assert continuity(what, cells, there, cosine=False) == pytest.approx(
        -5 * max(distances) + sum(distances)
    )


@pytest.mark.parametrize("agree", [False, True])
def test_object_continuity_is_the_published_loop(agree):
    generator = torch.Generator().manual_seed(1)
    grid, shape = 4, (2, 3, 16)
    what = torch.randn(*shape, 5, generator=generator, dtype=torch.double)
    boxes = torch.rand(*shape, 4, generator=generator, dtype=torch.double)
    present = torch.rand(shape, generator=generator) < 0.4
    cells = torch.arange(16).expand(shape)
    expected = 0.0
    for s in range(2):
        for t in range(2):
            for i in range(16):
                near = [
                    (i // grid + dy) % grid * grid + (i % grid + dx) % grid
                    for dy in (-1, 0, 1)
                    for dx in (-1, 0, 1)
                ]
                near = [j for j in near if present[s, t + 1, j]]
                if not present[s, t, i] or not near:
                    continue
                alike = torch.cosine_similarity(what[s, t, i], what[s, t + 1, near], dim=-1)
                apart = (boxes[s, t, i] - boxes[s, t + 1, near]).square().sum(-1)
                if agree and alike.argmax() != apart.argmin():
                    continue
                expected += float(alike.sum() - 5 * alike.max())
    found = object_continuity(what, present, cells, boxes, grid, agree=agree)
    assert float(found) == pytest.approx(expected)
    # Cells in another order, empty ones left out: the same.
    order = present.float().argsort(-1, descending=True)[..., :12]
    assert present.sum(-1).max() <= 12
    few = (
        what.gather(2, order[..., None].expand(-1, -1, -1, 5)),
        present.gather(2, order),
        cells.gather(2, order),
        boxes.gather(2, order[..., None].expand(-1, -1, -1, 4)),
    )
    assert float(object_continuity(*few, grid, agree=agree)) == pytest.approx(expected)


def test_no_candidate_leaves_no_nan_in_the_gradient():
    what = torch.randn(1, 2, 3, 4, requires_grad=True)
    present = torch.tensor([[[True, False, False], [False, False, True]]])
    cells = torch.tensor([[[0, 1, 2], [0, 1, 10]]])
    object_continuity(what, present, cells, torch.zeros(1, 2, 3, 4), 4).backward()
    assert what.grad is not None and what.grad.abs().max() == 0
