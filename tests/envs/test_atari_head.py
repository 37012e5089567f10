"""Recorded human play as an env: which frames, actions and rewards come when."""

import gymnasium as gym
import numpy as np
import pytest
from conformance import EnvConformance, assert_same
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import objwrappers  # noqa: F401
from objwrappers.datasets.atari_head import read_trials, write_synthetic
from objwrappers.datasets.atari_head.actions import actions_of, as_agent_acts
from objwrappers.datasets.atari_head.episodes import find_episodes
from objwrappers.datasets.atari_head.moments import frames_seen, observed
from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, synthetic_frame

FRAMES = 40
ID = "AtariHead-MsPacman-v0"
EARLY, SECOND, THIRD, LONG = SYNTHETIC_TRIALS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_synthetic(tmp_path_factory.mktemp("head"), frames=FRAMES, form="tar"))


class TestRecordedPlay(EnvConformance):
    env_id = ID
    episode_steps = 10

    @pytest.fixture(autouse=True)
    def recorded(self, data):
        self.options = {"path": data}


class TestRecordedPixels(TestRecordedPlay):
    variants = [{}, {"noise": "both"}, {"episodes": "trial"}]

    @pytest.fixture(autouse=True)
    def recorded(self, data):
        self.options = {"path": data, "observe": "ObjFrames", "frameskip": 3}

    def test_it_is_a_row_of_the_table(self):
        """Options of what is observed come on top of the row's."""


def test_both_check_envs_pass(data):
    env = gym.make(ID, path=data, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)
    check_env_for_sb3(gym.make(ID, path=data, observe="ObjFrames"))


def test_observations_are_those_of_an_agent_and_info_is_of_the_newest_frame(data):
    env = gym.make(ID, path=data, trials=[SECOND.trial_id], episodes="trial")
    steps = list(read_trials(data)[1].steps())
    assert steps[0].number == 1 and len(steps) == FRAMES - 1
    expected = list(observed([step.frame for step in steps]))
    frame, info = env.reset()
    for k, (pooled, is_last) in enumerate(expected):
        np.testing.assert_array_equal(frame, pooled)
        newest = steps[min(4 * k, len(steps) - 1)]
        assert info["frame_number"] == newest.number
        assert info["trial"] == SECOND.name
        assert info.get("ale_action") == newest.action
        assert info.get("score") == newest.score
        seen = frames_seen(newest.number - 1, stack=1)
        for gaze, index in zip(info["gaze"], seen, strict=True):
            np.testing.assert_array_equal(gaze, steps[index].gaze)
        if is_last:
            break
        frame, _, terminated, truncated, info = env.step(0)
        assert (terminated, truncated) == (False, expected[k + 1][1])


def test_rewards_add_up_to_the_score_and_games_end(data):
    env = gym.make(ID, path=data, trials=[SECOND.trial_id])
    (trial,) = [t for t in read_trials(data) if t.trial_id == SECOND.trial_id]
    episodes = find_episodes([trial])
    assert len(episodes) > 1 and [e.ends for e in episodes] == [True] * (len(episodes) - 1) + [
        False
    ]
    steps = {step.number: step for step in trial.steps()}
    for episode in episodes:
        _, info = env.reset()
        assert info["frame_number"] == episode.first
        earned, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, info = env.step(3)
            earned, over = earned + reward, terminated or truncated
        assert info["frame_number"] == max(n for n in steps if n <= episode.last)
        assert (terminated, truncated) == (episode.ends, not episode.ends)
        rewards = [steps[n].reward or 0 for n in steps if episode.first <= n <= episode.last]
        assert earned == sum(rewards)
    assert env.reset()[1]["frame_number"] == episodes[0].first, "it begins again"


