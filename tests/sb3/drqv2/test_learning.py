"""A pole is balanced from pixels, at sizes that one core learns in a quarter of an hour.

    pytest -n 0 -m slow -s tests/sb3/drqv2/test_learning.py

prints the scores on the way, of whole episodes and out of 1,000. They go up and down on the way up.
"""

import time

import gymnasium as gym
import numpy as np
import pytest
from opengl import needs_opengl
from stable_baselines3.common.callbacks import ConvertCallback, EveryNTimesteps

import objwrappers  # noqa: F401
from objwrappers.sb3 import DrQv2

pytestmark = needs_opengl

STEPS, LOOK_EVERY, WANTED = 8_000, 1_000, 700
OPTIONS = {"image_size": 32, "supersampling": 4, "action_repeat": 4}
# A pole that fell stays down: short episodes are what has more of it standing.
SHORT = {"horizon": 60}
AGENT = {
    "learning_rate": 5e-4,
    "buffer_size": 30_000,
    "learning_starts": 1_000,
    "batch_size": 64,
    "train_freq": 1,
    "gamma": 0.95,
    "noise_schedule": "linear(0.5,0.1,3000)",
    "shift_px": 1,
    "policy_kwargs": {"hidden_dim": 256},
}


def make(**options):
    return gym.make("Control-cartpole-balance-v0", **OPTIONS, **options)


def score(act, env, episodes, seed):
    scores = []
    for episode in range(episodes):
        seen, _ = env.reset(seed=seed + episode)
        gained, ended = 0.0, False
        while not ended:
            seen, reward, terminated, truncated, _ = env.step(act(seen))
            gained, ended = gained + reward, terminated or truncated
        scores.append(gained)
    return float(np.mean(scores))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_pole_is_balanced_from_pixels(seed):
    whole = make()
    model = DrQv2("CnnPolicy", make(**SHORT), **AGENT, seed=seed, device="cpu")

    def act(seen):
        return model.predict(seen, deterministic=True)[0]

    def look(*_):
        scored, seconds = score(act, whole, 5, seed=10_000), time.process_time() - begun
        print(f"seed {seed}: {model.num_timesteps:,} steps, {scored:.0f}, {seconds:.0f} s")
        return True

    print()
    begun = time.process_time()
    model.learn(STEPS, EveryNTimesteps(LOOK_EVERY, ConvertCallback(look)))
    whole.action_space.seed(seed)
    random = score(lambda _: whole.action_space.sample(), whole, 10, seed=20_000)
    learnt = score(act, whole, 10, seed=20_000)
    print(f"seed {seed}: {learnt:.0f} after the training, {random:.0f} at random")
    assert random < 400 and learnt > WANTED, (random, learnt)
