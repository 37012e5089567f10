"""Every task of the suite has its id, and its states hold all that its episodes differ by."""

import gymnasium as gym
import numpy as np
import pytest
from conformance import assert_same

import objwrappers  # noqa: F401
from objwrappers.envs.control_gl import prepare_mujoco
from objwrappers.envs.control_tasks import TASKS, check_task, default_camera


def test_the_table_is_the_suites():
    prepare_mujoco(pictures=False)
    from dm_control import suite

    assert set(TASKS.values()) == set(suite.ALL_TASKS) and len(TASKS) == len(suite.ALL_TASKS)
    assert {f"Control-{name}-v0" for name in TASKS} <= set(gym.registry)


def test_tasks_are_found_by_their_names():
    assert check_task("finger-turn-easy") == check_task("finger-turn_easy")
    assert check_task("humanoid-CMU-walk") == ("humanoid_CMU", "walk")
    assert (default_camera("quadruped"), default_camera("reacher")) == (2, 0)
    with pytest.raises(ValueError, match=r"Unknown task 'reacher-medium'\. Did you mean 'reacher-"):
        check_task("reacher-medium")


def arrays_of(model):
    names = [name for name in dir(model) if not name.startswith("_")]
    arrays = {name: getattr(model, name) for name in names}
    return {name: one.copy() for name, one in arrays.items() if isinstance(one, np.ndarray)}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_state_holds_all_that_episodes_differ_by(task):
    """Two envs that were compiled apart go on alike from one state, to the last bit."""
    one, other = (gym.make(f"Control-{task}-v0", observe="state").unwrapped for _ in "ab")
    one.reset(seed=1)
    other.reset(seed=2)
    for _ in range(5):
        one.step(one.action_space.sample().clip(-1, 1))
    other.set_state(one.get_state())
    np.testing.assert_array_equal(other.state_observation(), one.state_observation())
    ours, theirs = arrays_of(one.physics.model.ptr), arrays_of(other.physics.model.ptr)
    different = {name for name in ours if not np.array_equal(ours[name], theirs[name], True)}
    assert not different
    for _ in range(5):
        action = one.action_space.sample().clip(-1, 1)
        assert_same(other.step(action)[0], one.step(action)[0])
    assert_same(other.get_state(), one.get_state())
    np.testing.assert_array_equal(other.frame(size=48), one.frame(size=48))
    one.close()
    other.close()
