"""A replay of single frames against one that keeps all it is told, and returns by hand."""

from collections import deque

import numpy as np
import pytest
import torch
from gymnasium import spaces

from objwrappers.sb3.drqv2 import frame_buffer
from objwrappers.sb3.drqv2.frame_buffer import FrameReplayBuffer

SIDE = 15
ACTIONS = spaces.Box(-1, 1, (1,), np.float32)


def make_buffer(size=60, lanes=1, stack=3, channels=3, reserve=True, **options):
    seen = spaces.Box(0, 255, (stack * channels, SIDE, SIDE), np.uint8)
    buffer = FrameReplayBuffer(size, seen, ACTIONS, "cpu", n_envs=lanes, **options)
    if reserve:
        buffer.reserve()
    return buffer


class Stacks:
    """Frames of one env, each with a number of its own in its pixels, and their stacks."""

    def __init__(self, stack, channels, offset, padding):
        self._numbers, self._channels, self._padding = offset, channels, padding
        self._frames = deque(maxlen=stack)

    def _frame(self):
        self._numbers += 1
        frame = np.zeros((self._channels, SIDE, SIDE), np.uint8)
        frame[0, 0, :3] = self._numbers % 256, self._numbers // 256, 7
        return frame

    def reset(self):
        first = self._frame()
        older = np.zeros_like(first) if self._padding == "zero" else first
        self._frames.extend([older] * (self._frames.maxlen - 1) + [first])
        return np.concatenate(self._frames)

    def step(self):
        self._frames.append(self._frame())
        return np.concatenate(self._frames)


def fill(buffer, ends, stack=3, channels=3, padding="reset"):
    """Adds steps; returns the naive replay: for each first observation, what is known of it.

    Args:
        buffer: Of as many lanes as ends has.
        ends: For each lane, for each step: "" or how the episode ends, "over" or "cut".
        stack: Frames.
        channels: Of one frame.
        padding: Of an episode's first stack.
    """
    lanes = [Stacks(stack, channels, 1000 * lane, padding) for lane in range(len(ends))]
    seen = [lane.reset() for lane in lanes]
    told = [[] for _ in lanes]
    for t in range(len(ends[0])):
        after = [lane.step() for lane in lanes]
        actions = np.array([[(t % 50) / 50 - lane / 100] for lane in range(len(ends))], np.float32)
        rewards = np.array([1.0 + t % 7 + 10 * lane for lane in range(len(ends))], np.float32)
        kinds = [of_lane[t] for of_lane in ends]
        buffer.add(
            np.stack(seen),
            np.stack(after),
            actions,
            rewards,
            np.array([bool(kind) for kind in kinds]),
            [{"TimeLimit.truncated": kind == "cut"} for kind in kinds],
        )
        for lane, kind in enumerate(kinds):
            told[lane].append((seen[lane], actions[lane], rewards[lane], kind, after[lane]))
            seen[lane] = lanes[lane].reset() if kind else after[lane]
    return naive(told, buffer.n_steps, buffer.gamma)


def naive(told, n_steps, gamma):
    replay = {}
    for steps in told:
        for start, (seen, action, *_) in enumerate(steps):
            reward, discount = 0.0, 1.0
            for k, (_, _, gained, kind, after) in enumerate(steps[start : start + n_steps], 1):
                reward += discount * gained
                discount *= gamma
                if kind or k == n_steps:
                    discount = 0.0 if kind == "over" else discount
                    replay[seen.tobytes()] = (action, reward, discount, after)
                    break
    return replay


