"""Games played to a quota, their summary, and the runs that hold agents."""

import zipfile
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest

from objwrappers.agents import evaluation
from objwrappers.agents.evaluation import summarise
from objwrappers.agents.players import EpsilonGreedy
from objwrappers.agents.quota import play_quota
from objwrappers.agents.runs import acts_greedily, find_archive, runs_with_agents

ENV = "ObjFrames-Pong-v0"


def test_the_published_median_over_seeds_by_hand():
    # Two agents, three seeds, two episodes.
    scores = np.array([[[1, 3], [10, 10], [4, 6]], [[3, 5], [20, 40], [6, 8]]], float)
    summary = summarise(scores)
    assert summary["seed_means"] == [3, 20, 6]
    assert summary["median_over_seeds"] == 6
    assert summary["std_of_median"] == pytest.approx(1.0)  # variances 1 and 1
    assert summary["agents"] == pytest.approx([34 / 6, 82 / 6])
    low, high = summary["iqm_interval"]
    assert low < summary["iqm"] < high
    even = summarise(scores[:, :2])
    assert even["median_over_seeds"] == 3


def test_a_single_episode_has_no_spread():
    summary = summarise(np.array([[[7.0]]]))
    assert summary["mean"] == summary["iqm"] == 7.0
    assert summary["standard_error"] is None and summary["iqm_interval"] is None


def test_neighbouring_seeds_share_no_game(monkeypatch):
    seeds = []

    def load_agent(*_, seed, num_envs, **__):
        seeds.append(set(range(seed, seed + num_envs)))
        return SimpleNamespace(predict=None, path=None), SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(evaluation, "load_agent", load_agent)
    monkeypatch.setattr(evaluation, "play_quota", lambda *_, **__: None)
    evaluation.evaluate(ENV, seeds=[1, 2, evaluation.FIRST_SEED])
    assert seeds == [set(range(16, 32)), set(range(32, 48)), set(range(1_000_000, 1_000_016))]


def test_each_env_plays_its_share_however_short_its_games():
    class Env:
        """Games of env i last i + 1 steps and score 10·i + their number."""

        num_envs = 3

        def reset(self):
            self.steps, self.games = np.zeros(3, int), np.zeros(3, int)
            return self.steps

        def step(self, actions):
            assert actions == "greedy"
            self.steps += 1
            dones = self.steps == np.arange(3) + 1
            infos = [{} for _ in dones]
            for i in np.flatnonzero(dones):
                infos[i] = {"episode": {"r": 10 * i + self.games[i], "l": self.steps[i], "t": 0}}
                self.games[i] += 1
                self.steps[i] = 0
            return self.steps, np.ones(3), dones, infos

    class Policy:
        starts = ()

        def predict(self, observation, state, episode_start, deterministic):
            self.starts += (episode_start.tolist(),)
            return "greedy" if deterministic else "sampled", state

    policy = Policy()
    games = play_quota(policy.predict, Env(), 5, deterministic=True)
    assert games.scores == [0.0, 10.0, 11.0, 20.0, 21.0]
    assert games.lengths == [1, 2, 2, 3, 3]
    assert games.done_per_env == [6, 3, 2]
    assert len(games.elapsed_time) == 5
    assert policy.starts[:3] == ([True] * 3, [True, False, False], [True, True, False])


def test_epsilon_is_the_share_of_random_actions():
    class Env:
        action_space = gym.spaces.Discrete(4)
        num_envs = 1_000

    class Constant:
        def predict(self, observation, state=None):
            return np.full(1_000, 9), state

    for epsilon in (0.0, 0.25, 1.0):
        policy = EpsilonGreedy(Constant().predict, Env(), epsilon, seed=0)
        actions, state = policy.predict(None, state="kept")
        assert (actions != 9).mean() == pytest.approx(epsilon, abs=0.05) and state == "kept"
        assert set(actions) <= {0, 1, 2, 3, 9}
        again, _ = EpsilonGreedy(Constant().predict, Env(), epsilon, seed=0).predict(None)
        assert np.array_equal(actions, again)


def test_value_based_agents_are_greedy_and_policies_on_atari_sample():
    assert acts_greedily("rdqn", ENV) and acts_greedily("qrdqn", ENV)
    assert not acts_greedily("ppo", ENV) and not acts_greedily("random", ENV)
    assert acts_greedily("ppo", "CartPole-v1")


def test_a_run_without_an_agent_is_passed_over(tmp_path):
    for number, archive in ((1, f"{ENV}.zip"), (2, "best_model.zip"), (10, f"{ENV}.zip"), (11, "")):
        run = tmp_path / "rdqn" / f"{ENV}_{number}"
        run.mkdir(parents=True)
        if archive:
            zipfile.ZipFile(run / archive, "w").close()
    assert runs_with_agents("rdqn", ENV, tmp_path) == [1, 10]
    assert runs_with_agents("rdqn", ENV, tmp_path, "best_model.zip") == [2]
    assert runs_with_agents("ppo", ENV, tmp_path) == []
    cut = tmp_path / "rdqn" / f"{ENV}_10" / f"{ENV}.zip"
    cut.write_bytes(b"PK cut off")
    assert runs_with_agents("rdqn", ENV, tmp_path) == [1]
    assert find_archive("rdqn", ENV, tmp_path).parent.name == f"{ENV}_1"
    with pytest.raises(FileNotFoundError, match=r"no rdqn agent .* in run 10 .*objwrappers.train"):
        find_archive("rdqn", ENV, tmp_path, exp_id=10)
