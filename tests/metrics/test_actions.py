"""Figures of predicted actions against hand-counted ones."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from objwrappers.metrics.actions import (
    action_figures,
    action_shares,
    always_likeliest,
    baseline_figures,
    last_again,
)

PROBABILITIES = np.array([[0.5, 0.25, 0.25, 0], [0.5, 0.25, 0.25, 0], [0.1, 0.8, 0.1, 0]])


def test_figures_are_those_counted_by_hand():
    figures = action_figures(PROBABILITIES, np.array([0, 1, 1]))
    assert figures["accuracy"] == pytest.approx(2 / 3)
    # Action 0: 1 of 2 foretold, 1 of 1 done; action 1: 1 of 1 foretold, 1 of 2 done; 2, 3: never.
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert figures["nll"] == pytest.approx(-np.log(0.5 * 0.25 * 0.8) / 3)


def test_macro_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(6), 200)
    actions = rng.integers(6, size=200)
    expected = f1_score(actions, probabilities.argmax(1), average="macro")
    assert action_figures(probabilities, actions)["macro_f1"] == pytest.approx(expected)


def test_an_impossible_action_costs_a_bounded_amount():
    assert action_figures(np.array([[1.0, 0.0]]), np.array([1]))["nll"] == pytest.approx(
        -np.log(1e-7)
    )


def test_baselines_are_distributions_and_say_what_they_are_named_after():
    shares = action_shares(np.array([0, 0, 0, 1, 2, 2]), 4)
    np.testing.assert_allclose(shares, [1 / 2, 1 / 6, 1 / 3, 0])
    np.testing.assert_allclose(always_likeliest(shares, 2), [shares, shares])
    found = last_again(np.array([1, 3, -1]), 0.9, shares)
    np.testing.assert_allclose(found[0], [0.1 * 3 / 5, 0.9, 0.1 * 2 / 5, 0])
    np.testing.assert_allclose(found[1], [0.05, 0.1 / 6, 0.1 / 3, 0.9])
    np.testing.assert_allclose(found[2], shares)
    # Where nothing else was ever done, the rest is divided evenly.
    only = last_again(np.array([0]), 0.7, np.array([1.0, 0, 0]))
    np.testing.assert_allclose(only, [[0.7, 0.15, 0.15]])


def test_baselines_know_the_training_alone():
    actions = np.array([0, 0, 0, 1, 1, 2, 0, 2])
    last = np.array([-1, 0, 0, 0, 1, 1, 2, 0])
    figures = baseline_figures(actions, {"last": last}, np.arange(5), np.array([5, 6, 7]))
    assert figures["majority"]["accuracy"] == pytest.approx(1 / 3)
    # In training 0, 0 and 1 were repeated of the four that have one before them: (3 + 1) / (4 + 2).
    expected = last_again(last[5:], 4 / 6, np.array([3 / 5, 2 / 5, 0]))
    assert figures["last"] == pytest.approx(action_figures(expected, actions[5:]))
    assert figures["last"]["accuracy"] == 0


@pytest.mark.parametrize(
    ("probabilities", "actions", "message"),
    [
        (PROBABILITIES, [0, 1], r"\(2, A\), got \(3, 4\)"),
        (PROBABILITIES, [0, 1, 4], "from 0 to 3, got 4"),
        (PROBABILITIES, [0, -1, 1], "from 0, got -1"),
        (np.zeros((0, 4)), np.zeros(0, int), "N at least 1"),
        (PROBABILITIES, [0.0, 1.0, 1.0], "integers"),
    ],
)
def test_what_are_no_predictions_is_refused(probabilities, actions, message):
    with pytest.raises(ValueError, match=message):
        action_figures(probabilities, np.array(actions))
