"""An update by hand, exploration, agents that survive being saved, and toys that are learnt."""

import copy
from collections import deque

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from objwrappers.sb3 import DrQv2
from objwrappers.sb3.drqv2.frame_buffer import Transitions
from objwrappers.sb3.drqv2.schedule import LinearSchedule

SIDE = 15


class Brightness(gym.Env):
    """The action must be how much brighter the newest of two grey frames is than the older."""

    def __init__(self, length=5, low=-1.0, high=1.0):
        self.observation_space = spaces.Box(0, 255, (2, SIDE, SIDE), np.uint8)
        self.action_space = spaces.Box(low, high, (1,), np.float32)
        self._length = length

    def _look(self):
        level = self.np_random.integers(256)
        self._frames.append(np.full((SIDE, SIDE), level, np.uint8))
        return np.stack(self._frames)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._frames, self._time = deque([np.zeros((SIDE, SIDE), np.uint8)], maxlen=2), 0
        return self._look(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        older, newest = (float(frame[0, 0]) / 255 for frame in self._frames)
        box = self.action_space
        given = 2 * (action[0] - box.low[0]) / (box.high[0] - box.low[0]) - 1
        self._time += 1
        reward = 1 - abs(given - (newest - older))
        return self._look(), float(reward), False, self._time == self._length, {}


SMALL = {
    "policy_kwargs": {"feature_dim": 8, "hidden_dim": 32},
    "buffer_size": 2_000,
    "learning_starts": 20,
    "batch_size": 8,
    "noise_schedule": "linear(1.0,0.1,500)",
    "seed": 0,
    "device": "cpu",
}


def agent(env=None, **options):
    env = env or DummyVecEnv([Brightness])
    return DrQv2("CnnPolicy", env, **{**copy.deepcopy(SMALL), **options})


def cropped(images, pad):
    """A random shift by slicing, from the next of torch's random numbers."""
    shifts = torch.randint(2 * pad + 1, (len(images), 2)).tolist()
    padded = torch.nn.functional.pad(images.float(), (pad,) * 4, mode="replicate")
    cuts = [one[:, y : y + SIDE, x : x + SIDE] for one, (x, y) in zip(padded, shifts, strict=True)]
    return torch.stack(cuts)


def test_one_update_equals_one_written_by_hand():
    options = {"gamma": 0.9, "tau": 0.25, "learning_rate": 3e-3, "shift_px": 2}
    model = agent(learning_starts=22, **options).learn(22)
    policy, std = model.policy, 1 - 0.9 * 22 / 500
    assert model.noise_std == pytest.approx(std) and model._n_updates == 0
    encoder, actor, critic, target = map(
        copy.deepcopy, (policy.encoder, policy.actor, policy.critic, policy.critic_target)
    )
    target.requires_grad_(True)
    with torch.no_grad():
        for parameter in target.parameters():
            parameter += 0.01
        for mine, theirs in zip(
            target.parameters(), policy.critic_target.parameters(), strict=True
        ):
            theirs.copy_(mine)
    draw = torch.Generator().manual_seed(1)
    seen, after = torch.randint(256, (2, 6, 2, SIDE, SIDE), generator=draw)
    batch = Transitions(
        seen.byte(),
        torch.rand(6, 1, generator=draw) * 2 - 1,
        torch.rand(6, generator=draw),
        torch.tensor([0.729, 0.729, 0.0, 0.9, 0.81, 0.0]),
        after.byte(),
    )
    model.replay_buffer.sample = lambda size, env: batch
    torch.manual_seed(3)
    model.train(1, batch_size=6)

    torch.manual_seed(3)
    adam = [torch.optim.Adam(one.parameters(), lr=3e-3) for one in (encoder, critic, actor)]

    def act(features):
        noise = (torch.randn(6, 1) * std).clip(-0.3, 0.3)
        mean = actor(features)
        noisy = mean + noise
        inside = noisy.clip(-1 + 1e-6, 1 - 1e-6)
        return mean + (inside - mean).detach()

    features = encoder(cropped(batch.observations, 2))
    with torch.no_grad():
        later = encoder(cropped(batch.next_observations, 2))
        q1, q2 = target(later, act(later))
        wanted = batch.rewards + batch.discounts * torch.minimum(q1, q2)
    q1, q2 = critic(features, batch.actions)
    (((q1 - wanted) ** 2).mean() + ((q2 - wanted) ** 2).mean()).backward()
    adam[0].step()
    adam[1].step()
    fixed = features.detach()
    q1, q2 = critic(fixed, act(fixed))
    actor.zero_grad()
    (-torch.minimum(q1, q2)).mean().backward()
    adam[2].step()
    expected = [
        0.75 * old + 0.25 * new
        for old, new in zip(target.parameters(), critic.parameters(), strict=True)
    ]

    for mine, theirs in ((encoder, policy.encoder), (actor, policy.actor), (critic, policy.critic)):
        for ours, others in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(ours, others, rtol=0, atol=2e-5)
    for ours, others in zip(expected, policy.critic_target.parameters(), strict=True):
        torch.testing.assert_close(ours, others, rtol=0, atol=2e-5)
    begun = agent(**options).policy
    moved = [
        (one - other).abs().max().item()
        for name in ("encoder", "actor", "critic")
        for one, other in zip(
            getattr(policy, name).parameters(), getattr(begun, name).parameters(), strict=True
        )
    ]
    assert min(moved) > 1e-3, "Adam's first step is as long as the learning rate"


def test_noise_falls_with_the_steps_and_actions_stay_within_bounds():
    env = DummyVecEnv([lambda: Brightness(low=-2, high=6)] * 2)
    model = agent(env, learning_starts=1000, noise_schedule="linear(0.4,0.1,100)")
    model.learn(2)
    model._last_obs = np.zeros((4000, 2, SIDE, SIDE), np.uint8)
    torch.nn.init.zeros_(model.policy.actor.mean[4].weight)
    for steps, std in ((0, 0.4), (50, 0.25), (100, 0.1), (900, 0.1)):
        model.num_timesteps = steps
        acted, stored = model._sample_action(0, n_envs=4000)
        assert acted.dtype == np.float32 and abs(stored).max() < 1
        np.testing.assert_allclose(acted, 2 + 4 * stored, atol=1e-5)
        inner = stored[abs(stored) < 1 - 1e-5]
        assert stored.std() == pytest.approx(std, rel=0.06) and len(inner) > 3900
    model.num_timesteps = 999
    _, uniform = model._sample_action(1000, n_envs=4000)
    assert uniform.std() == pytest.approx(3**-0.5, rel=0.05)
    # Beside a wall the noise is cut off at it.
    torch.nn.init.constant_(model.policy.actor.mean[4].bias, 9.0)
    _, stored = model._sample_action(0, n_envs=4000)
    assert (stored == np.float32(1 - 1e-6)).mean() == pytest.approx(0.5, abs=0.05)


def test_updates_come_every_second_step_after_the_first_ones():
    model = agent().learn(60)
    assert model._n_updates == 20
    env = DummyVecEnv([Brightness] * 3)
    assert agent(env, train_freq=1, gradient_steps=2).learn(60)._n_updates == 2 * 14


def test_differences_between_frames_are_learnt():
    env = DummyVecEnv([Brightness] * 2)
    model = agent(
        env,
        learning_rate=2e-3,
        batch_size=32,
        learning_starts=100,
        train_freq=1,
        n_steps=1,
        gamma=0.5,
        noise_schedule="linear(1.0,0.1,300)",
    )
    before, _ = evaluate_policy(model, Brightness(), n_eval_episodes=20, warn=False)
    model.learn(500)
    after, _ = evaluate_policy(model, Brightness(), n_eval_episodes=20, warn=False)
    assert before < 3.9 and after > 4.4, (before, after)


def test_saved_agents_act_alike_and_go_on(tmp_path):
    model = agent().learn(60)
    model.save(tmp_path / "agent")
    options = {"noise_schedule": "0.25", "n_steps": 2, "gamma": 0.5}
    loaded = DrQv2.load(tmp_path / "agent", env=DummyVecEnv([Brightness]), device="cpu", **options)
    seen = np.random.default_rng(0).integers(0, 256, (5, 2, SIDE, SIDE), np.uint8)
    np.testing.assert_array_equal(model.predict(seen)[0], loaded.predict(seen)[0])
    for name in ("actor", "critic"):
        mine, theirs = (getattr(one.policy, name).optimizer.state_dict() for one in (model, loaded))
        assert mine["state"].keys() == theirs["state"].keys() != set()
        for number, state in mine["state"].items():
            assert all(torch.equal(state[key], theirs["state"][number][key]) for key in state)
    assert loaded._noise == LinearSchedule(0.25, 0.25, 0)
    assert (loaded.replay_buffer.n_steps, loaded.replay_buffer.gamma) == (2, 0.5)
    # Its replay is filled anew before it learns on.
    loaded.learn(10, reset_num_timesteps=False)
    assert loaded.num_timesteps == 70 and loaded._n_updates == model._n_updates
    loaded.learn(60, reset_num_timesteps=False)
    assert loaded._n_updates > model._n_updates
    # One that brings it learns at once.
    model.save_replay_buffer(tmp_path / "replay")
    loaded = DrQv2.load(tmp_path / "agent", env=DummyVecEnv([Brightness]), device="cpu")
    loaded.load_replay_buffer(tmp_path / "replay")
    loaded.learn(2, reset_num_timesteps=False)
    assert loaded._n_updates == model._n_updates + 1
    assert loaded.replay_buffer.size() == model.replay_buffer.size() + 1 + 2
    playing = DrQv2.load(tmp_path / "agent", device="cpu")
    assert playing.replay_buffer._frames is None, "who only plays needs no memory for a replay"


def test_a_second_training_begins_new_episodes():
    model = agent(learning_starts=1000).learn(8)
    buffer = model.replay_buffer
    model.learn(4, reset_num_timesteps=False)
    newest = buffer._written[0] - 1
    assert buffer.last.sum() == 2 and not buffer.last[newest, 0], "12 steps, episodes of 5"
    model.learn(2)
    assert buffer.last.sum() == 3 and buffer.last[newest, 0], "it was left behind"


def test_the_memory_is_told_before_the_training(capsys):
    agent(verbose=1, buffer_size=500).learn(1)
    told = capsys.readouterr().out
    assert "The replay of 500 frames will take 0.00 GB of memory once it is full." in told


def test_rewards_can_be_normalised_and_observations_cannot():
    env = VecNormalize(DummyVecEnv([Brightness] * 2), norm_obs=False, gamma=0.5)
    model = agent(env).learn(100)
    scale = (env.ret_rms.var + env.epsilon) ** 0.5
    assert abs(scale - 1) > 0.2
    drawn = []
    for normaliser in (None, env):
        np.random.seed(0)
        drawn.append(model.replay_buffer.sample(50, normaliser).rewards.numpy())
    np.testing.assert_allclose(drawn[1], drawn[0] / scale, rtol=1e-5)
    with pytest.raises(ValueError, match=r"uint8 images .*which are not normalised"):
        agent(VecNormalize(DummyVecEnv([Brightness])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be at least 1.*got 8, 0, 4, 0.3"),
        ({"batch_size": 0}, "must be at least 1"),
        ({"shift_px": -1}, "shift_px and noise_clip at least 0"),
        ({"noise_schedule": "linear(1,2)"}, "one number"),
        ({"buffer_size": 5}, "buffer_size must be at least 6"),
        ({"frame_channels": 3}, "does not divide the 2 channels"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        agent(**options)
