"""Agents see what they saw when they were trained, whatever an id's own model is by now."""

import pytest
import yaml

from objwrappers.agents.envs import make_env, with_model
from objwrappers.agents.loading import read_training


def test_new_files_tell_the_model_and_old_ones_are_of_the_former_one():
    env_id = "ObjKeypoints-Pong-v0"
    assert with_model(env_id, {"noise": "both"}) == {"model": "light", "noise": "both"}
    assert with_model(env_id, {}, former=True) == {"model": "motion"}
    assert with_model(env_id, {"model": "permakey"}, former=True) == {"model": "permakey"}
    # Weights say whose they are.
    assert with_model(env_id, {"weights": "mine"}) == {"weights": "mine"}
    for other in ("ObjFrames-Pong-v0", "ObjScene-Pong-v0", "CartPole-v1"):
        assert with_model(other, {}) == with_model(other, {}, former=True) == {}


def test_agents_in_rl_zoos_own_format_are_of_the_former_one(tmp_path):
    env_id = "ObjKeypoints-Pong-v0"
    (tmp_path / env_id).mkdir()
    (tmp_path / env_id / "config.yml").write_text(yaml.dump({"n_envs": 1}))
    training = read_training(tmp_path / f"{env_id}.zip", env_id, trust=True)
    assert training.env_kwargs == {"model": "motion"}


def test_observations_on_the_device_are_not_for_programs():
    with pytest.raises(ValueError, match="rollout_buffer_class=objwrappers"):
        make_env("ObjKeypoints-Pong-v0", 2, {"observation": "device"})