def ends(steps, every, kind, other="cut"):
    """Episodes of ``every`` steps, the second of two ending otherwise."""
    return [(kind, other)[t // every % 2] if (t + 1) % every == 0 else "" for t in range(steps)]


@pytest.mark.parametrize(
    ("size", "stack", "channels", "n_steps", "padding"),
    [
        (1000, 3, 3, 3, "reset"),
        (90, 3, 3, 3, "reset"),
        (61, 3, 3, 5, "zero"),
        (75, 4, 1, 1, "zero"),
        (50, 1, 3, 3, "reset"),
        (24, 3, 3, 3, "reset"),
    ],
)
def test_samples_are_those_of_a_naive_replay(size, stack, channels, n_steps, padding):
    buffer = make_buffer(size, 2, stack, channels, n_steps=n_steps, gamma=0.9)
    told = [ends(140, 7, "over"), ends(140, 2, "cut", "over")]
    known = fill(buffer, told, stack, channels, padding)
    np.random.seed(0)
    sample = buffer.sample(3000)
    found = set()
    for i, seen in enumerate(sample.observations.numpy()):
        action, reward, discount, after = known[seen.tobytes()]
        found.add(seen.tobytes())
        assert sample.actions[i].numpy() == action
        assert sample.rewards[i].item() == pytest.approx(reward, rel=1e-6)
        assert sample.discounts[i].item() == pytest.approx(discount, rel=1e-6)
        np.testing.assert_array_equal(sample.next_observations[i], after)
    assert len(found) == buffer._n_complete == buffer._complete.sum()
    if size == 1000:
        assert found == known.keys(), "each step that was made can be drawn"
    else:
        assert buffer.size() == buffer.capacity == size // 2 * 2


def test_returns_of_one_episode_by_hand():
    buffer = make_buffer(gamma=0.5)
    fill(buffer, [["", "", "", "over", "", "cut", "", "", ""]])
    # Rewards are 1, 2, 3, 4 | 5, 6 | 7, 1, 2, of which the last episode goes on.
    np.random.seed(0)
    sample = buffer.sample(400)
    rows = zip(sample.rewards.tolist(), sample.discounts.tolist(), strict=True)
    assert set(rows) == {
        (1 + 2 / 2 + 3 / 4, 0.125),
        (2 + 3 / 2 + 4 / 4, 0.0),
        (3 + 4 / 2, 0.0),
        (4.0, 0.0),
        (5 + 6 / 2, 0.25),
        (6.0, 0.5),
    }


def test_steps_are_drawn_alike():
    buffer = make_buffer(200, 2)
    fill(buffer, [ends(60, 9, "over"), ends(60, 20, "cut")])
    np.random.seed(0)
    numbers = buffer.sample(20_000).observations[:, 6, 0, :2].long()
    _, counts = (numbers[:, 0] + 256 * numbers[:, 1]).unique(return_counts=True)
    assert len(counts) == buffer._n_complete
    mean = 20_000 / len(counts)
    assert (counts - mean).abs().max() < 5 * mean**0.5


def test_an_episode_left_behind_ends_at_its_newest_row():
    buffer = make_buffer(gamma=0.5)
    fill(buffer, [[""] * 4])
    assert buffer._n_complete == 1
    buffer.begin_episodes()
    sample = buffer.sample(100)
    # The fourth action and its reward are forgotten with what it led to.
    rows = set(zip(sample.rewards.tolist(), sample.discounts.tolist(), strict=True))
    assert rows == {(1 + 2 / 2 + 3 / 4, 0.125), (2 + 3 / 2, 0.25), (3.0, 0.5)}
    buffer.begin_episodes()
    assert buffer._n_complete == 3
    fill(buffer, [[""] * 4])
    assert buffer._n_complete == 4


def test_memory_is_a_frame_a_row_and_told_before_it_is_taken(monkeypatch):
    seen = spaces.Box(0, 255, (9, 84, 84), np.uint8)
    six = spaces.Box(-1, 1, (6,), np.float32)
    buffer = FrameReplayBuffer(1_000_000, seen, six, "cpu")
    assert 1e6 * 84 * 84 * 3 < buffer.size_bytes < 21.3e9
    monkeypatch.setattr(frame_buffer, "available_bytes", lambda: 2 * 10**9)
    with pytest.raises(ValueError, match=r"21\.2 GB, and 2\.0 GB of memory are free.*size:75"):
        buffer.reserve()
    small = make_buffer(reserve=False)
    small.reserve()
    arrays = (small._frames, small.actions, small.rewards, small.terminated, small.last)
    assert sum(one.nbytes for one in arrays) + small._complete.nbytes == small.size_bytes


def test_images_that_are_no_stacks_are_refused():
    buffer = make_buffer()
    random = np.random.default_rng(0).integers(0, 255, (3, 1, 9, SIDE, SIDE)).astype(np.uint8)
    step = (np.zeros((1, 1)), np.zeros(1), np.zeros(1, bool), [{}])
    buffer.add(random[0], random[1], *step)
    with pytest.raises(ValueError, match=r"9 channels is no stack of frames of 3.*, 9 of"):
        buffer.add(random[1], random[2], *step)
    whole = make_buffer(frame_channels=9)
    whole.add(random[0], random[1], *step)
    whole.add(random[1], random[2], np.zeros((1, 1)), np.ones(1), np.ones(1, bool), [{}])
    np.testing.assert_array_equal(
        np.unique(whole.sample(9).next_observations), np.unique(random[2])
    )
    # The last observation of an episode is looked at, too.
    buffer = make_buffer()
    with pytest.raises(ValueError, match="no stack"):
        buffer.add(random[0], random[1], np.zeros((1, 1)), np.zeros(1), np.ones(1, bool), [{}])


def test_impossible_sizes_and_an_empty_replay_say_so():
    with pytest.raises(ValueError, match="buffer_size must be at least 7 for each env, got 13 for"):
        make_buffer(13, 2)
    with pytest.raises(ValueError, match="frame_channels=2 does not divide the 9 channels"):
        make_buffer(frame_channels=2)
    assert make_buffer(stack=4, channels=1).frame_channels == 1
    buffer = make_buffer()
    fill(buffer, [["", "", ""]])
    assert not buffer.ready
    with pytest.raises(ValueError, match="No env has made 4 steps or ended an episode yet"):
        buffer.sample(1)
    fill_again = make_buffer()
    fill(fill_again, [["", "", "", ""]])
    assert fill_again.ready
    fill_again.reset()
    assert not fill_again.ready and fill_again.size() == 0


def test_samples_are_tensors_of_their_kinds():
    buffer = make_buffer()
    fill(buffer, [ends(30, 7, "over")])
    sample = buffer.sample(5)
    kinds = [one.dtype for one in sample]
    assert kinds == [torch.uint8, torch.float32, torch.float32, torch.float32, torch.uint8]
    assert [tuple(one.shape) for one in sample[1:4]] == [(5, 1), (5,), (5,)]
