import json

import gymnasium as gym
import numpy as np
from demonstrated import demonstrate, write_translation
from opengl import needs_opengl
from stable_baselines3 import A2C

import objwrappers  # noqa: F401

ENV = "ObjFrames-Pong-v0"


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


def test_a_seed_repeats_the_games_of_an_agent_that_samples(run_zoo, tmp_path, agent_writer):
    agent_writer(A2C("CnnPolicy", gym.make(ENV), seed=0, device="cpu"), "a2c", ENV, "logs")
    options = ["--algo", "a2c", "--env", ENV, "--num-envs", 2, "--episodes", 2, "--device", "cpu"]
    options += ["--env-kwargs", "max_num_frames_per_episode:4000", "repeat_action_probability:0.0"]
    run_zoo("evaluate", *options, "--seeds", 1, 2, 1, "--json", "s.json")
    first, second, again = json.loads((tmp_path / "s.json").read_text())["scores"][0]
    assert first == again and (first != second or first != [0, 0])


def test_seeds_and_epsilon_out_of_range_are_named(run_zoo):
    error = run_zoo("evaluate", "--env", ENV, "--seeds", 3, -5, ok=False).stderr
    assert "seeds must not be negative, got -5" in error and "Traceback" not in error
    error = run_zoo("evaluate", "--env", ENV, "--epsilon", 5, ok=False).stderr
    assert "epsilon is a share, from 0 to 1, got 5.0" in error and "Traceback" not in error


def test_a_folder_without_agents_is_named(run_zoo, tmp_path):
    (tmp_path / "empty").mkdir()
    options = ["--algo", "rdqn", "--env", ENV, "-f", tmp_path / "empty"]
    for more in ([], ["--all-runs"]):
        error = run_zoo("evaluate", *options, *more, ok=False).stderr
        assert "Train an" in error or "Train one" in error
        assert str(tmp_path / "empty") in error and "Traceback" not in error


@needs_opengl
def test_imitators_beside_their_expert(run_zoo, tmp_path):
    demonstrate(tmp_path / "demos", horizon=14)
    write_translation(tmp_path / "model")
    env = ["--env", "IfO-reacher-hard-v0", "--device", "cpu"]
    where = ["demonstration:demos", "weights:model"]
    run_zoo(
        *("train", "--algo", "sac", *env, "-n", 40, "--eval-freq", -1, "--seed", 0),
        *("--env-kwargs", *where, "-params", "learning_starts:10"),
    )
    options = ["--env-kwargs", "split:held-out", "num_demonstrations:null", "--json", "rows.json"]
    output = run_zoo("evaluate", "--algo", "sac", *env, *options).stdout
    head, *lines = output.splitlines()
    assert head.split() == [
        *("player", "return", "share", "success", "joint", "rad", "cost", "episodes")
    ]
    assert [line.split()[0] for line in lines[:3]] == ["expert", *lines[1].split()[:1], "random"]
    assert "IfO-reacher-hard-v0_1" in lines[1] and lines[1].split()[-1] == "2"
    rows = json.loads((tmp_path / "rows.json").read_text())["table"]
    assert rows[0]["share"] == 1.0 and rows[1]["episodes"] == 2
    film = run_zoo("record", "--algo", "sac", *env, "-n", 4, "-o", "film.mp4").stdout
    assert "film.mp4" in film and (tmp_path / "film.mp4").stat().st_size > 1000
    for extra, message in (
        (("--epsilon", 0.5), "--epsilon is not an option of imitators"),
        (("--seeds", 1, 2), "give one seed"),
    ):
        assert message in run_zoo("evaluate", "--algo", "sac", *env, *extra, ok=False).stderr
