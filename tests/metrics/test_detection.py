"""Detections against objects, by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.metrics.detection import (
    Counts,
    Found,
    Scene,
    alone,
    average_precision,
    closeness,
    counts,
    found,
    hits,
    iou,
)

NOTHING = np.zeros((0, 4))
SQUARE = (50, 50, 6, 8)  # its diagonal is 10


def scene(boxes=NOTHING, truth=NOTHING, confidence=None, dont_care=NOTHING):
    confidence = np.ones(len(boxes)) if confidence is None else confidence
    return Scene(np.array(boxes), np.array(confidence), np.array(truth), np.array(dont_care))


def test_iou_by_hand():
    boxes = np.array([(5.0, 5, 10, 10), (10, 5, 10, 10), (50, 5, 10, 10)])
    np.testing.assert_allclose(iou(boxes, boxes[:1])[:, 0], [1, 50 / 150, 0])
    inside = np.array([(5.0, 5, 5, 5)])
    np.testing.assert_allclose(iou(inside, boxes[:1]), [[0.25]])
    assert iou(np.array([(5.0, 5, 0, 0)]), np.array([(5.0, 5, 0, 0)])) == 0


def test_closeness_is_measured_in_diagonals_of_the_object():
    boxes = np.array([(50.0, 50, 100, 1), (53, 54, 1, 1), (50, 60, 6, 8), (50, 90, 6, 8)])
    np.testing.assert_allclose(closeness(boxes, np.array([SQUARE]))[:, 0], [1, 0.5, 0, 0])


def test_half_a_diagonal_away_is_not_close():
    assert hits(scene([(53, 54, 6, 8)], [SQUARE])) == [-1]
    assert hits(scene([(53, 53.9, 6, 8)], [SQUARE])) == [0]


def test_objects_on_each_other_are_not_alone():
    truth = np.array([(10.0, 10, 8, 8), (12, 10, 8, 8), (40, 10, 8, 8), (43, 10, 8, 8)])
    assert alone(truth).tolist() == [False, False, True, True]
    assert alone(NOTHING).tolist() == []


def test_the_more_confident_of_two_claims_is_the_hit():
    two = [(51, 50, 6, 8), (52, 50, 6, 8)]
    assert hits(scene(two, [SQUARE], [0.6, 0.9])).tolist() == [-1, 0]
    assert hits(scene(two, [SQUARE], [0.6, 0.6])).tolist() == [0, -1]


def test_a_detection_claims_what_it_fits_best_or_nothing():
    # Both detections are nearest to the first object: the second stays without a hit.
    truth = [(50, 50, 6, 8), (56, 50, 6, 8)]
    assert hits(scene([(50, 50, 6, 8), (52, 50, 6, 8)], truth, [0.9, 0.8])).tolist() == [0, -1]


def test_precision_recall_and_centre_error_by_hand():
    one = scene([(51, 50, 6, 8), (10, 10, 6, 8)], [SQUARE, (90, 90, 6, 8)])
    other = scene([(53, 50, 6, 8)], [SQUARE])
    pooled = found([one, other])
    assert pooled == Found(hits=2, judged=3, objects=3, errors=(1, 3))
    assert pooled.precision == pytest.approx(2 / 3) == pooled.recall == pooled.f1
    assert pooled.centre_error == 2
    assert pooled.centre_error_95 == pytest.approx(2.9)


def test_frames_without_truth_or_without_detections():
    lonely = found([scene([SQUARE])])
    assert lonely.precision == 0 and math.isnan(lonely.recall) and lonely.f1 == 0
    blind = found([scene(truth=[SQUARE])])
    assert math.isnan(blind.precision) and blind.recall == 0 and blind.f1 == 0
    for empty in (found([]), found([scene()])):
        assert all(map(math.isnan, (empty.precision, empty.recall, empty.f1)))
        assert math.isnan(empty.centre_error) and math.isnan(empty.centre_error_95)


def test_what_is_on_an_object_without_weight_is_not_judged():
    shot = (20, 20, 1, 8)
    boxes = [(20, 20, 2, 8), (22, 22, 2, 8), (40, 20, 2, 8)]
    pooled = found([scene(boxes, [SQUARE], dont_care=[shot])])
    assert (pooled.hits, pooled.judged, pooled.objects) == (0, 1, 1)
    # A hit counts, whatever else is in its place.
    pooled = found([scene([SQUARE], [SQUARE], dont_care=[SQUARE])])
    assert (pooled.hits, pooled.judged) == (1, 1)


def test_average_precision_by_hand():
    # Ranked: hit, false, hit of 4 objects: precision 1 up to recall 1/4, 2/3 up to 1/2, then 0.
    truth = [(20 * i + 20, 20, 8, 8) for i in range(4)]
    boxes = [truth[0], (20, 90, 8, 8), truth[1]]
    first = scene(boxes, truth[:3], [0.9, 0.8, 0.7])
    second = scene(truth=truth[3:])
    expected = (3 * 1 + 3 * 2 / 3) / 11
    assert average_precision([first, second], 0.5) == pytest.approx(expected)
    assert average_precision([scene(truth, truth)], 0.9) == 1


def test_average_precision_ranks_the_frames_together():
    # Of two objects the surer detection is false: no recall is reached with precision above 1/2.
    false = scene([(20, 90, 8, 8)], [SQUARE], [0.9])
    right = scene([SQUARE], [SQUARE], [0.8])
    assert average_precision([false, right], 0.5) == pytest.approx(6 * 0.5 / 11)
    assert average_precision([right, false], 0.5) == pytest.approx(6 * 0.5 / 11)


def test_average_precision_at_its_limits():
    third = scene([(55, 50, 10, 10)], [(50, 50, 10, 10)])  # IoU 1/3
    assert average_precision([third], 0.3) == 1
    assert average_precision([third], 0.4) == 0
    assert average_precision([scene(truth=[SQUARE])], 0.5) == 0
    assert math.isnan(average_precision([scene([SQUARE])], 0.5))


def test_tenths_of_the_objects_reach_their_level_of_recall():
    truth = [(12 * i + 20, 20, 8, 8) for i in range(10)]
    # Recalls 0, .1, .2, .3 are reached; 3/10 must not fall short by rounding.
    assert average_precision([scene(truth[:3], truth)], 0.5) == pytest.approx(4 / 11)


def test_counts_by_hand():
    two = [(20, 20, 6, 8), SQUARE]
    frames = [
        scene(two, two),
        scene([(90, 90, 6, 8)] * 3, two),
        scene([(90, 90, 6, 8)], two),
        scene([(90, 90, 6, 8)]),  # nothing is there: no rate, but too many
    ]
    assert counts(frames) == Counts(0.25, 0.5, 0.25, pytest.approx((0 + 0.5 + 0.5) / 3))
    assert math.isnan(counts([scene()]).error_rate)
    assert math.isnan(counts([]).perfect)


def test_arrays_of_other_shapes_are_named():
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\), got \(2, 3\)"):
        scene(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"confidence must have shape \(1,\).*got \(2,\)"):
        scene([SQUARE], confidence=[1, 1])


box = st.tuples(*[st.floats(0, 200)] * 2, *[st.floats(1, 50)] * 2)


@given(st.lists(box, max_size=8), st.lists(box, max_size=8))
def test_claims_are_one_to_one_and_bounded(boxes, truth):
    one = scene(np.array(boxes).reshape(-1, 4), np.array(truth).reshape(-1, 4))
    for fit, threshold in ((closeness, 0.5), (iou, 0.3)):
        claimed = hits(one, fit, threshold)
        of_objects = claimed[claimed >= 0]
        assert len({*of_objects.tolist()}) == len(of_objects) <= len(truth)
        fits = fit(one.boxes, one.truth)
        assert all(fits[i, j] >= threshold for i, j in enumerate(claimed) if j >= 0)
    perfect = scene(one.truth, one.truth)
    others = iou(one.truth, one.truth)[~np.eye(len(truth), dtype=bool)]
    if (others < 0.999).all():  # floating point tells them apart
        assert found([perfect], iou, 0.99).hits == len(truth)
