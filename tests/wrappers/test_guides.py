"""What an imitator is judged by, on numbers that can be checked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from objwrappers.wrappers.guides import Guide, Tracking

SIDE = 2
HORIZON = 3


class Bright:
    """A translation whose one feature is a frame's brightness; in another context it is doubled."""

    scale = torch.tensor(4.0)

    def __init__(self):
        self.translated = 0

    def encode(self, frames):
        return frames.float().mean((-3, -2, -1))[..., None]

    def translate(self, source, context):
        self.translated += len(source)
        features = 2 * self.encode(source) + self.encode(context)[:, None]
        frames = (source.float() + context.float()[:, None]) / 255
        return SimpleNamespace(features=features, frames=frames)

    def standardised(self, features):
        return (features - 10) / 5


def videos(*brightness):
    """Demonstrations in two views, the second three brighter."""
    frames = np.array(brightness, np.uint8)[:, None, :, None, None, None]
    frames = np.concatenate([frames, frames + 3], 1)
    return SimpleNamespace(frames=np.broadcast_to(frames, (*frames.shape[:3], SIDE, SIDE, 3)))


def frame(brightness):
    return np.full((1, SIDE, SIDE, 3), brightness, np.uint8)


ONE = np.zeros(1, int)
DEMONSTRATIONS = videos([0, 1, 2, 3], [10, 10, 10, 20])


def test_targets_are_translations_in_the_context_of_the_first_frame():
    guide = Guide(Bright(), DEMONSTRATIONS, 1, HORIZON)
    guide.begin(ONE, np.array([1]), frame(5))
    np.testing.assert_allclose(guide.next_targets(ONE), [[2 * 10 + 5]])
    guide.follow(ONE)
    guide.follow(ONE)
    np.testing.assert_allclose(guide.next_targets(ONE), [[2 * 20 + 5]])
    for _ in range(3):  # the last one stays
        guide.follow(ONE)
        np.testing.assert_allclose(guide.next_targets(ONE), [[45]])
    np.testing.assert_array_equal(guide.predicted(0)[:, 0, 0, 0], [15, 15, 15, 25])
    np.testing.assert_array_equal(guide.demonstrated(0), frame(20)[0])


def test_costs_are_squared_distances_in_units_of_the_scale():
    guide = Guide(Bright(), DEMONSTRATIONS, 1, HORIZON)
    guide.begin(ONE, np.array([0]), frame(7))
    guide.follow(ONE)  # the target is 2 * 1 + 7
    assert guide.feature_cost(ONE, guide.encode(frame(9))) == 0
    assert guide.feature_cost(ONE, guide.encode(frame(15))) == (15 - 9) ** 2 / 4
    # Pictures: 1 + 7; demonstrations are 1, 2, 3 and 0, 0, 10 away from their first frames.
    away = (1 + 4 + 9 + 100) / 6
    assert guide.image_cost(ONE, frame(8)) == 0
    np.testing.assert_allclose(guide.image_cost(ONE, frame(11)), 9 / away, rtol=1e-6)


def test_translations_of_several_views_are_averaged():
    guide = Guide(Bright(), DEMONSTRATIONS, 1, HORIZON, sources=2)
    guide.begin(ONE, np.array([0]), frame(0))
    np.testing.assert_allclose(guide.next_targets(ONE), [[2 * 1 + 3]])
    with pytest.raises(ValueError, match=r"sources must be from 1 to 2, .* got 3"):
        Guide(Bright(), DEMONSTRATIONS, 1, HORIZON, sources=3)


def test_each_env_has_its_own_and_a_video_is_translated_once():
    model = Bright()
    guide = Guide(model, DEMONSTRATIONS, 3, HORIZON)
    everyone = np.arange(3)
    first = np.concatenate([frame(0), frame(0), frame(4)])
    guide.begin(everyone, np.array([0, 1, 0]), first)
    np.testing.assert_allclose(guide.next_targets(everyone)[:, 0], [2, 20, 6])
    assert model.translated == 3
    guide.follow(np.array([1, 2]))
    guide.begin(np.array([1]), np.array([0]), frame(0))
    np.testing.assert_allclose(guide.next_targets(everyone)[:, 0], [2, 2, 8])
    assert guide.steps.tolist() == [0, 0, 1] and guide.chosen.tolist() == [0, 0, 0]
    assert model.translated == 3, "the first env's episode is known"


def test_features_are_standardised_for_agents_alone():
    guide = Guide(Bright(), DEMONSTRATIONS, 1, HORIZON)
    np.testing.assert_allclose(guide.standardised(guide.encode(frame(20))), [[2.0]])


@pytest.mark.parametrize(
    ("form", "time_weight", "expected"),
    [
        ("exp", "constant", [1.0, np.exp(-1), np.exp(-8)]),
        ("neg", "constant", [0.0, -0.5, -4.0]),
        ("clip", "constant", [0.0, -0.5, -2.0]),
        ("l2", "constant", [0.0, -np.sqrt(0.5 * 9), -6.0]),
        ("neg", "quadratic", [0.0, -0.5 * 4 / 9, -4.0]),
    ],
)
def test_rewards_of_costs(form, time_weight, expected):
    tracking = Tracking(form, time_weight=time_weight)
    rewards = tracking.reward(np.array([0.0, 0.5, 4.0]), np.array([1, 2, 3]), HORIZON, scale=9.0)
    np.testing.assert_allclose(rewards, expected)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_model_without_a_scale_is_refused(scale):
    model = Bright()
    model.scale = torch.tensor(scale)
    with pytest.raises(ValueError, match=r"its scale is .* Train it anew"):
        Guide(model, DEMONSTRATIONS, 1, HORIZON)


def test_bad_rewards_are_named():
    for options, message in (
        ({"form": "expo"}, "Unknown form of reward 'expo'.*exp"),
        ({"time_weight": "late"}, "Unknown time_weight 'late'.*quadratic"),
        ({"image_weight": -1.0}, "image_weight must be at least 0, got -1.0"),
        ({"image_weight": float("nan")}, "image_weight must be at least 0, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            Tracking(**options)
