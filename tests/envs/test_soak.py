"""Long runs: memory stays flat, nothing is NaN, no thread is left behind."""

import gc
import threading

import gymnasium as gym
import numpy as np
import pytest

import objwrappers  # noqa: F401
from objwrappers.memory import resident_bytes

ENV = "ObjKeypoints-MsPacman-v0"
MB = 2**20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(resident_bytes() is None, reason="this system tells no memory"),
]


def os_threads():
    with open("/proc/self/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("Threads:")))


def step(env, rng):
    observation = env.step(rng.integers(env.single_action_space.n, size=env.num_envs))[0]
    assert all(np.isfinite(value).all() for value in observation.values())


def test_a_million_steps_of_64_envs_take_no_more_memory():
    env = gym.make_vec(ENV, num_envs=64)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(1000):
        step(env, rng)
    before, threads = resident_bytes(), os_threads()
    for _ in range(1_000_000 // 64 - 1000):
        step(env, rng)
    assert resident_bytes() - before < 8 * MB
    assert os_threads() == threads
    env.close()


@pytest.mark.parametrize("num_envs", [None, 2])
def test_making_and_closing_two_hundred_times_leaves_nothing(num_envs):
    def cycle():
        if num_envs is None:
            env = gym.make(ENV)
            env.reset(seed=0)
            env.step(0)
        else:
            env = gym.make_vec(ENV, num_envs=num_envs)
            env.reset(seed=0)
            step(env, np.random.default_rng(0))
        env.close()

    for _ in range(20):
        cycle()
    gc.collect()
    before, threads, alive = resident_bytes(), os_threads(), threading.active_count()
    for _ in range(200):
        cycle()
    gc.collect()
    assert resident_bytes() - before < 32 * MB
    assert os_threads() <= threads
    assert threading.active_count() <= alive