def test_pixels_are_grey_before_the_maximum_and_resized_by_area(data):
    import cv2

    env = gym.make(ID, path=data, observe="ObjFrames", trials=[THIRD.trial_id], stack_num=1)
    env.reset()
    observation, *_ = env.step(0)
    grey = [cv2.cvtColor(synthetic_frame(THIRD, n), cv2.COLOR_RGB2GRAY) for n in (4, 5)]
    small = cv2.resize(np.maximum(*grey), (84, 84), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(observation[0], small)


def test_a_frame_can_be_sought(data):
    env = gym.make(ID, path=data)
    for place, number in [
        ({"trial": THIRD.trial_id, "frame": 17}, 17),
        ({"trial": THIRD.name, "frame": 9}, 9),
        ({"frame": 25}, 25),
        ({"trial": SECOND.trial_id}, 1),
    ]:
        frame, info = env.reset(options=place)
        assert info["frame_number"] == number
        trial = SECOND if place.get("trial") == SECOND.trial_id else THIRD
        np.testing.assert_array_equal(frame, synthetic_frame(trial, number))
    with pytest.raises(ValueError, match=r"no frame 4000 in trial 203"):
        env.reset(options={"trial": 203, "frame": 4000})
    with pytest.raises(ValueError, match=r"trial 7.*There are 101_RZ"):
        env.reset(options={"trial": 7})


def test_a_missing_frame_truncates_and_the_episode_goes_on_behind_it(tmp_path):
    folder = write_synthetic(tmp_path, trials=[SECOND], frames=FRAMES, form="folder")
    (folder / "ms_pacman" / SECOND.name / f"{SECOND.session}_7.png").unlink()
    env = gym.make(ID, path=str(folder), episodes="trial")
    env.reset()
    numbers = []
    for _ in range(2):
        _, _, terminated, truncated, info = env.step(0)
        numbers.append(info["frame_number"])
    assert numbers == [5, 6] and truncated and not terminated
    assert env.reset()[1]["frame_number"] == 8


def test_peoples_actions_become_an_agents():
    pacman, breakout = actions_of("MsPacman"), actions_of("Breakout")
    assert (len(pacman), breakout) == (9, (0, 1, 3, 4))
    assert [as_agent_acts(a, pacman) for a in (0, 1, 2, 10, 15)] == [0, 0, 1, 1, 6]
    # NOOP, FIRE, RIGHT, LEFT: UPRIGHT is RIGHT, and so is UPRIGHTFIRE
    assert [as_agent_acts(a, breakout) for a in (2, 6, 14, 10, 4)] == [0, 2, 2, 1, 3]
    full = actions_of("Breakout", full_action_space=True)
    assert [as_agent_acts(a, full) for a in range(18)] == list(range(18))


def test_what_is_observed_can_be_keypoints(data):
    env = gym.make_vec(ID, num_envs=2, path=data, observe="ObjKeypoints", device="cpu")
    observation, info = env.reset(seed=0)
    assert observation["keypoints"].shape == (2, 10, 2)
    assert info["trial"].tolist() == [EARLY.name, SECOND.name]
    env.close()


@pytest.mark.parametrize(
    ("game", "options", "message"),
    [
        ("Pong", {}, "Nobody plays Pong in Atari-HEAD"),
        ("MsPacman", {"observe": "ObjFrame"}, "Unknown observe 'ObjFrame'.*ObjFrames"),
        ("MsPacman", {"episodes": "life"}, "Unknown kind of episodes 'life'"),
        ("MsPacman", {"trials": [999]}, r"no trial 999 of MsPacman.*101, 202, 203, 301"),
        ("MsPacman", {"trials": "101"}, "trials must be a list"),
        ("MsPacman", {"frameskip": 0}, "frameskip must be a positive integer, got 0"),
        ("MsPacman", {"noop_max": 3}, "Unknown option 'noop_max'"),
        ("MsPacman", {"stack_num": 3}, "Unknown option 'stack_num'.*ObjFrames"),
    ],
)
def test_bad_input_is_named(data, game, options, message):
    from objwrappers.envs.atari_head import make_atari_head

    with pytest.raises(ValueError, match=message):
        make_atari_head(game, **{"path": data, **options})


def test_where_there_is_nothing_the_command_is_named(tmp_path, monkeypatch):
    from objwrappers.envs import atari_head

    monkeypatch.setattr(atari_head, "data_folder", lambda: tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"zoo/download.py --game ms_pacman"):
        atari_head.make_atari_head("MsPacman")


@pytest.mark.slow
def test_memory_is_flat_on_a_long_trial(tmp_path):
    import resource

    folder = write_synthetic(tmp_path, trials=[SECOND], frames=6_000, form="tar")
    env = gym.make(ID, path=str(folder), episodes="trial")
    env.reset()
    for _ in range(100):
        env.step(0)
    early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while not env.step(0)[3]:
        pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early
    assert grown < 64 * 1024, f"{grown} KiB more; 6,000 frames take 590 MiB"


def test_one_env_equals_the_vector_env(data):
    single = gym.make(ID, path=data)
    vector = gym.make_vec(ID, num_envs=2, path=data)
    both, infos = vector.reset(seed=2)
    alone, info = single.reset(seed=3)
    assert_same(alone, both[1])
    assert info["frame_number"] == infos["frame_number"][1]
    assert infos["gaze"][1][0].tolist() == info["gaze"][0].tolist()
