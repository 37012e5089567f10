"""Stacks and densities are those of the steps they are named after."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from objwrappers.datasets.gaze import GazeBatches, GazePlay, split_trials
from objwrappers.metrics.gaze_maps import GazeSamples


def play(steps=20, start=10, shade=0):
    """Frame t is t everywhere; an episode starts at 0 and at ``start``; odd steps have gaze."""
    frames = np.arange(shade, shade + steps, dtype=np.uint8)[:, None, None].repeat(84, 1)
    starts = np.isin(np.arange(steps), [0, start])
    points = [[[2.0 * t, 3.0 * t]] if t % 2 else [] for t in range(steps)]
    points[1] = [[-5.0, 1.0]]  # beside the screen
    return GazePlay.of(
        SimpleNamespace(
            small_frames=frames.repeat(84, 2),
            starts=starts,
            gaze=np.array([xy for own in points for xy in own], np.float32),
            gaze_offsets=np.cumsum([0, *map(len, points)]),
            numbers=np.arange(1, steps + 1),
        )
    )


def test_a_stack_ends_with_its_step_and_stays_in_its_episode():
    stacks = play().stacks(np.array([0, 2, 9, 10, 12, 15]), 4)
    assert stacks.dtype == torch.uint8 and stacks.shape == (6, 4, 84, 84)
    assert stacks[:, :, 5, 7].tolist() == [
        *([0, 0, 0, 0], [0, 0, 1, 2], [6, 7, 8, 9]),
        *([10, 10, 10, 10], [10, 10, 11, 12], [12, 13, 14, 15]),
    ]


def test_steps_with_gaze_on_the_screen():
    assert np.flatnonzero(play().seen).tolist() == [3, 5, 7, 9, 11, 13, 15, 17, 19]


def test_a_batch_is_of_the_steps_drawn_and_the_same_each_time():
    plays = [play(), play(shade=100)]
    batches = GazeBatches(plays, [np.array([3, 5]), np.array([7, 12])], 40, 3, (2.0, 2.0), seed=1)
    batch = batches[4]
    newest = batch["frames"][:, -1, 0, 0]
    assert set(newest.tolist()) == {3, 5, 107, 112}
    for shade, map_, weight in zip(newest.tolist(), batch["map"], batch["weight"], strict=True):
        t = shade % 100
        expected, _ = GazeSamples(torch.tensor([[2.0 * t, 3.0 * t]]), torch.tensor([0, 1])).maps(
            (2.0, 2.0)
        )
        # Nobody looked at step 12.
        assert weight == t % 2
        torch.testing.assert_close(map_, expected[0] * weight)
    again = batches[4]
    assert all(torch.equal(again[key], batch[key]) for key in batch)
    assert not torch.equal(batches[5]["frames"], batch["frames"])
    other = GazeBatches(plays, [np.array([3, 5]), np.array([7, 12])], 40, 3, (2.0, 2.0), 1, rank=1)
    assert not torch.equal(other[4]["frames"], batch["frames"])


def test_nothing_to_draw_from_and_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="There are no frames with gaze to learn from"):
        GazeBatches([play()], [np.array([], int)], 4, 4)
    whole = play()
    with pytest.raises(ValueError, match="must be of as many steps, got 19, 20, 20, 20"):
        GazePlay(whole.frames[1:], whole.starts, whole.gaze, whole.numbers)


def test_trials_are_split_as_their_authors_did_or_not_at_all():
    names = ("52_RZ_1", "61_RZ_2", "137_KM_3", "strange")
    trials = [SimpleNamespace(name=name, task="MsPacman") for name in names]
    learned, scored = split_trials(trials, "official")
    assert learned == [trials[0], trials[3]] and scored == [trials[1], trials[2]]
    assert split_trials(trials, "frames") == (trials, trials)
    with pytest.raises(ValueError, match=r"split .*offical.*official"):
        split_trials(trials, "offical")
