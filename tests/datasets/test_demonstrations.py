"""Demonstrations come back from recordings as they were, and others are refused."""

import numpy as np
import pytest
from demonstrated import FACTS, made_up_arrays, write_made_up
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.datasets.demonstrations import (
    CONTEXT_BYTES,
    context_bytes,
    find_demonstrations,
    read_demonstrations,
)
from objwrappers.datasets.recordings import RecordingWriter


def test_every_array_is_where_it_belongs(tmp_path):
    found = read_demonstrations(write_made_up(tmp_path / "demos"))
    assert (len(found), found.num_views, found.horizon) == (4, 2, 3)
    assert (found.task, found.image_size) == ("reacher-hard", (8, 8))
    assert (found.action_repeat, found.cameras) == (2, [0])
    for block in (0, 1):
        frames, _, arrays = made_up_arrays(seed=block, first=2 * block)
        for episode in (0, 1):
            number = 2 * block + episode
            rows = slice(4 * episode, 4 * episode + 4)
            np.testing.assert_array_equal(found.frames[number], frames[rows].swapaxes(0, 1))
            for name, own in (("physics", found.physics), ("observation", found.observations)):
                np.testing.assert_array_equal(own[number], arrays[name][rows, 0])
            np.testing.assert_array_equal(found.tasks[number], arrays["task"][4 * episode, 0])
            np.testing.assert_array_equal(found.actions[number], arrays["action"][rows, 0][:-1])
            np.testing.assert_array_equal(found.rewards[number], arrays["reward"][rows, 0][:-1])
            assert found.numbers[number] == number
            assert found.contexts[number] == [
                {"thickness": 1 + episode, "camera_roll": 0.0},
                {"thickness": 1 + episode, "camera_roll": 0.1},
            ]
    np.testing.assert_allclose(found.returns, found.rewards.sum(1))


def test_a_moment_is_a_state_of_the_simulation(tmp_path):
    found = read_demonstrations(write_made_up(tmp_path / "demos"))
    state = found.state(3, 2)
    np.testing.assert_array_equal(state["physics"], found.physics[3, 2])
    np.testing.assert_array_equal(state["task"], found.tasks[3])
    assert int(state["steps"]) == 4  # two control timesteps to an action


def test_parts_hold_the_same_episodes(tmp_path):
    found = read_demonstrations(write_made_up(tmp_path / "demos", blocks=5))
    training, held_out = found.split(0.2)
    assert training.numbers.tolist() == list(range(8)) and held_out.numbers.tolist() == [8, 9]
    np.testing.assert_array_equal(held_out.frames, found.frames[8:])
    assert held_out.contexts == found.contexts[8:]
    few = found.select(np.array([5, 1]))
    assert few.numbers.tolist() == [5, 1]
    assert few.contexts == [found.contexts[5], found.contexts[1]]
    assert len(found.split(0.0)[1]) == 1
    with pytest.raises(ValueError, match="record more"):
        found.select(slice(1)).split()


@given(st.dictionaries(st.text(max_size=5), st.floats(0, 1) | st.text(max_size=9), max_size=9))
def test_any_context_fits_or_is_refused(context):
    stored = context_bytes(context)
    assert stored.shape == (CONTEXT_BYTES,) and stored.dtype == np.uint8


def test_a_context_that_is_too_long_says_so():
    with pytest.raises(ValueError, match="fewer distractors"):
        context_bytes({"distractors": [{"radius": 0.123456789} for _ in range(200)]})


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "frames"}, "no demonstrations; record some"),
        ({"horizon": 2}, "episodes of not 3 steps"),
        ({"horizon": "long"}, "damaged: horizon = 'long'"),
        ({"horizon": 10**30}, "damaged: horizon = 1000"),
        ({"action_repeat": 0}, "damaged: action_repeat = 0"),
        ({"cameras": ["a"]}, "damaged: cameras = "),
        ({"cameras": []}, "damaged: cameras = "),
        ({"cameras": [0, 1]}, "damaged: contexts = "),
        ({"contexts": None}, "damaged: contexts = None"),
    ],
)
def test_another_recording_is_refused(tmp_path, facts, message):
    with pytest.raises(ValueError, match=message):
        read_demonstrations(write_made_up(tmp_path / "demos", facts=facts))


def test_missing_arrays_and_damaged_contexts_are_named(tmp_path):
    frames, starts, arrays = made_up_arrays()
    with RecordingWriter(tmp_path / "without", FACTS) as writer:
        writer.append(frames, starts, {k: v for k, v in arrays.items() if k != "physics"})
    with pytest.raises(ValueError, match="without physics"):
        read_demonstrations(tmp_path / "without")
    for name, array in (
        ("reward", np.full_like(arrays["reward"], np.nan)),
        ("number", np.stack([arrays["number"]] * 3, -1)),
        ("physics", arrays["reward"]),
    ):
        with RecordingWriter(tmp_path / name, FACTS) as writer:
            writer.append(frames, starts, {**arrays, name: array})
        with pytest.raises(ValueError, match=f"whose {name} is of"):
            read_demonstrations(tmp_path / name)
    for stored, message in (
        (b"{", "no JSON"),
        (b"[1]", "no dict"),
        (b"\xff", "no JSON"),
        (b"[" * CONTEXT_BYTES, "no JSON"),
    ):
        spoiled = arrays["context"].copy()
        spoiled[..., : len(stored)] = np.frombuffer(stored, np.uint8)
        spoiled[..., len(stored) :] = 0
        folder = tmp_path / stored[:3].hex()
        with RecordingWriter(folder, FACTS) as writer:
            writer.append(frames, starts, {**arrays, "context": spoiled})
        with pytest.raises(ValueError, match=message):
            read_demonstrations(folder)


def test_what_is_not_there_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"collect\.py --task finger-spin.*--algo sac"):
        find_demonstrations("finger-spin")
    folder = tmp_path / "objwrappers" / "demonstrations" / "reacher-hard"
    write_made_up(folder)
    assert len(find_demonstrations("reacher_hard")) == 4
    with pytest.raises(ValueError, match="demonstrations of reacher-hard, not of finger-spin"):
        find_demonstrations("finger-spin", folder)


def test_a_few_are_read_without_the_others(tmp_path):
    recording = write_made_up(tmp_path / "demos", blocks=3)
    for count, read in ((1, 2), (2, 2), (3, 4), (6, 6), (99, 6)):
        assert read_demonstrations(recording, count).numbers.tolist() == list(range(read))
    found = read_demonstrations(recording)
    assert found.select(slice(1)).frames.base is None, "the rest need not stay in memory"
