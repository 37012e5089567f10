"""Tasks of dm_control as envs: their rewards, their options and their states."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from conformance import EnvConformance, assert_same
from gymnasium.utils.env_checker import check_env
from opengl import needs_opengl
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import objwrappers  # noqa: F401
from objwrappers.envs.control_contexts import Context

pytestmark = needs_opengl

ID = "Control-reacher-hard-v0"


class Control(EnvConformance):
    short = {"horizon": 7}
    episode_steps = 7
    bad_actions = [-1, [0.0, float("nan")], [2.0, 0.0], None, [0.0, 0.0, 0.0], ["a", "b"]]


class TestPixels(Control):
    env_id = "Control-reacher-easy-v0"
    options = {"image_size": [24, 32], "render_size": 40}
    variants = [
        {"context": "full", "supersampling": 2},
        {"observe": "both", "action_repeat": 1, "context_seed": 3},
    ]


class TestState(Control):
    env_id = "Control-cartpole-swingup-v0"
    options = {"observe": "state", "render_size": 40}
    bad_actions = [*Control.bad_actions[:4], [2.0]]


@pytest.fixture(scope="module")
def env() -> Any:
    made = gym.make(ID, observe="both", image_size=48, stack_num=2, disable_env_checker=True)
    yield made
    made.close()


def play(env: Any, actions: Any) -> list[tuple[Any, float, bool, bool]]:
    return [env.step(action)[:4] for action in actions]


def actions_of(env: Any, count: int, seed: int = 0) -> list[np.ndarray]:
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(count)]


@pytest.mark.filterwarnings("ignore:.*A Box observation space m.*infinity")
def test_both_checkers_find_nothing():
    for options in ({"image_size": 40}, {"observe": "state"}):
        checked = gym.make(ID, render_mode="rgb_array", **options).unwrapped
        check_env(checked, skip_render_check=False)
        check_env_for_sb3(checked)


@pytest.mark.parametrize("task", ["reacher-hard", "finger-turn_easy"])
def test_it_is_the_env_that_shimmy_makes(task):
    """The same seeds and actions, by dm_control's own env and a library that wraps it."""
    shimmy = pytest.importorskip("shimmy")
    gym.register_envs(shimmy)
    theirs = gym.make(f"dm_control/{task}-v0", disable_env_checker=True)
    ours = gym.make(f"Control-{task.replace('_', '-')}-v0", observe="state", action_repeat=1)
    for seed in (3, None):
        expected, _ = theirs.reset(seed=seed)
        given, _ = ours.reset(seed=seed)
        for action in [*actions_of(ours, 20), None]:
            flat = np.concatenate([np.ravel(part) for part in expected.values()])
            np.testing.assert_array_equal(given, flat.astype(np.float32))
            if action is not None:
                expected, reward, *ends, _ = theirs.step(action.astype(np.float64))
                given, ours_reward, *our_ends, _ = ours.step(action)
                assert (reward, ends) == (ours_reward, our_ends)


def test_a_repeated_action_sums_its_rewards():
    once, twice = (
        gym.make("Control-cartpole-balance-v0", observe="state", action_repeat=n) for n in (1, 2)
    )
    once.reset(seed=1)
    twice.reset(seed=1)
    for action in actions_of(twice, 10):
        (_, first, *_), (single, second, *_) = play(once, [action, action])
        double, both, *_ = twice.step(action)
        assert both == first + second > 0
        np.testing.assert_array_equal(double, single)


def test_an_episode_ends_with_the_suite_or_the_horizon():
    for options, steps in (({"action_repeat": 300}, 4), ({"horizon": 3}, 3)):
        env = gym.make("Control-pendulum-swingup-v0", observe="state", **options)
        env.reset(seed=0)
        ends = [step[2:] for step in play(env, actions_of(env, steps))]
        assert ends == [(False, False)] * (steps - 1) + [(False, True)]


def test_pixels_are_a_stack_of_frames(env):
    first, _ = env.reset(seed=4)
    frames = [env.unwrapped.frame()]
    action = np.array([1, -1], np.float32)
    for _ in range(3):
        observation = env.step(action)[0]
        frames.append(env.unwrapped.frame())
    assert first["pixels"].shape == (6, 48, 48) and first["pixels"].dtype == np.uint8
    np.testing.assert_array_equal(first["pixels"][:3], first["pixels"][3:])
    np.testing.assert_array_equal(first["pixels"][3:].transpose(1, 2, 0), frames[0])
    expected = np.concatenate([frame.transpose(2, 0, 1) for frame in frames[-2:]])
    np.testing.assert_array_equal(observation["pixels"], expected)
    assert (frames[-1] != frames[-2]).any()
    np.testing.assert_array_equal(observation["state"], env.unwrapped.state_observation())


def test_supersampled_pictures_are_means_of_larger_ones():
    options = {"image_size": (24, 32), "supersampling": 3, "render_mode": "rgb_array"}
    env = gym.make(ID, **options, render_size=40, disable_env_checker=True).unwrapped
    seen, _ = env.reset(seed=4)
    large = env.frame(size=(72, 96)).astype(float)
    means = sum(large[y::3, x::3] for y in range(3) for x in range(3)) / 9
    np.testing.assert_array_equal(seen[-3:].transpose(1, 2, 0), np.rint(means))
    np.testing.assert_array_equal(env.frame(), np.rint(means))
    assert env.render().shape == (40, 40, 3)


