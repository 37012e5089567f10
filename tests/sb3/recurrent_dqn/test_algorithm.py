"""Targets and sequences by hand; a task that needs memory; agents that survive being saved."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from objwrappers.sb3.recurrent_dqn import RecurrentDQN, n_step_targets
from objwrappers.sb3.recurrent_dqn.networks import RecurrentQNetwork
from objwrappers.sb3.recurrent_dqn.sequence_buffer import SequenceReplayBuffer


class FlashingCue(gym.Env):
    """A cue is shown at the first step only; at the last one, the action must name it."""

    def __init__(self, length=4, limit=None):
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.length = length

    def _see(self):
        shown = (2 * self.cue - 1) if self.time == 0 else 0
        return np.array([shown, self.time / self.length], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cue, self.time = int(self.np_random.integers(2)), 0
        return self._see(), {}

    def step(self, action):
        self.time += 1
        over = self.time == self.length
        reward = (1.0 if action == self.cue else -1.0) if over else 0.0
        return self._see(), reward, over, False, {}


def column(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None]


def test_targets_of_twelve_steps_by_hand():
    rewards = column(1, 2, 4, 8, 0, 1, 2, 4, 0, 1, 2, 4)
    values = column(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120)
    # Row 3 ends its episode for good, row 4 is what it ended in; row 7 is cut off, row 8 is
    # where it was cut.
    terminated = column(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    last = column(0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    targets = n_step_targets(rewards, terminated, last, values, gamma=0.5, n_steps=3)[:, 0]
    expected = {
        0: 1 + 0.5 * 2 + 0.25 * 4 + 0.125 * 40,
        1: 2 + 0.5 * 4 + 0.25 * 8,
        2: 4 + 0.5 * 8,
        3: 8.0,
        5: 1 + 0.5 * 2 + 0.25 * 4 + 0.125 * 90,
        6: 2 + 0.5 * 4 + 0.25 * 90,
        7: 4 + 0.5 * 90,
    }
    assert len(targets) == 9
    for row, value in expected.items():
        assert targets[row].item() == pytest.approx(value), row


def make_buffer(size=40, lanes=2, window=4, **options):
    box = spaces.Box(-np.inf, np.inf, (1,))
    return SequenceReplayBuffer(
        size, box, spaces.Discrete(1000), "cpu", n_envs=lanes, window=window, **options
    )


def fill(buffer, steps, episode=7):
    """Observations count the steps of a lane; lane 1 counts from 1000; rewards are negative."""
    offset = np.array([0.0, 1000.0])
    for t in range(steps):
        done = np.array([(t + 1) % episode == 0, (t + 1) % (episode + 2) == 0])
        infos = [{}, {"TimeLimit.truncated": True}]
        seen, after = (t + offset)[:, None], (t + 0.5 + offset)[:, None]
        buffer.add(seen, after, t + offset.astype(int), -(t + offset), done, infos)


@pytest.mark.parametrize("steps", [12, 15, 100])
def test_windows_are_what_happened_in_a_lane(steps):
    buffer = make_buffer()
    fill(buffer, steps)
    sample = buffer.sample(500)
    seen = sample.observations[..., 0]
    assert seen.shape == (4, 500)
    # From one row to the next half a step (into an episode's last observation, or out of it),
    # or a whole one; never backwards over the oldest row.
    assert set((seen[1:] - seen[:-1]).unique().tolist()) <= {0.5, 1.0}
    is_last = sample.last.bool()
    assert torch.equal(is_last, seen % 1 == 0.5)
    acted = ~is_last
    assert torch.equal(sample.actions[acted].float(), seen[acted])
    assert torch.equal(sample.rewards[acted], -seen[acted])
    lane = (seen >= 1000).long()
    step, episode = seen % 1000, 7 + 2 * lane
    assert torch.equal(sample.starts[acted], (step % episode == 0)[acted].float())
    ends = (step + 1) % episode == 0
    assert torch.equal(sample.terminated[acted], (ends & (lane == 0))[acted].float())
    everything = {0.0, 1000.0} if steps < 16 else set()
    assert everything <= set(seen.unique().tolist())
    assert seen.max() % 1000 >= steps - 1
    if steps == 100:
        assert seen[lane == 0].min() >= 100 - 20


def test_an_episode_cut_off_ends_at_its_newest_row():
    model = agent(DummyVecEnv([lambda: FlashingCue(length=3)] * 2))
    model.learn(40)  # 20 steps of each env
    buffer = model.replay_buffer
    newest = buffer._written - 1
    lanes = np.arange(2)
    assert not buffer.last[newest, lanes].any()
    model.learn(40)
    np.testing.assert_array_equal(buffer.last[newest, lanes], [1, 1])
    np.testing.assert_array_equal(buffer.starts[newest + 1, lanes], [1, 1])
    assert not buffer.rewards[newest, lanes].any() and not buffer.terminated[newest, lanes].any()


def test_the_cell_has_the_published_number_of_parameters():
    seen = spaces.Box(-1, 1, (128,), np.float32)
    network = RecurrentQNetwork(seen, spaces.Discrete(9), FlattenExtractor(seen), 128)
    learnt = [p.numel() for p in network.cell.parameters() if p.requires_grad]
    assert sum(learnt) == 131_584


def test_a_buffer_without_a_window_says_so():
    buffer = make_buffer()
    fill(buffer, 3)
    assert not buffer.ready
    with pytest.raises(ValueError, match="No env has made 4 steps yet"):
        buffer.sample(1)
    with pytest.raises(ValueError, match="buffer_size must be at least 4 for each env, got 7"):
        make_buffer(size=7)


SMALL = {"learning_starts": 32, "train_freq": 4, "batch_size": 8, "buffer_size": 2000, "seed": 0}
HIDDEN = {"lstm_hidden_size": 16}


def agent(env=None, **options):
    env = env or DummyVecEnv([FlashingCue] * 2)
    return RecurrentDQN(
        "MlpLstmPolicy", env, policy_kwargs=HIDDEN, device="cpu", **{**SMALL, **options}
    )


def test_unrolling_equals_stepping():
    network = agent().q_net
    observations, starts = torch.randn(6, 3, 2), torch.zeros(6, 3)
    starts[2, 1] = starts[4, 0] = 1
    together, end = network.unroll(observations, network.zero_state(3), starts)
    state = network.zero_state(3)
    for now, start, values in zip(observations, starts, together, strict=True):
        stepped, state = network.step(now, state, start)
        torch.testing.assert_close(stepped, values)
    torch.testing.assert_close(state, end)
    alone, _ = network.unroll(observations[4:, :1], network.zero_state(1), torch.zeros(2, 1))
    torch.testing.assert_close(together[4:, :1], alone)


def test_stored_states_are_those_that_the_agent_acted_in():
    model = agent(store_states=True, learning_starts=10_000, n_steps=1, sequence_length=3)
    model.learn(200)
    sample = model.replay_buffer.sample(64)
    zeros = model.q_net.zero_state(64)
    replayed, _ = model.q_net.unroll(sample.observations, sample.states, sample.starts)
    forgot, _ = model.q_net.unroll(sample.observations, zeros, sample.starts)
    begun = sample.starts[0].bool()
    torch.testing.assert_close(replayed[:, begun], forgot[:, begun])
    assert not torch.allclose(replayed[0, ~begun], forgot[0, ~begun])
    # A window that begins one step into an episode goes on from the state after that step.
    second = (sample.observations[0, :, 1] == 0.25) & (sample.last[0] == 0)
    cues = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    _, (after, _) = model.q_net.step(cues, model.q_net.zero_state(2), torch.zeros(2))
    distance = torch.cdist(sample.states[0][second], after).amin(1)
    assert second.any() and distance.max() < 1e-5


def test_memory_is_learnt_where_a_feed_forward_agent_guesses():
    def score(model):
        return evaluate_policy(model, FlashingCue(), n_eval_episodes=100, warn=False)[0]

    env = DummyVecEnv([FlashingCue] * 4)
    common = {"learning_rate": 3e-3, "exploration_fraction": 0.5, "seed": 0, "device": "cpu"}
    recurrent = RecurrentDQN(
        "MlpLstmPolicy",
        env,
        policy_kwargs={"lstm_hidden_size": 32},
        learning_starts=400,
        batch_size=32,
        tau=0.02,
        **common,
    ).learn(12_000)
    assert score(recurrent) > 0.95
    forgetful = DQN("MlpPolicy", env, learning_starts=400, target_update_interval=200, **common)
    assert abs(score(forgetful.learn(12_000))) < 0.35


def test_saved_agents_act_alike_and_go_on(tmp_path):
    model = agent().learn(300)
    model.save(tmp_path / "agent")
    loaded = RecurrentDQN.load(tmp_path / "agent", env=DummyVecEnv([FlashingCue] * 2))
    state = loaded_state = None
    start = np.ones(3, bool)
    for _ in range(5):
        seen = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
        action, state = model.predict(seen, state, start, deterministic=True)
        again, loaded_state = loaded.predict(seen, loaded_state, start, deterministic=True)
        np.testing.assert_array_equal(action, again)
        np.testing.assert_array_equal(state, loaded_state)
        start = np.zeros(3, bool)
    assert (loaded.sequence_length, loaded.target_steps) == (8, 3)
    loaded.learn(100, reset_num_timesteps=False)
    assert loaded.num_timesteps >= 400 and loaded._n_updates > model._n_updates


def test_one_env_acts_as_many():
    model = agent()
    seen = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    together, states = model.predict(seen, deterministic=True)
    for i in range(4):
        alone, state = model.predict(seen[i], deterministic=True)
        assert alone == together[i]
        np.testing.assert_allclose(state[0][0, 0], states[0][0, i], rtol=1e-5, atol=1e-6)


def test_dict_observations_normalisation_and_burn_in():
    class AsDict(gym.ObservationWrapper):
        def __init__(self):
            super().__init__(FlashingCue())
            self.observation_space = spaces.Dict({"seen": self.env.observation_space})

        def observation(self, seen):
            return {"seen": seen}

    env = VecNormalize(DummyVecEnv([AsDict] * 2), norm_obs_keys=["seen"])
    model = RecurrentDQN(
        "MultiInputLstmPolicy", env, burn_in=2, policy_kwargs=HIDDEN, device="cpu", **SMALL
    ).learn(200)
    assert model._n_updates > 10
    sample = model.replay_buffer.sample(4, env=env)
    assert sample.observations["seen"].shape == (2 + 8 + 3, 4, 2)
    raw = model.replay_buffer.sample(64)
    assert set(raw.observations["seen"][..., 0].round(decimals=5).unique().tolist()) <= {-1, 0, 1}


@pytest.mark.parametrize(
    "options", [{"n_steps": 0}, {"burn_in": -1}, {"sequence_length": 0}, {"batch_size": 0}]
)
def test_impossible_lengths_are_refused(options):
    with pytest.raises(ValueError, match="must be at least 1 and burn_in at least 0, got"):
        agent(**options)
