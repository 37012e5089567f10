import argparse
import json
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import A2C

import objwrappers  # noqa: F401

ZOO = Path(__file__).parents[2] / "zoo"
ENV = "ObjFrames-Pong-v0"


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.syspath_prepend(str(ZOO))
    monkeypatch.setattr(sys, "argv", ["evaluate.py"])
    import evaluate

    return evaluate


def test_the_interquartile_mean_leaves_a_quarter_out_at_each_end(evaluate):
    assert evaluate.interquartile_mean(np.array([[-99, 1], [2, 3], [4, 5], [6, 1e6]])) == 3.5


def test_the_published_median_over_seeds_by_hand(evaluate):
    # Two agents, three seeds, two episodes.
    scores = np.array([[[1, 3], [10, 10], [4, 6]], [[3, 5], [20, 40], [6, 8]]], float)
    summary = evaluate.summarise(scores)
    assert summary["seed_means"] == [3, 20, 6]
    assert summary["median_over_seeds"] == 6
    assert summary["std_of_median"] == pytest.approx(1.0)  # variances 1 and 1
    assert summary["agents"] == pytest.approx([34 / 6, 82 / 6])
    low, high = summary["iqm_interval"]
    assert low < summary["iqm"] < high
    even = evaluate.summarise(scores[:, :2])
    assert even["median_over_seeds"] == 3


def test_a_single_episode_has_no_spread(evaluate):
    summary = evaluate.summarise(np.array([[[7.0]]]))
    assert summary["mean"] == summary["iqm"] == 7.0
    assert summary["standard_error"] is None and summary["iqm_interval"] is None


def test_a_random_policy_on_several_seeds(run_zoo, tmp_path):
    options = ["--algo", "random", "--env", ENV, "--num-envs", 2, "--episodes", 2]
    limit = ["--env-kwargs", "max_num_frames_per_episode:400"]
    output = run_zoo("evaluate", *options, "--seeds", 1, 2, 1, "--json", "s.json", *limit).stdout
    result = json.loads((tmp_path / "s.json").read_text())
    assert np.shape(result["scores"]) == (1, 3, 2)
    assert result["scores"][0][0] == result["scores"][0][2], "a seed repeats its episodes"
    assert result["paths"] == ["random"]
    assert result["rewards"] == np.ravel(result["scores"]).tolist()
    assert result["lengths"] == [100] * 6 and result["done_per_env"] == [1] * 6
    assert len(result["elapsed_time"]) == 6 and min(result["elapsed_time"]) > 0
    assert "median over seeds" in output and "interquartile mean" in output


def test_a_seed_repeats_the_games_of_an_agent_that_samples(run_zoo, tmp_path):
    agent = A2C("CnnPolicy", gym.make(ENV), seed=0, device="cpu")
    run = tmp_path / "logs" / "a2c" / f"{ENV}_1"
    run.mkdir(parents=True)
    agent.save(run / f"{ENV}.zip")
    options = ["--algo", "a2c", "--env", ENV, "--num-envs", 2, "--episodes", 2, "--device", "cpu"]
    options += ["--env-kwargs", "max_num_frames_per_episode:4000", "repeat_action_probability:0.0"]
    run_zoo("evaluate", *options, "--seeds", 1, 2, 1, "--json", "s.json")
    first, second, again = json.loads((tmp_path / "s.json").read_text())["scores"][0]
    assert first == again and (first != second or first != [0, 0])


def test_neighbouring_seeds_share_no_game(evaluate, monkeypatch):
    played = []

    class Env:
        def seed(self, seed):
            played.append(set(range(seed, seed + 16)))

        def close(self):
            pass

    monkeypatch.setattr(evaluate, "make_vec_env", lambda *_: Env())
    monkeypatch.setattr(evaluate, "RandomPolicy", lambda *_: None)
    monkeypatch.setattr(evaluate, "play_quota", lambda *_, **__: None)
    arguments = argparse.Namespace(
        algo="random",
        env=ENV,
        num_envs=16,
        episodes=1,
        deterministic=False,
        epsilon=0.0,
        env_kwargs={},
    )
    for seed in (1, 2, evaluate.FIRST_SEED):
        evaluate.play(None, arguments, seed)
    assert played == [set(range(16, 32)), set(range(32, 48)), set(range(1_000_000, 1_000_016))]


def test_each_env_plays_its_share_however_short_its_games(evaluate):
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
    games = evaluate.play_quota(policy, Env(), 5, deterministic=True)
    assert games.scores == [0.0, 10.0, 11.0, 20.0, 21.0]
    assert games.lengths == [1, 2, 2, 3, 3]
    assert games.done_per_env == [6, 3, 2]
    assert len(games.elapsed_time) == 5
    assert policy.starts[:3] == ([True] * 3, [True, False, False], [True, True, False])


def test_epsilon_is_the_share_of_random_actions(evaluate):
    class Env:
        action_space = gym.spaces.Discrete(4)
        num_envs = 1_000

    class Constant:
        def predict(self, observation, state=None):
            return np.full(1_000, 9), state

    for epsilon in (0.0, 0.25, 1.0):
        policy = evaluate.EpsilonGreedy(Constant(), Env(), epsilon, seed=0)
        actions, state = policy.predict(None, state="kept")
        assert (actions != 9).mean() == pytest.approx(epsilon, abs=0.05) and state == "kept"
        assert set(actions) <= {0, 1, 2, 3, 9}
        again, _ = evaluate.EpsilonGreedy(Constant(), Env(), epsilon, seed=0).predict(None)
        assert np.array_equal(actions, again)


def test_value_based_agents_are_greedy_and_policies_on_atari_sample(evaluate):
    from players import acts_greedily

    assert acts_greedily("rdqn", ENV) and acts_greedily("qrdqn", ENV)
    assert not acts_greedily("ppo", ENV) and not acts_greedily("random", ENV)
    assert acts_greedily("ppo", "CartPole-v1")


def test_a_run_without_an_agent_is_passed_over(evaluate, tmp_path):
    from players import runs_with_agents

    for number, archive in ((1, f"{ENV}.zip"), (2, "best_model.zip"), (10, f"{ENV}.zip"), (11, "")):
        run = tmp_path / "rdqn" / f"{ENV}_{number}"
        run.mkdir(parents=True)
        if archive:
            (run / archive).touch()
    assert runs_with_agents("rdqn", ENV, str(tmp_path)) == [1, 10]
    assert runs_with_agents("rdqn", ENV, str(tmp_path), load_best=True) == [2]
    assert runs_with_agents("ppo", ENV, str(tmp_path)) == []


def test_seeds_and_epsilon_out_of_range_are_named(run_zoo):
    error = run_zoo("evaluate", "--env", ENV, "--seeds", 3, -5, ok=False).stderr
    assert "--seeds must not be negative, got -5" in error and "Traceback" not in error
    error = run_zoo("evaluate", "--env", ENV, "--epsilon", 5, ok=False).stderr
    assert "--epsilon is a share, from 0 to 1, got 5.0" in error and "Traceback" not in error


def test_a_folder_without_agents_is_named(run_zoo, tmp_path):
    (tmp_path / "empty").mkdir()
    options = ["--algo", "rdqn", "--env", ENV, "-f", tmp_path / "empty"]
    for more in ([], ["--all-runs"]):
        error = run_zoo("evaluate", *options, *more, ok=False).stderr
        assert "Train an" in error or "Train one" in error
        assert str(tmp_path / "empty") in error and "Traceback" not in error
