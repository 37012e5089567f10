"""Measures of saliency against values computed by hand and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from objwrappers.metrics.saliency import (
    auc,
    auc_judd,
    correlation,
    fixation_density,
    fixation_map,
    information_gain,
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


def test_the_area_over_pixels_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    saliency = rng.integers(0, 9, (4, 6, 8)).astype(float)
    fixations = rng.integers(0, 4, (4, 6, 8)) * (rng.random((4, 6, 8)) < 0.2)
    for one, people, area in zip(saliency, fixations, auc(saliency, fixations), strict=True):
        assert area == pytest.approx(roc_auc_score(people.ravel() > 0, one.ravel()))


def test_judds_area_by_hand() -> None:
    saliency = np.array([[9.0, 7, 5, 3, 1]])
    # Thresholds 7 and 3: of two pixels looked at 1 and 2, of three others 1 and 2 reach them.
    # (0, 0), (1/3, 1/2), (2/3, 1), (1, 1): 1/12 + 3/12 + 4/12.
    looked_at = np.array([[0, 1, 0, 4, 0]])
    assert auc_judd(saliency, looked_at) == pytest.approx(8 / 12)
    # Pixel by pixel: of six pairs, 7 is above 5 and 1, 3 is above 1.
    assert auc(saliency, looked_at) == pytest.approx(3 / 6)
    # All of one level but one: a single step, in no order.
    level = np.array([[1.0, 1, 1, 1, 0]])
    assert auc_judd(level, looked_at) == pytest.approx(2 / 3 / 2 + 1 / 3)
    assert auc(level, looked_at) == pytest.approx(2 / 3 / 2 + 1 / 3)
    assert auc_judd(0 * level + 3, looked_at) == auc(0 * level + 3, looked_at) == 0.5
    assert math.isnan(auc_judd(0 * level, looked_at)) and math.isnan(auc(level, 0 * looked_at))


@given(
    arrays(int, (1, 12), elements=st.integers(0, 3)),
    arrays(int, (1, 12), elements=st.integers(0, 1)),
)
def test_judds_lines_are_never_below_the_steps(saliency: np.ndarray, looked_at: np.ndarray) -> None:
    judd, steps = auc_judd(saliency, looked_at), auc(saliency, looked_at)
    assert np.isnan(judd) == np.isnan(steps)
    assert np.isnan(judd) or judd >= steps - 1e-12
    swapped = auc(saliency.max() - saliency + 1, looked_at)
    assert np.isnan(steps) or steps + swapped == pytest.approx(1)


def test_information_gain_is_bits_of_a_fixation() -> None:
    saliency, baseline = np.array([[1.0, 2, 5]]), np.array([[2.0, 2, 4]])
    fixations = np.array([[1, 0, 3]])
    by_hand = (math.log2(1 / 2) + 3 * math.log2(5 / 4)) / 4
    assert information_gain(saliency, fixations, baseline) == pytest.approx(by_hand)
    assert information_gain(7 * saliency, fixations, 3 * baseline) == pytest.approx(by_hand)
    assert information_gain(baseline, fixations, baseline) == 0
    never = np.array([[0.0, 1, 1]])
    lost = math.log2(1e-10) - math.log2(1 / 4)
    assert information_gain(never, np.array([[1, 0, 0]]), baseline) == pytest.approx(lost)
    assert math.isnan(information_gain(saliency, 0 * fixations, baseline))


def test_a_floor_defines_the_divergence_where_saliency_is_none() -> None:
    half = np.array([[1.0, 1.0]])
    found = kl_divergence(np.array([[0.0, 1.0]]), half, floor=1e-10)
    assert found == pytest.approx(0.5 * math.log(0.5 / 1e-10) + 0.5 * math.log(0.5))
    assert math.isnan(kl_divergence(np.zeros((1, 2)), half, floor=1e-10))


def test_tensors_give_tensors() -> None:
    saliency, people = random_map(0, (3, 6, 8)), random_map(1, (3, 6, 8))
    for measure in (nss, kl_divergence, correlation, similarity, auc, auc_judd):
        found = measure(torch.from_numpy(saliency), torch.from_numpy(people))
        assert found.dtype == torch.float64
        np.testing.assert_array_equal(found.numpy(), measure(saliency, people))


def test_rounding_is_no_saliency():
    even = np.full((3, 3), 0.7, np.float32)
    noisy = even * np.float32(1 + 1e-7) ** np.arange(9, dtype=np.float32).reshape(3, 3)
    assert noisy.min() < noisy.max()
    fixations = np.zeros((3, 3))
    fixations[2, 2] = 1
    assert nss(noisy, fixations) == 0 and auc(noisy, fixations) == 0.5
    assert np.isnan(correlation(noisy, fixations))
    assert similarity(noisy, fixations) == pytest.approx(1 / 9)
    assert nss(noisy + np.eye(3) * 1e-4, fixations) == pytest.approx(2**0.5, rel=0.01)
