"""Stacks, padding, gaze and the order of samples, by values."""

import numpy as np
import pytest
import torch

from objwrappers.metrics.gaze_maps import GazeSamples
from objwrappers.sb3.cloning.data import Demonstrations, Draw, Several

BEGINS = np.array([0, 1, 0, 1, 0, 5, 6, 5])  # episodes of frames 0-4 and 5-7, every second frame


def play(observations, **options):
    count = len(next(iter(observations.values())))
    actions = np.arange(count) % 3
    options = {"begins": BEGINS[:count], "skip": 2, "stack": 3, **options}
    return Demonstrations(
        observations, actions=actions, previous=actions - 1, earlier=actions - 1, **options
    )


def numbered(shape):
    return np.arange(8, dtype=np.uint8).reshape(8, *[1] * len(shape)) + np.zeros(shape, np.uint8)


def test_a_stack_has_every_second_frame_and_repeats_an_episodes_first():
    data = play({"": numbered((1, 2, 2))}, axes={"": 0})
    batch = data.batch(np.array([4, 3, 1, 7, 5]))
    assert batch["observations"].shape == (5, 3, 2, 2)
    stacks = batch["observations"][:, :, 1, 0].tolist()
    assert stacks == [[0, 2, 4], [1, 1, 3], [1, 1, 1], [5, 5, 7], [5, 5, 5]]
    assert batch["actions"].tolist() == [1, 0, 1, 1, 2]


def test_vectors_are_stacked_along_their_last_axis_and_padded_with_zeros():
    values = np.arange(8, dtype=np.float32)[:, None, None] + np.float32([[0.25, 0.5]])
    data = play({"keypoints": values, "present": values[:, 0]}, padded=True)
    data = Demonstrations(**{**vars(data), "axes": {"keypoints": -1, "present": -1}})
    seen = data.batch(np.array([3, 4]))["observations"]
    assert seen["keypoints"].shape == (2, 1, 6) and seen["present"].shape == (2, 6)
    assert seen["present"].tolist() == [
        [0, 0, 1.25, 1.5, 3.25, 3.5],
        [0.25, 0.5, 2.25, 2.5, 4.25, 4.5],
    ]
    assert seen["keypoints"].dtype == torch.float32


def test_gaze_is_that_of_the_frames_that_a_stack_is_made_of():
    points = torch.tensor([[8.0 + 16 * i, 5.0] for i in range(8)])
    gaze = GazeSamples(points, torch.arange(9))
    data = play({"": numbered((1, 2, 2))}, gaze=gaze, sigma=(0.1, 0.1))
    batch = data.batch(np.array([4, 7]), with_gaze=True)
    columns = [int((8 + 16 * i) / 160 * 84) for i in range(8)]
    seen = batch["map"][:, 2]
    # Frames 0, 2 and 4, each with the one before it; before the first there is that one again.
    weights = np.zeros(84)
    for frame in (0, 0, 1, 2, 3, 4):
        weights[columns[frame]] += 1 / 6
    np.testing.assert_allclose(seen[0], weights, atol=1e-6)
    assert batch["weight"].tolist() == [1, 1]
    nobody = GazeSamples(points - 1000, torch.arange(9))
    blind = play({"": numbered((1, 2, 2))}, gaze=nobody).batch(np.array([4]), with_gaze=True)
    assert blind["weight"].tolist() == [0] and not blind["map"].any()


def test_several_recordings_are_counted_through_and_keep_the_order():
    first, second = (play({"a": numbered((2,)) + shift}, stack=1) for shift in (0, 100))
    both = Several([first, second])
    assert both.offsets.tolist() == [0, 8] and len(both.actions) == 16
    batch = both.batch(np.array([15, 0, 9, 3]))
    assert batch["observations"]["a"][:, 0].tolist() == [107, 0, 101, 3]
    assert batch["actions"].tolist() == [1, 0, 1, 0]
    assert both.batch(np.array([3, 2]))["observations"]["a"][:, 1].tolist() == [3, 2]


def test_parts_must_fit():
    with pytest.raises(ValueError, match="as many frames, got 8, 7, 7, 7, 7"):
        Demonstrations({"": numbered((1,))[:7]}, BEGINS, *[np.zeros(7, int)] * 3)


def test_each_sample_comes_once_in_a_round_and_a_step_is_always_the_same():
    steps = np.arange(10, 20)
    draw = Draw(steps, np.zeros(10, int), 5)
    assert draw.per_round == 2
    assert sorted([*draw[0], *draw[1]]) == sorted([*draw[2], *draw[3]]) == [*steps]
    again = Draw(steps, np.zeros(10, int), 5)
    np.testing.assert_array_equal(again[3], draw[3])
    assert [*draw[0]] != [*draw[2]]
    assert [*Draw(steps, np.zeros(10, int), 5, seed=1)[0]] != [*draw[0]]
    assert len(Draw(steps, np.zeros(10, int), 64)[7]) == 10


def test_balanced_drawing_shows_rare_actions_as_often_as_others():
    actions = np.array([0] * 97 + [1] * 3)
    draw = Draw(np.arange(100), actions, 100, "sampling")
    drawn = actions[np.concatenate([draw[i] for i in range(40)])]
    assert drawn.mean() == pytest.approx(0.5, abs=0.04)  # 5 standard deviations


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"balance": "sample"}, "Unknown balance 'sample'. Did you mean 'sampling'"),
        ({"steps": np.zeros(0, int)}, "no frames with a known action"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Draw(**{"steps": np.arange(3), "actions": np.zeros(3, int), "batch_size": 2, **options})
