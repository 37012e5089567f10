"""Keypoints of every game work out of the box, and say nothing about it."""

import warnings

import gymnasium as gym
import numpy as np
import pytest

import objwrappers  # noqa: F401
from objwrappers.games import GAMES
from objwrappers.perception.loading import load_model
from objwrappers.pretraining.game_sets import GAME_SETS

BENCHMARK = GAME_SETS["atari57"]
REST = [game for game in GAMES if game not in BENCHMARK]
STEPPED = [*BENCHMARK, *(pytest.param(game, marks=pytest.mark.slow) for game in REST)]


@pytest.mark.parametrize("game", STEPPED)
def test_keypoints_of_every_game_step_without_a_message(game, capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nothing that was trained here
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(f"ObjKeypoints-{game}-v0", runtime="torch")
        env.reset(seed=0)
        observation = env.step(env.action_space.sample())[0]
        env.close()
    assert capfd.readouterr() == ("", "")
    assert env.observation_space.contains(observation)
    assert np.abs(observation["keypoints"]).max() <= 1


@pytest.mark.parametrize("game", GAMES)
def test_bundled_keypoints_of_every_game_are_of_that_game(game):
    model = load_model("light", game=game, device="cpu")
    assert model.record["trained_on"] == {"task": game, "noise": "none", "channels": "RGB"}
    assert 4 <= model.num_keypoints <= 50
