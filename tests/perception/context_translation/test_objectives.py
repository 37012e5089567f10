"""The terms of the losses on tiny tensors, by hand."""

import pytest
import torch

from objwrappers.perception.context_translation.objectives import (
    alignment_term,
    frame_error,
    motion_weights,
    picture_term,
    time_error,
)


def test_motion_counts_more():
    context = torch.full((1, 3, 1, 4), 0.5)
    truth = context[:, None].repeat(1, 2, 1, 1, 1)
    truth[0, 1, 2, 0, 1] += 0.09  # one channel is enough
    truth[0, 1, 0, 0, 2] -= 0.5
    truth[0, 1, :, 0, 3] += 0.07
    weights = motion_weights(truth, context, 10.0)
    assert weights.shape == (1, 2, 1, 1, 4)
    assert weights.flatten().tolist() == [1, 1, 1, 1, 1, 11, 11, 1]
    assert (motion_weights(truth, context, 0.0) == 1).all()


@pytest.fixture
def errors():
    """Two videos of two frames of 2×1 pixels: squared errors 1, 4, 0, and 9, weighed by 3."""
    pictures, truth = torch.zeros(2, 2, 3, 2, 1), torch.zeros(2, 2, 3, 2, 1)
    pictures[0, 0, 0, 0] = 1
    pictures[0, 1, 1, 1] = -2
    truth[1, 1, 2, 0] = 3
    weights = torch.ones(2, 2, 1, 2, 1)
    weights[1, 1, 0, 0] = 3
    return pictures, truth, weights


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("small", (1 + 4 + 0 + 27) / 4 / 10),
        ("paper", (1 + 4 + 27) / 2),
        # 2 videos of 6 numbers at each of two times.
        ("upstream", 1 / 12 + (4 + 27) / 12),
    ],
)
def test_terms_of_pictures(errors, architecture, expected):
    assert picture_term(architecture, *errors).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("small", 10 / 8), ("paper", 1000 * 10 / 8), ("upstream", 1 / 4 + 9 / 4)],
)
def test_terms_of_features(architecture, expected):
    translated, own = torch.zeros(2, 2, 2), torch.zeros(2, 2, 2)
    translated[0, 0, 0], own[1, 1, 1] = 1, 3
    assert alignment_term(architecture, translated, own).item() == pytest.approx(expected)


def test_plain_figures(errors):
    pictures, truth, _ = errors
    assert frame_error(pictures, truth).item() == (1 + 4 + 0 + 9) / 4
    own = torch.tensor([[[0.0], [1], [2], [3]]])
    translated = torch.tensor([[[0.9], [1.2], [2.9], [9]]])
    assert time_error(translated, own).item() == 0.5
    both = time_error(torch.cat([translated, own]), torch.cat([own, own]))
    assert both.item() == 0.25
