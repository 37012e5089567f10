"""Measures of saliency against values computed by hand and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from objwrappers.metrics.saliency import (
    correlation,
    fixation_density,
    fixation_map,
    kl_divergence,
    nss,
    shuffled_auc,
    similarity,
)


def at(row: int, column: int, shape: tuple[int, int] = (6, 8)) -> np.ndarray:
    counts = np.zeros(shape)
    counts[row, column] = 1
    return counts


def random_map(seed: int, shape: tuple[int, ...] = (6, 8)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def test_nss_at_one_pixel_is_its_z_score() -> None:
    saliency = random_map(0)
    z = (saliency - saliency.mean()) / saliency.std()
    assert nss(z, at(2, 3)) == pytest.approx(z[2, 3])
    assert nss(saliency, at(2, 3)) == pytest.approx(z[2, 3])
    assert nss(saliency, at(2, 3) + 2 * at(0, 1)) == pytest.approx((z[2, 3] + 2 * z[0, 1]) / 3)


def test_kl_divergence() -> None:
    p = random_map(1)
    assert kl_divergence(p, p) == pytest.approx(0)
    assert kl_divergence(7 * p, p) == pytest.approx(0)
    half, quarter = np.array([[1.0, 1.0]]), np.array([[1.0, 3.0]])
    assert kl_divergence(quarter, half) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert math.isnan(kl_divergence(np.array([[0.0, 1.0]]), half))
    assert kl_divergence(half, np.array([[0.0, 1.0]])) == pytest.approx(math.log(2))


def test_shuffled_auc_is_that_of_two_samples() -> None:
    rng = np.random.default_rng(0)
    saliency = rng.integers(0, 5, (6, 8)).astype(float)
    positive, negative = rng.integers(0, 3, (2, 6, 8))
    a = np.repeat(saliency.ravel(), positive.ravel())
    b = np.repeat(saliency.ravel(), negative.ravel())
    expected = mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert shuffled_auc(saliency, positive, negative) == pytest.approx(expected)
    assert shuffled_auc(saliency, positive, 3 * negative) == pytest.approx(expected)


def test_shuffled_auc_of_levels_and_of_chance() -> None:
    levels = np.array([[0.0, 0.0, 1.0, 1.0]])
    positive, negative = np.array([[0, 1, 1, 2]]), np.array([[3, 0, 1, 0]])
    # P = (1/4, 3/4), Q = (3/4, 1/4): 1/4 * 3/8 + 3/4 * (3/4 + 1/8)
    assert shuffled_auc(levels, positive, negative) == pytest.approx(0.75)
    assert shuffled_auc(random_map(0), positive := random_map(1), positive) == pytest.approx(0.5)


def test_correlation_and_similarity() -> None:
    a, b = random_map(0), random_map(1)
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert correlation(a, 3 * a + 1) == pytest.approx(1)
    assert similarity(a, 5 * a) == pytest.approx(1)
    assert similarity(np.array([[1.0, 0]]), np.array([[1.0, 3]])) == pytest.approx(0.25)
    assert similarity(np.array([[1.0, 0]]), np.array([[0, 1.0]])) == 0


@pytest.mark.parametrize("measure", [nss, kl_divergence, correlation, similarity])
def test_the_scale_of_saliency_does_not_matter(measure: object) -> None:
    saliency, people = random_map(0), random_map(1)
    expected = measure(saliency, people)  # type: ignore[operator]
    assert measure(1e-12 * saliency, people) == pytest.approx(expected)  # type: ignore[operator]
    assert shuffled_auc(1e-12 * saliency, people, saliency) == pytest.approx(
        float(shuffled_auc(saliency, people, saliency))
    )


@pytest.mark.parametrize("measure", [nss, kl_divergence, correlation, similarity])
def test_batches_give_what_single_maps_give(measure: object) -> None:
    saliency, people = random_map(0, (2, 3, 6, 8)), random_map(1, (2, 3, 6, 8))
    saliency[1, 2] = 0  # not defined
    found = measure(saliency, people)  # type: ignore[operator]
    assert found.shape == (2, 3) and np.isnan(found[1, 2]) and np.isfinite(found).sum() == 5
    assert found[0, 1] == measure(saliency[0, 1], people[0, 1])  # type: ignore[operator]
    auc = shuffled_auc(saliency, people, people[::-1])
    assert auc.shape == (2, 3) and np.isnan(auc[1, 2]) and np.isfinite(auc).sum() == 5


def test_nothing_is_said_without_fixations() -> None:
    nobody, saliency = np.zeros((6, 8)), random_map(0)
    assert np.isnan(fixation_density(nobody)).all()
    assert math.isnan(nss(saliency, nobody))
    assert math.isnan(kl_divergence(saliency, fixation_density(nobody)))
    assert math.isnan(shuffled_auc(saliency, nobody, saliency))
    assert math.isnan(shuffled_auc(saliency, saliency, nobody))


@pytest.mark.parametrize(("sigma", "support"), [(5, 41), (2, 17)])
def test_the_blur_has_the_published_support(sigma: float, support: int) -> None:
    density = fixation_density(at(60, 60, (121, 121)), sigma)
    assert density.sum() == pytest.approx(1)
    assert (density[60] > 0).sum() == (density[:, 60] > 0).sum() == support
    x = np.arange(support) - support // 2
    expected = np.exp(-(x**2) / (2 * sigma**2))
    half = support // 2
    np.testing.assert_allclose(
        density[60, 60 - half : 61 + half] / density[60, 60], expected, atol=1e-12
    )


def test_fixation_map_counts_what_is_on_the_screen() -> None:
    gaze = np.array([[10.4, 20.6], [10.4, 20.6], [-3, 5], [159.6, 5], [80, 209.4], [np.nan, 1]])
    counts = fixation_map(gaze, 210, 160)
    assert counts[21, 10] == 2 and counts[209, 80] == 1 and counts.sum() == 3
    small = fixation_map(gaze[:1], 84, 84)
    assert small[8, 5] == 1 and small.sum() == 1  # 84 * 20.6 / 210 = 8.24, 84 * 10.4 / 160 = 5.46
    assert fixation_map(np.empty((0, 2)), 84, 84).sum() == 0


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"alike, got \(6, 8\) and \(8, 6\)"):
        nss(np.ones((6, 8)), np.ones((8, 6)))
