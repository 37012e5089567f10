"""What agents see of made-up trials, frame for frame."""

import gymnasium as gym
import numpy as np
import pytest
from looking_agents import MS_PACMAN, linear_agent, write_agent

from objwrappers.agents.onlookers import load_onlooker
from objwrappers.datasets.atari_head.episodes import find_episodes
from objwrappers.datasets.atari_head.finding import read_trials
from objwrappers.datasets.atari_head.moments import frames_seen
from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, write_synthetic

EARLY, SECOND = SYNTHETIC_TRIALS[:2]  # the first tells of no episodes


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trials")
    return write_synthetic(folder, trials=(EARLY, SECOND), frames=60, form="tar")


@pytest.fixture
def load(trials, tmp_path):
    """Loads a linear agent, trained with some options, before the trials."""
    opened = []

    def make(env_kwargs=None, at=trials, **training):
        number = tmp_path / str(len(opened))
        stack = training.get("frame_stack")
        own = {name: value for name, value in training.items() if name != "frame_stack"}
        agent = write_agent(linear_agent(frame_stack=stack, **own), number, **training)
        opened.append(load_onlooker(trials=at, env_kwargs=env_kwargs, **agent))
        return opened[-1]

    yield make
    for onlooker in opened:
        onlooker.close()


def test_frames_are_those_that_an_agent_would_have_seen(load, trials):
    sight = load().look(EARLY.name)
    env = gym.make(
        "AtariHead-MsPacman-v0", path=trials, trials=[EARLY.trial_id], observe="ObjFrames"
    )
    observation, _ = env.reset()
    numbers = [1 + step for step in range(0, 59, 4)]
    assert len(sight.frames) == len(numbers)
    for moment, number in enumerate(numbers):
        np.testing.assert_array_equal(sight.observations[moment], observation)
        assert sight.frames[moment] == [frame + 1 for frame in frames_seen(number - 1)]
        assert sight.newest[moment] == [frame + 1 for frame in frames_seen(number - 1, stack=1)]
        observation, *_ = env.step(0)
    env.close()


def test_a_part_is_what_it_is_of_the_whole(load):
    onlooker = load()
    whole = onlooker.look(EARLY.name)
    part = onlooker.look(EARLY.name, 21, 40)
    assert part.frames == whole.frames[5:10]  # frames 21, 25 ... 37, their stacks full
    np.testing.assert_array_equal(part.observations, whole.observations[5:10])
    with pytest.raises(ValueError, match="There is no frame 4"):
        onlooker.look(EARLY.name, 500)
    with pytest.raises(ValueError, match="has no frames from 59 to its end"):
        onlooker.look(EARLY.name, 59)  # on which nobody acts


def test_options_of_the_training_are_kept_as_far_as_recordings_have_them(load):
    onlooker = load(
        **{"stack_num": 2, "frameskip": 2, "padding_type": "zero"},
        **{"repeat_action_probability": 0.0, "noop_max": 30},
    )
    assert (onlooker.skip, onlooker.stack, onlooker.noise) == (2, 2, "none")
    sight = onlooker.look(EARLY.name, last=7)
    assert sight.frames == ([1], [1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7])
    assert sight.observations.shape == (4, 2, 84, 84)
    assert sight.observations[0, 0].max() == 0 < sight.observations[0, 1].max()


def test_bars_are_on_recorded_frames_too(load):
    clean, barred = load(), load(noise="vertical")
    assert barred.noise == "vertical"
    seen = [one.look(EARLY.name, last=9) for one in (clean, barred)]
    assert seen[0].frames == seen[1].frames
    assert (seen[0].observations != seen[1].observations).mean() > 0.05


def test_a_stack_of_stable_baselines_is_a_stack(load):
    ours, theirs = load(padding_type="zero"), load(stack_num=1, frame_stack=4)
    assert theirs.stack == 4
    seen = [one.look(EARLY.name, last=25) for one in (ours, theirs)]
    assert seen[0].frames == seen[1].frames
    np.testing.assert_array_equal(seen[0].observations, seen[1].observations)


def test_a_game_begins_a_stack_and_nobody_acts_on_its_last_frame(load, trials):
    (trial,) = [t for t in read_trials(trials) if t.trial_id == SECOND.trial_id]
    episodes = find_episodes([trial])
    assert [(e.first, e.last) for e in episodes] == [(1, 30), (31, 59)]
    sight = load().look(SECOND.name)
    newest = [frames[-1] for frames in sight.frames]
    assert newest == [*range(1, 30, 4), *range(31, 59, 4)]
    assert sight.frames[8] == [31] and sight.frames[9] == [31, 34, 35]
    whole = load({"episodes": "trial"}).look(SECOND.name)
    assert [frames[-1] for frames in whole.frames] == [*range(1, 59, 4)]
    assert whole.frames[8] == [20, 21, 24, 25, 28, 29, 32, 33]


@pytest.mark.parametrize(("frames", "moments"), [(17, 4), (18, 5), (21, 5), (22, 6)])
def test_as_many_moments_as_published(load, tmp_path, frames, moments):
    # The last row of made-up trials tells nothing, and is left out.
    trials = write_synthetic(tmp_path / "few", trials=(EARLY,), frames=frames + 1, form="tar")
    assert len(load({"episodes": "trial"}, at=trials).look(EARLY.name).frames) == moments


def test_agents_that_recordings_cannot_be_shown_to(load, trials, tmp_path):
    with pytest.raises(ValueError, match="confounded=True"):
        load(confounded=True)
    pong = "ObjFrames-Pong-v0"
    agent = write_agent(linear_agent(pong), tmp_path / "pong", pong)
    with pytest.raises(ValueError, match="no recorded play that an agent of ObjFrames-Pong-v0"):
        load_onlooker(trials=trials, **agent)
    with pytest.raises(ValueError, match="A random policy looks nowhere"):
        load_onlooker("random", MS_PACMAN, trials)
    with pytest.raises(FileNotFoundError, match=r"python zoo/train\.py --algo a2c"):
        load_onlooker("a2c", MS_PACMAN, trials, folder=tmp_path / "nothing")