@pytest.mark.parametrize(("supersampling", "least", "most"), [(1, 0.0, 0.1), (4, 0.8, 1.0)])
def test_a_pole_thinner_than_a_pixel_is_seen_everywhere_by_supersampling(
    supersampling, least, most
):
    env = gym.make(
        "Control-cartpole-balance-v0", image_size=32, supersampling=supersampling
    ).unwrapped
    env.reset(seed=0)

    def upper_middle(metres, degrees):
        env.physics.data.qpos[:] = metres, np.radians(degrees)
        env.physics.forward()
        return env.frame()[:12, 13:20, 0].astype(float)

    without = upper_middle(0.9, 180)
    redness = [(upper_middle(x / 100, 0) - without).sum() for x in range(-10, 11)]
    assert least <= min(redness) / max(redness) <= most, redness


def test_a_state_brings_back_the_frame_and_the_future(env):
    env.reset(seed=5)
    play(env, actions_of(env, 6))
    state, frame = env.unwrapped.get_state(), env.unwrapped.frame()
    taken = actions_of(env, 8, seed=1)
    future = play(env, taken)
    env.reset(seed=99)
    assert (env.unwrapped.frame() != frame).any()
    begun, _ = env.reset(options={"state": state})
    np.testing.assert_array_equal(begun["pixels"][3:].transpose(1, 2, 0), frame)
    assert_same(state, env.unwrapped.get_state())
    again = play(env, taken)
    assert [step[1:] for step in again] == [step[1:] for step in future]
    for (now, *_), (then, *_) in list(zip(again, future, strict=True))[1:]:
        assert_same(now, then)
    env.unwrapped.set_state(state)
    np.testing.assert_array_equal(env.unwrapped.frame(), frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"physics": np.zeros(3)}, r"'physics' .* got float64 \(3,\): is it of another task"),
        ({"steps": np.array(-1)}, "steps at least 0"),
        ({"task": "no"}, "'task' of a state of this task is float64"),
        ({"qpos": np.zeros(2)}, "Unknown key of a state 'qpos'"),
        ({"steps": None}, "'steps' of a state"),
    ],
)
def test_a_state_of_another_task_is_refused(env, change, message):
    env.reset(seed=0)
    state = env.unwrapped.get_state()
    with pytest.raises(ValueError, match=message):
        env.reset(options={"state": {**state, **change}})
    with pytest.raises(ValueError, match="There is no task, steps in the state"):
        env.unwrapped.set_state({"physics": state["physics"]})
    broken = {**state, "physics": np.full_like(state["physics"], np.nan)}
    with pytest.raises(ValueError, match="must be finite"):
        env.unwrapped.set_state(broken)


def test_a_context_is_drawn_for_each_episode_or_for_good():
    each = gym.make(ID, observe="state", context="full").unwrapped
    looks = [(each.reset(seed=seed), each.context)[1] for seed in (1, None, 1)]
    assert looks[0] == looks[2] != looks[1]
    good = [gym.make(ID, observe="state", context="full", context_seed=8).unwrapped for _ in "ab"]
    looks = [(one.reset(seed=seed), one.context)[1] for one in good for seed in (1, 2)]
    assert looks == [looks[0]] * 4 and looks[0] != Context()


def test_a_context_changes_no_physics_and_is_the_episodes_own():
    plain, full = (gym.make(ID, observe="state", context=name) for name in ("default", "full"))
    assert_same(plain.reset(seed=6)[0], full.reset(seed=6)[0])
    for action in actions_of(plain, 5):
        assert_same(plain.step(action)[0], full.step(action)[0])
        full.unwrapped.frame(size=32)
    plain.reset(options={"context": {"floor": [1, 0, 0]}})
    assert plain.unwrapped.context == Context(floor=(1, 0, 0))
    plain.reset()
    assert plain.unwrapped.context == Context()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"observe": "pixel"}, "Unknown observe 'pixel'. Did you mean 'pixels'"),
        ({"image_size": 0}, "image_size must be one or two integers from 1 to 2048, got 0"),
        ({"image_size": (8, 8, 8)}, "image_size must be one or two integers"),
        ({"image_size": True}, "image_size must be one or two integers"),
        ({"action_repeat": 0}, "action_repeat must be a positive integer, got 0"),
        ({"stack_num": 1.5}, "stack_num must be a positive integer, got 1.5"),
        ({"horizon": -1}, "horizon must be a positive integer, got -1"),
        ({"camera": 7}, "an index below 2, got 7. There are fixed, hand"),
        ({"camera": "fixd"}, "Unknown camera 'fixd'. Did you mean 'fixed'"),
        ({"context": "lite"}, "Unknown context 'lite'. Did you mean 'light'"),
        ({"context": {"flor": [1, 1, 1]}}, "Unknown key of a context 'flor'. Did you mean 'floor'"),
        ({"context_seed": -1}, "A seed is an integer of at least 0"),
        ({"render_mode": "human!"}, "render_mode must be None"),
        ({"frame_skip": 2}, "Unknown option 'frame_skip'. It is called 'action_repeat'"),
        ({"supersampling": 0}, "supersampling must be a positive integer, got 0"),
        ({"image_size": 600, "supersampling": 4}, "at most 2048 pixels, got 600 times 4"),
        ({"img_height": 2}, "Unknown option 'img_height'. It is called 'image_size'"),
    ],
)
def test_a_wrong_option_gets_one_error_with_the_cure(options, message):
    from objwrappers.envs.control_ids import make_control, make_control_vec

    with pytest.raises(ValueError, match=message):
        make_control("reacher-hard", **options)
    with pytest.raises(ValueError, match=message):
        make_control_vec("reacher-hard", **options)


def test_an_unknown_reset_option_is_refused(env):
    with pytest.raises(ValueError, match=r"Unknown option of reset\(\) 'stat'.*'state'"):
        env.reset(options={"stat": {}})
