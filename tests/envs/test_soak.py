"""Long runs: memory stays flat, nothing is NaN, no thread and no descriptor is left behind."""

import gc
import os
import threading

import gymnasium as gym
import numpy as np
import pytest

from objwrappers import registration
from objwrappers.datasets.atari_head import write_synthetic
from objwrappers.memory import resident_bytes
from objwrappers.registration import family_of

ENV = "ObjKeypoints-MsPacman-v0"
MB = 2**20
MILLION = 1_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(resident_bytes() is None, reason="this system tells no memory"),
]


def os_threads():
    with open("/proc/self/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("Threads:")))


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def step(env, rng):
    if isinstance(env.single_action_space, gym.spaces.Discrete):
        actions = rng.integers(env.single_action_space.n, size=env.num_envs)
    else:
        actions = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
    observation = env.step(actions)[0]
    values = observation.values() if isinstance(observation, dict) else [observation]
    assert all(np.isfinite(value).all() for value in values)


FAMILIES = {
    "ObjRAM-MsPacman-v0": (16, {}),
    "ObjFrames-MsPacman-v0": (64, {}),
    "Control-reacher-hard-v0": (16, {"context": "light"}),
    "AtariHead-MsPacman-v0": (16, {"observe": "ObjFrames"}),
    "ObjKeypoints-MsPacman-v0": (64, {}),
    "ObjScene-MsPacman-v0": (64, {"model": "motion"}),
    "IfO-reacher-hard-v0": (16, {}),
    "ObjGaze-MsPacman-v0": (16, {}),
}
"""Id → envs and options; from ten minutes of a core to half an hour each."""


def test_each_family_is_here():
    assert {family_of(env_id).name for env_id in FAMILIES} == {*registration.FAMILIES}


@pytest.mark.parametrize("env_id", FAMILIES)
def test_a_million_steps_take_no_more_memory_threads_or_descriptors(env_id, tmp_path):
    num_envs, options = FAMILIES[env_id]
    if env_id.startswith("AtariHead"):
        if os.environ.get("MALLOC_ARENA_MAX") != "1":
            pytest.skip("its threads leave holes in glibc's arenas: set MALLOC_ARENA_MAX=1")
        options = {**options, "path": str(write_synthetic(tmp_path, form="folder", frames=400))}
    env = gym.make_vec(env_id, num_envs=num_envs, **options)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    warm = MILLION // 16
    for _ in range(warm // num_envs):
        step(env, rng)
    gc.collect()  # what is left in circles is no leak
    before, threads, files = resident_bytes(), os_threads(), descriptors()
    for _ in range((MILLION - warm) // num_envs):
        step(env, rng)
    gc.collect()
    assert resident_bytes() - before < 8 * MB
    assert os_threads() == threads
    assert descriptors() == files
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
