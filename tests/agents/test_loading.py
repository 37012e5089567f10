"""Agents read without pickles, and what is refused."""

import json
import pickle
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import yaml
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import nn

from objwrappers.agents import load_agent
from objwrappers.agents.loading import read_training
from objwrappers.agents.normalization import load_statistics, save_statistics, statistics_path
from objwrappers.agents.saving import describe_policy, save_agent

BUNDLED = Path(__file__).parents[2] / "zoo" / "agents"
BREAKOUT = "ObjFrames-Breakout-v0"


def write_run(folder, agent, env_id="CartPole-v1", algo="a2c", **hyperparams):
    run = folder / algo / f"{env_id}_1"
    run.mkdir(parents=True)
    save_agent(agent, run / f"{env_id}.zip")
    config = {"env_kwargs": {}, "hyperparams": hyperparams, **describe_policy(agent, algo)}
    (run / "config.json").write_text(json.dumps(config))
    return run


def normalised_agent(**options):
    env = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")] * 2), **options)
    agent = A2C("MlpPolicy", env, seed=0, device="cpu", n_steps=8)
    return agent.learn(64)


class Bomb:
    """Runs code where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("network", ["cnn", "cnn_sparse_fls"])
def test_a_bundled_agent_acts_as_stable_baselines_loads_it(network):
    kwargs = {"folder": BUNDLED / network, "seed": 3, "device": "cpu"}
    agent, env = load_agent("ppo", BREAKOUT, num_envs=2, **kwargs)
    peer = PPO.load(agent.path, device="cpu")
    observation = env.reset()
    for _ in range(50):
        actions, _ = agent.predict(observation, deterministic=True)
        np.testing.assert_array_equal(actions, peer.predict(observation, deterministic=True)[0])
        observation, *_ = env.step(actions)
    env.close()


def test_training_options_are_not_played_with():
    training = read_training(
        BUNDLED / "cnn" / "ppo" / f"{BREAKOUT}_1" / f"{BREAKOUT}.zip", BREAKOUT
    )
    assert training.env_kwargs["life_loss_info"] and training.env_kwargs["reward_clipping"]
    assert training.policy == "objwrappers.sb3.policies.FLSPolicy"
    _, env = load_agent("ppo", BREAKOUT, folder=BUNDLED / "cnn", device="cpu")
    env.reset()
    _, _, _, infos = env.step(np.zeros(1, int))
    assert "game_over" not in infos[0] and "raw_reward" not in infos[0]
    env.close()


def test_rl_zoos_own_format_needs_trust_and_then_runs_its_pickles(tmp_path):
    run = tmp_path / "ppo" / "CartPole-v1_1"
    (run / "CartPole-v1").mkdir(parents=True)
    PPO("MlpPolicy", gym.make("CartPole-v1"), device="cpu").save(run / "CartPole-v1.zip")
    (run / "CartPole-v1" / "config.yml").write_text(yaml.dump({"n_envs": 1}))
    bombed = run / "CartPole-v1" / "args.yml"
    marker = tmp_path / "ran"
    bombed.write_text(f"!!python/object/apply:pathlib.Path.touch [{yaml.dump(marker)}]")
    with pytest.raises(ValueError, match=r"pickles can run code. Read it by --trust"):
        load_agent("ppo", "CartPole-v1", folder=tmp_path, device="cpu")
    assert not marker.exists()
    bombed.unlink()
    agent, env = load_agent("ppo", "CartPole-v1", folder=tmp_path, device="cpu", trust=True)
    assert agent.predict(env.reset(), deterministic=True)[0].shape == (1,)
    env.close()


@pytest.mark.parametrize("options", [{}, {"norm_obs": False}, {"clip_obs": 2.0, "gamma": 0.9}])
def test_statistics_without_pickles_equal_the_pickled_ones(tmp_path, options):
    agent = normalised_agent(**options)
    write_run(tmp_path, agent, normalize=True)
    normalised = agent.get_vec_normalize_env()
    normalised.save(str(tmp_path / "peer.pkl"))
    _, env = load_agent("a2c", "CartPole-v1", folder=tmp_path, seed=5, device="cpu")
    with (tmp_path / "peer.pkl").open("rb") as file:
        peer = pickle.load(file)
    raw = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    ours = env if isinstance(env, VecNormalize) else env.venv
    np.testing.assert_array_equal(ours.normalize_obs(raw), peer.normalize_obs(raw))
    assert not ours.training and not ours.norm_reward
    assert ours.ret_rms.var == peer.ret_rms.var and ours.gamma == peer.gamma
    env.close()


def test_missing_or_foreign_statistics_are_named(tmp_path):
    run = write_run(tmp_path, normalised_agent(), normalize=True)
    path = statistics_path(run / "CartPole-v1.zip")
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"normalize.safetensors is missing: .*normalised"):
        load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")
    path.write_bytes(whole[:-9])
    with pytest.raises(ValueError, match="does not hold statistics of this env"):
        load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")
    other = DummyVecEnv([lambda: gym.make("MountainCar-v0")])
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"shape \(4,\) instead of \(2,\)"):
        load_statistics(path, other)
    # NaN would make every action the same.
    broken = normalised_agent().get_vec_normalize_env()
    broken.obs_rms.mean[0] = np.nan
    save_statistics(broken, path)
    with pytest.raises(ValueError, match="does not hold statistics of this env"):
        load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": "os.system"}, "Unknown policy of a2c 'os.system'"),
        ({"policy_kwargs": {"net_arch": [10**9]}}, "policy of 52,000,000,012 bytes"),
        ({"policy_kwargs": "dict(net_arch=[64])"}, "not tell in data alone .*--trust"),
        (
            {"hyperparams": {"env_wrapper": "os.path.join"}},
            r"not tell in data alone .*\(env_wrapper\).*--trust",
        ),
        ({"hyperparams": {"frame_stack": "many"}}, "damaged, or cannot be used"),
        ({"env_kwargs": None}, "damaged, or cannot be used"),
    ],
)
def test_a_config_of_a_stranger_ends_in_one_error(tmp_path, changes, message):
    run = write_run(tmp_path, A2C("MlpPolicy", gym.make("CartPole-v1"), device="cpu"))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(ValueError, match=message):
        load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")


def test_what_cannot_be_told_as_data_is_not_told():
    def agent(**kwargs):
        return A2C("MlpPolicy", gym.make("CartPole-v1"), device="cpu", policy_kwargs=kwargs)

    told = describe_policy(agent(net_arch=[8], activation_fn=nn.ReLU), "a2c")
    kwargs = told["policy_kwargs"]
    assert told["policy"] == "MlpPolicy"
    assert (kwargs["net_arch"], kwargs["activation_fn"]) == ([8], "nn.ReLU")
    assert describe_policy(agent(activation_fn=nn.Softplus), "a2c") == {}


def test_a_kill_while_saving_leaves_the_older_agent(tmp_path, monkeypatch):
    agent = normalised_agent()
    run = write_run(tmp_path, agent, normalize=True)
    before = (run / "CartPole-v1.zip").read_bytes()

    def cut(self, file, **_):
        file.write(b"PK cut")
        raise KeyboardInterrupt

    monkeypatch.setattr(type(agent), "save", cut)
    with pytest.raises(KeyboardInterrupt):
        save_agent(agent, run / "CartPole-v1.zip")
    assert (run / "CartPole-v1.zip").read_bytes() == before
    assert not list(run.glob(".*")), "nothing is left over"


def test_rewards_alone_need_no_statistics_and_pickled_ones_need_trust(tmp_path):
    run = write_run(tmp_path, normalised_agent(norm_obs=False), normalize={"norm_obs": False})
    statistics_path(run / "CartPole-v1.zip").unlink()
    agent, env = load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")
    assert agent.predict(env.reset())[0].shape == (1,)
    env.close()
    config = json.loads((run / "config.json").read_text())
    for told in (True, "dict(norm_obs=True, norm_reward=False)"):
        config["hyperparams"]["normalize"] = told
        (run / "config.json").write_text(json.dumps(config))
        (run / "CartPole-v1").mkdir(exist_ok=True)
        normalised_agent().get_vec_normalize_env().save(str(run / "CartPole-v1/vecnormalize.pkl"))
        with pytest.raises(ValueError, match=r"a pickle, vecnormalize.pkl.*--trust"):
            load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu")
        agent, env = load_agent("a2c", "CartPole-v1", folder=tmp_path, device="cpu", trust=True)
        assert isinstance(env, VecNormalize) and not env.training
        env.close()
