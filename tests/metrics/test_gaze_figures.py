import math
import timeit

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from objwrappers.metrics.gaze_figures import (
    Figure,
    draw_others,
    gaze_figures,
    others_gaze,
    published_figures,
    summarise,
)
from objwrappers.metrics.gaze_maps import GazeSamples
from objwrappers.metrics.saliency import fixation_density, fixation_map, nss, shuffled_auc

MEASURES = {"nss", "auc", "auc_judd", "kl", "correlation", "similarity"}


def play(frames: int = 12, samples: int = 3) -> GazeSamples:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(frames * samples, 2, generator=generator) * torch.tensor([160.0, 210.0])
    return GazeSamples(points, torch.arange(0, frames * samples + 1, samples))


def others_of(gaze: GazeSamples, side: int = 84) -> torch.Tensor:
    return others_gaze(gaze, draw_others(gaze)).counts(side, side)


def test_undefined_values_are_counted():
    figure = Figure.of(torch.tensor([1.0, math.nan, 3.0, math.nan, math.nan]))
    assert figure == Figure(2.0, 1.0, 2, 3)
    assert str(figure) == "2.000 ± 1.000 of 2, 3 undefined"
    assert str(Figure.of(torch.tensor([0.5]))) == "0.500 ± 0.000 of 1"
    nothing = Figure.of(torch.tensor([math.nan]))
    assert math.isnan(nothing.mean) and (nothing.used, nothing.undefined) == (0, 1)


def test_peoples_own_maps_are_the_best():
    gaze = play()
    maps, _ = gaze.maps()
    found = gaze_figures(maps, gaze, others_gaze(gaze, draw_others(gaze)), maps.mean(0))
    assert found.keys() == MEASURES | {"shuffled_auc", "information_gain"}
    assert found["kl"].abs().max() < 1e-5
    assert found["correlation"].min() > 1 - 1e-6 and found["similarity"].min() > 1 - 1e-6
    assert found["auc"].min() > 0.98 and found["information_gain"].min() > 1
    torch.testing.assert_close(found["nss"], nss(maps, gaze.counts()))


def test_a_uniform_map_is_chance():
    gaze = play()
    uniform = torch.full((12, 84, 84), 0.1)
    found = gaze_figures(uniform, gaze, baseline=uniform[0])
    maps, _ = gaze.maps()
    entropy = -(maps * maps.clamp(min=1e-12).log()).sum((1, 2))
    torch.testing.assert_close(found["kl"].float(), math.log(84 * 84) - entropy)
    assert found["information_gain"].abs().max() < 1e-9
    for measure, chance in (("nss", 0.0), ("auc", 0.5), ("auc_judd", 0.5)):
        assert found[measure].tolist() == pytest.approx([chance] * 12)
    assert summarise(found)["correlation"].undefined == 12


def test_frames_without_gaze_are_undefined_in_every_measure():
    gaze = GazeSamples(torch.tensor([[30.0, 40.0], [-1.0, 40.0]]), torch.tensor([0, 1, 2, 2]))
    saliency = torch.rand(3, 84, 84)
    others = GazeSamples(torch.full((3, 2), 80.0), torch.arange(4))
    figures = summarise(gaze_figures(saliency, gaze, others, torch.ones(84, 84)))
    assert {(f.used, f.undefined) for f in figures.values()} == {(1, 2)}
    published = summarise(published_figures(saliency, gaze, others))
    assert published.keys() == {"nss", "kl", "shuffled_auc"}
    assert {(f.used, f.undefined) for f in published.values()} == {(1, 2)}


