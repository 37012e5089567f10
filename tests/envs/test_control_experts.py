"""Scripts that demonstrate without training."""

import math

import numpy as np
import pytest

from objwrappers.envs.control import ControlEnv
from objwrappers.envs.control_experts import scripted_expert


@pytest.fixture(scope="module")
def env():
    made = ControlEnv("reacher-hard", observe="state")
    made.reset(seed=0)
    return made


def pose(env, joints, target):
    env.physics.named.model.geom_pos["target", :2] = target
    env.physics.data.qpos[:] = joints
    env.physics.data.qvel[:] = 0
    env.physics.forward()


def test_an_arm_that_touches_its_target_rests(env):
    for joints in ((0.3, 1.1), (-2.0, -0.4), (4 * math.pi + 1, 2.0)):
        shoulder, wrist = joints
        target = 0.12 * np.array(
            [
                math.cos(shoulder) + math.cos(shoulder + wrist),
                math.sin(shoulder) + math.sin(shoulder + wrist),
            ]
        )
        pose(env, joints, target)
        np.testing.assert_allclose(scripted_expert("reacher-hard")(env.physics), 0, atol=1e-6)


def test_torque_is_that_of_the_shorter_way(env):
    pose(env, (0.0, 0.2), (0.24, 0.0))  # stretched out along x
    np.testing.assert_allclose(scripted_expert("reacher-hard")(env.physics), [0, -0.3], atol=1e-6)
    env.physics.data.qvel[:] = (0.5, 0)
    np.testing.assert_allclose(
        scripted_expert("reacher-hard")(env.physics), [-0.1, -0.3], atol=1e-6
    )


def test_what_is_out_of_reach_is_pointed_at(env):
    pose(env, (math.pi / 2 - 0.1, 0.0), (0.0, 9.0))
    np.testing.assert_allclose(scripted_expert("reacher-hard")(env.physics), [0.15, 0], atol=1e-6)


def test_it_holds_the_target_for_most_of_an_episode(env):
    returns = []
    for seed in range(4):
        env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            _, reward, terminated, truncated, _ = env.step(
                scripted_expert("reacher-hard")(env.physics)
            )
            total, done = total + reward, terminated or truncated
        returns.append(total)
    assert min(returns) > 950


def test_a_task_without_a_script_names_those_that_have_one():
    with pytest.raises(ValueError, match=r"'finger-spin'.*reacher-hard.*--algo sac"):
        scripted_expert("finger-spin")
