"""z_what of made-up classes, where the answers are known."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import NearestCentroid

from objwrappers.metrics.encodings import (
    METHODS,
    clusters,
    few_shot,
    few_shot_accuracy,
    fit_linear,
    labels_of,
)


def blobs(seed, counts=(40, 40, 40), spread=0.1, dimensions=4):
    """Classes round the unit vectors."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([f"class {i}" for i in range(len(counts))], counts)
    middles = np.repeat(np.eye(dimensions)[: len(counts)], counts, axis=0)
    return middles + rng.normal(0, spread, middles.shape), labels


def test_a_detection_shows_what_it_covers_most_of():
    truth = np.array([(10.0, 10, 10, 10), (20, 10, 10, 10), (13, 10, 2, 2)])
    boxes = np.array(
        [
            (9.0, 10, 10, 10),  # nine tenths of the first, all of the small one, which ends at 14
            (18, 10, 10, 10),  # eight tenths of the second, two of the first
            (20, 14.9, 10, 10),  # .51 of the second
            (20, 15.1, 10, 10),  # .49
            (80, 80, 4, 4),
        ]
    )
    assert labels_of(boxes, truth).tolist() == [2, 1, 1, -1, -1]
    assert labels_of(boxes[:0], truth).shape == (0,)
    assert labels_of(boxes[:2], truth[:0]).tolist() == [-1, -1]


def test_objects_on_each_other_are_not_told_apart():
    truth = np.array([(10.0, 10, 8, 8), (12, 10, 8, 8), (40, 10, 8, 8), (43, 10, 8, 8)])
    boxes = np.array([(10.0, 10, 8, 8), (40, 10, 8, 8)])
    assert labels_of(boxes, truth).tolist() == [-1, 2]


def test_of_objects_covered_alike_the_nearest_is_shown():
    truth = np.array([(10.0, 10, 4, 4), (20, 10, 4, 4)])
    assert labels_of(np.array([(16.0, 10, 40, 40), (14, 10, 40, 40)]), truth).tolist() == [1, 0]


def test_few_shots_are_of_each_class_once():
    labels = np.array(["a"] * 10 + ["b"] * 2)
    chosen = few_shot(labels, 4, np.random.default_rng(0))
    assert sorted(labels[chosen]) == ["a"] * 4 + ["b"] * 2
    assert len({*chosen.tolist()}) == 6


@pytest.mark.parametrize("method", METHODS)
def test_classes_far_apart_are_learnt_from_one_example(method):
    assert few_shot_accuracy(blobs(0), blobs(1), 1, method=method) == 1
    assert few_shot_accuracy(blobs(0, (9, 9)), blobs(1, (9, 9)), 4, method=method) == 1


@pytest.mark.parametrize("method", METHODS)
def test_noise_is_named_by_chance(method):
    rng = np.random.default_rng(0)
    what, labels = rng.normal(size=(2000, 4)), rng.integers(4, size=2000)
    accuracy = few_shot_accuracy((what, labels), (what[::-1], labels), 16, method=method)
    assert accuracy == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize(
    ("method", "model"),
    [
        ("ridge", RidgeClassifier()),
        ("logistic", LogisticRegression(max_iter=1000)),
        ("centroid", NearestCentroid()),
    ],
)
def test_scores_decide_as_scikit_learn_does(classes, method, model):
    rng = np.random.default_rng(classes)
    labels = rng.integers(classes, size=300)
    what, others = rng.normal(size=(300, 5)), rng.normal(size=(500, 5))
    what[:, 0] += labels
    names, weight, bias = fit_linear(what, labels, method)
    named = names[(others @ weight.T + bias).argmax(1)]
    assert weight.shape == (classes, 5) and bias.shape == (classes,)
    scale = np.sqrt(what.var(0).mean()) if method == "logistic" else 1
    expected = model.fit(what / scale, labels).predict(others / scale)
    np.testing.assert_array_equal(named, expected)


def test_ridge_overlooks_the_class_between_two_others_and_logistic_regression_does_not():
    labels = np.repeat(["left", "middle", "right"], 50)
    what = np.repeat([-4.0, 0, 4], 50)[:, None] + np.random.default_rng(0).normal(0, 0.1, (150, 1))
    middle = what[labels == "middle"], labels[labels == "middle"]
    assert few_shot_accuracy((what, labels), middle, 16, method="logistic") == 1
    assert few_shot_accuracy((what, labels), middle, 16, method="ridge") < 0.8
    with pytest.raises(ValueError, match=r"Unknown method 'ridg'.*ridge"):
        fit_linear(what, labels, "ridg")


def test_more_shots_help_where_classes_overlap():
    pool, test = blobs(0, (200, 200), 0.8), blobs(1, (200, 200), 0.8)
    one, many = (few_shot_accuracy(pool, test, shots) for shots in (1, 64))
    assert many > one + 0.05


def test_a_class_that_the_pool_lacks_is_never_right():
    pool, test = blobs(0, (20, 20)), blobs(1, (20, 20, 40))
    assert few_shot_accuracy(pool, test, 16) == 0.5


def test_nothing_to_learn_or_to_name_is_nan():
    alone, nothing = blobs(0, (20,)), (np.zeros((0, 4)), np.zeros(0, str))
    assert math.isnan(few_shot_accuracy(alone, blobs(1), 4))
    assert math.isnan(few_shot_accuracy(nothing, blobs(1), 4))
    assert math.isnan(few_shot_accuracy(blobs(0), nothing, 4))
    assert math.isnan(clusters(blobs(0), alone).ami)
    assert math.isnan(clusters(nothing, blobs(0)).cluster_nn)
    with pytest.raises(ValueError, match="at least 2 classes, got \\['class 0'\\]"):
        fit_linear(*alone)
    with pytest.raises(ValueError, match=r"labels \(n,\), got \(120, 4\) and \(3,\)"):
        few_shot_accuracy((blobs(0)[0], np.zeros(3)), blobs(1), 1)


def test_clusters_find_classes_far_apart_and_nothing_in_noise():
    found = clusters(blobs(0), blobs(1))
    assert (found.ami, found.ari, found.cluster_nn) == pytest.approx((1, 1, 1))
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(500, 4)), rng.integers(3, size=500)
    found = clusters(noise, noise)
    assert abs(found.ami) < 0.03 and abs(found.ari) < 0.03
    assert found.cluster_nn == pytest.approx(1 / 3, abs=0.1)


def test_clusters_repeat():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(300, 4)), rng.integers(3, size=300)
    assert clusters(noise, noise, seed=3) == clusters(noise, noise, seed=3)