def test_published_figures_are_of_native_pixels():
    # A ramp along the columns, which bilinear enlargement keeps but for the outermost pixels.
    ramp = (torch.arange(84) / 84).expand(1, 84, 84)
    gaze = GazeSamples(torch.tensor([[120.4, 100.6], [40.0, 9.0]]), torch.tensor([0, 2]))
    others = GazeSamples(torch.tensor([[60.0, 50.0], [20.0, 1.0]]), torch.tensor([0, 2]))
    found = published_figures(ramp, gaze, others)
    native = (((torch.arange(160) + 0.5) * 84 / 160 - 0.5).clamp(0, 83) / 84).double()
    z = (native - native.mean()) / native.std(correction=0)
    # Samples count at the nearest pixels; of four pairs the ramp orders three rightly.
    assert found["nss"].item() == pytest.approx(float(z[120] + z[40]) / 2, abs=1e-5)
    assert found["shuffled_auc"].item() == 0.75
    counts = fixation_map(gaze.points.numpy(), 210, 160)
    assert np.argwhere(counts).tolist() == [[9, 40], [101, 120]]
    p = fixation_density(counts, 5.0)
    q = native.expand(210, 160).numpy() / native.sum().item() / 210
    divergence = (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()
    assert found["kl"].item() == pytest.approx(divergence, abs=1e-5)


def test_published_figures_refuse_what_the_paper_s_code_refuses():
    gaze = GazeSamples(torch.tensor([[80.0, 105.0]] * 3), torch.arange(4))
    others = GazeSamples(torch.tensor([[20.0, 20.0]] * 3), torch.arange(4))
    even, hole, faint = torch.full((84, 84), 0.5), torch.ones(84, 84), torch.ones(84, 84) * 1e-9
    hole[40:44, 46:48] = 0  # twelve native pixels beside the gaze
    faint[42, 42] = 1e-10
    found = published_figures(torch.stack([even, hole, faint]), gaze, others)
    undefined = {name: values.isnan().tolist() for name, values in found.items()}
    assert undefined["nss"] == undefined["shuffled_auc"] == [True, False, True]
    # The even map does have a divergence; one pixel without saliency is enough to have none.
    assert undefined["kl"] == [False, True, True]
    density = fixation_density(fixation_map(np.array([[80.0, 105.0]]), 210, 160), 5.0)
    entropy = -(density[density > 0] * np.log(density[density > 0])).sum()
    assert found["kl"][0].item() == pytest.approx(np.log(210 * 160) - entropy)


def test_others_are_not_oneself():
    points = torch.tensor([[5.0, 5.0], [155.0, 205.0], [-9.0, 0.0]])
    gaze = GazeSamples(points, torch.tensor([0, 1, 1, 2, 3]))
    counts = others_of(gaze, 2)
    corners = [counts[:, 0, 0].tolist(), counts[:, 1, 1].tolist()]
    # Of two frames with gaze, each has the other's ten times; those without have either's.
    assert (corners[0][0], corners[1][0]) == (0, 10) and (corners[0][2], corners[1][2]) == (10, 0)
    assert counts.sum((1, 2)).tolist() == [10] * 4
    assert others_of(gaze[:2], 2).sum() == 0
    drawn = others_of(play(200, 1), 84)
    assert ((drawn * play(200, 1).counts()).sum((1, 2)) > 0).float().mean() < 0.05


def _by_splits(saliency, positive, negative, splits=100):
    """The mean over samples of as many negatives as there are positives."""
    rng = np.random.default_rng(42)
    ours = np.repeat(saliency.ravel(), positive.ravel().astype(int))
    shares = negative.ravel() / negative.sum()
    labels = np.repeat([1, 0], len(ours))
    areas = []
    for _ in range(splits):
        theirs = saliency.ravel()[rng.choice(shares.size, len(ours), p=shares)]
        areas.append(roc_auc_score(labels, np.concatenate([ours, theirs])))
    return np.mean(areas)


def test_the_shuffled_auc_is_what_sampling_approaches():
    gaze = play(12, 40)
    positive, negative = gaze.counts().numpy(), others_of(gaze, 84).numpy()
    saliency = np.random.default_rng(0).random((12, 84, 84)) ** 3 + 0.2 * positive
    exact = shuffled_auc(saliency, positive, negative)
    for i in range(3):
        sampled = _by_splits(saliency[i], positive[i], negative[i])
        # 100 splits of 40 against 40: a standard error of .004.
        assert sampled == pytest.approx(exact[i], abs=0.02)


@pytest.mark.slow
def test_the_shuffled_auc_is_a_hundred_times_as_fast_as_sampling():
    gaze = play(32, 40)
    positive, negative = gaze.counts().numpy(), others_of(gaze, 84).numpy()
    saliency = np.random.default_rng(0).random((32, 84, 84))
    exact = min(timeit.repeat(lambda: shuffled_auc(saliency, positive, negative), number=1))
    sampled = min(
        timeit.repeat(lambda: _by_splits(saliency[0], positive[0], negative[0]), number=1, repeat=3)
    )
    assert sampled >= 100 * exact / 32
