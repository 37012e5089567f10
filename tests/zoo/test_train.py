"""zoo/train.py and zoo/enjoy.py, and zoo/record.py with the agent that they share."""

from __future__ import annotations

import csv
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from stable_baselines3 import PPO

from objwrappers.agents.manager import VectorExperimentManager
from objwrappers.datasets.frames import read_frames
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.sb3 import RecurrentDQN

ZOO = Path(__file__).parents[2] / "zoo"
ENV = "ObjKeypoints-MsPacman-v0"
TINY = ["-params", "n_envs:2", "n_steps:64", "batch_size:64", "n_epochs:1"]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Untrained keypoints: K = 3, F = 8."""
    torch.manual_seed(0)
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Any:
    """zoo/train.py as a module; in this process a run costs no imports."""
    monkeypatch.syspath_prepend(str(ZOO))
    monkeypatch.setattr(sys, "argv", ["train.py"])
    import train

    return train


def test_env_kwargs_of_the_command_line_are_added_to_those_of_the_file(
    run_zoo: Any, tmp_path: Path, weights: Path
) -> None:
    entry = {
        "policy": "MultiInputPolicy",
        "n_timesteps": 8,
        "n_steps": 4,
        "batch_size": 4,
        "env_kwargs": {"noop_max": 30, "frameskip": 3},
    }
    (tmp_path / "my.yml").write_text(yaml.safe_dump({ENV: entry}))
    options = ["--algo", "ppo", "--env", ENV, "-f", "runs", "--conf-file", "my.yml"]
    run_zoo(
        "train", *options, "--env-kwargs", f"weights:'{weights}'", "frameskip:2", "model:motion"
    )
    saved = tmp_path / "runs" / "ppo" / f"{ENV}_1" / ENV
    for name in ("args.yml", "config.yml"):
        options = yaml.unsafe_load((saved / name).read_text())["env_kwargs"]
        expected = {"noop_max": 30, "frameskip": 2, "weights": str(weights), "model": "motion"}
        assert options == expected


def test_train_then_enjoy_then_record(run_zoo: Any, tmp_path: Path, weights: Path) -> None:
    options = ["--algo", "ppo", "--env", ENV, "--device", "cpu", "-f", "runs"]
    # Episodes of 40 steps: some end, so that terminal observations and scores are met. No life
    # is lost that early; what plays the agent must not hand the option on to a single env.
    env_kwargs = [f"weights:'{weights}'", "max_num_frames_per_episode:160", "life_loss_info:True"]
    # As the family has it: keypoints as they are, in a stack.
    plain = ["relations:False", "map:False"]
    params = [*TINY, "policy:'MultiInputPolicy'", "frame_stack:4"]
    budget = ["-n", 256, "--eval-freq", 128, "--eval-episodes", 1, "--seed", 3]
    output = run_zoo(
        "train", *options, *budget, "--env-kwargs", *env_kwargs, *plain, *params
    ).stdout
    run = tmp_path / "runs" / "ppo" / f"{ENV}_1"
    assert f"Wrote the agent runs/ppo/{ENV}_1/{ENV}.zip" in output
    assert f"python zoo/enjoy.py --algo ppo --env {ENV} -f runs" in output

    model = PPO.load(run / f"{ENV}.zip", device="cpu")
    assert model.num_timesteps == 256 and model.n_envs == 2 and model.seed == 3
    shapes = {key: space.shape for key, space in model.observation_space.spaces.items()}
    assert shapes == {"keypoints": (3, 8), "present": (12,), "features": (3, 32)}
    assert list(np.load(run / "evaluations.npz")["timesteps"]) == [128, 256]
    header, _, *episodes = (run / "0.monitor.csv").read_text().splitlines()
    assert f'"env_id": "{ENV}"' in header
    games = [(int(length), int(steps)) for _, length, _, steps in csv.reader(episodes)]
    # Both envs end their games together, every 40 steps of each.
    assert games == [(40, steps) for steps in (80, 80, 160, 160, 240, 240)]
    config = yaml.unsafe_load((run / ENV / "config.yml").read_text())
    assert config["n_steps"] == 64 and config["frame_stack"] == 4, "defaults, and -params on top"
    assert list((tmp_path / "runs" / "tensorboard" / ENV).rglob("events.*"))

    (run.parent / f"{ENV}_2").mkdir()  # a training that goes on has no agent yet
    output = run_zoo("enjoy", *options, "-n", 100, "--no-render").stdout
    assert output.count("length 40") == 2, "with the env_kwargs of the training"

    evaluate = [
        "--env",
        ENV,
        "--device",
        "cpu",
        "--episodes",
        2,
        "--num-envs",
        2,
        "--json",
        "s.json",
    ]
    output = run_zoo("evaluate", "--algo", "ppo", "-f", "runs", *evaluate).stdout
    assert "2 episodes of 40 steps" in output
    result = json.loads((tmp_path / "s.json").read_text())
    assert result["lengths"] == [40, 40]
    assert f"mean score {np.mean(result['scores']):.1f}" in output

    agent = ["--algo", "ppo", "--env", ENV, "-f", "runs"]
    run_zoo("collect", "--game", "MsPacman", *agent, "-n", 256, "--num-envs", 2, "--folder", "fr")
    frames = read_frames(tmp_path / "fr")
    assert frames.frames.shape == (128, 2, 84, 84, 3)
    # Episodes of 40 steps: terminal frames make way for the first ones of the next episode.
    assert frames.starts[:, 0].nonzero().flatten().tolist() == [0, 40, 80, 120]

    # The agent is found from any folder, its film has the enlarged size.
    output = run_zoo("record", *options, "-n", 50, "-o", "agent.mp4").stdout
    assert "Wrote agent.mp4: 50 frames, 3.3 s at 15 fps." in output
    assert f"ppo agent runs/ppo/{ENV}_1/{ENV}.zip" in output
    assert (tmp_path / "agent.mp4").stat().st_size > 1000


def test_envs_are_native_and_evaluated_unnormalised(tmp_path: Path) -> None:
    from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

    from objwrappers.sb3 import GymVecEnv
    from objwrappers.sb3.monitor import GameMonitor

    manager = VectorExperimentManager(
        None, "ppo", ENV, str(tmp_path), device="cpu", verbose=0, seed=2**32 - 1,
        env_kwargs={"model": MotionKeypoints(num_keypoints=3, width=8).eval()},
    )  # fmt: skip
    manager.normalize, manager.frame_stack = True, 4
    manager.normalize_kwargs = {"norm_obs": False, "norm_reward": True}
    assert manager.deterministic_eval is False
    for eval_env in (False, True):
        layers = [manager.create_envs(3, eval_env=eval_env, no_log=True)]
        while hasattr(layers[-1], "venv"):
            layers.append(layers[-1].venv)
        assert [type(layer) for layer in layers] == [
            VecFrameStack, VecNormalize, GameMonitor, GymVecEnv
        ]  # fmt: skip
        assert layers[1].norm_reward is not eval_env and layers[1].training is not eval_env
        assert layers[0].num_envs == 3 and layers[0].reset()["keypoints"].shape == (3, 3, 8)


def test_a_family_has_hyperparameters_for_all_its_games(tmp_path: Path) -> None:
    conf = str(ZOO.parent / "hyperparams" / "ppo.yml")
    read = {}
    for game in ("MsPacman", "Zaxxon"):  # with an entry of its own, and without
        for family in ("ObjFrames", "ObjKeypoints"):
            env_id = f"{family}-{game}-v0"
            manager = VectorExperimentManager(
                None, "ppo", env_id, str(tmp_path), config=conf, verbose=0
            )
            read[family, game] = manager.read_hyperparameters()[1]
            assert manager.env_name == env_id
    assert read["ObjFrames", "Zaxxon"] == read["ObjFrames", "MsPacman"]
    known = read["ObjKeypoints", "MsPacman"]
    assert known["policy"] == "objwrappers.sb3.policies.ObjectPolicy", "its player is known"
    assert known["env_kwargs"] == {"relations": True, "map": True}
    assert read["ObjFrames", "Zaxxon"]["policy"] == "objwrappers.sb3.policies.FLSPolicy"
    assert read["ObjFrames", "Zaxxon"]["n_timesteps"] == 5e7
    assert read["ObjKeypoints", "Zaxxon"]["policy"] == "MultiInputPolicy"
    assert "frame_stack" not in read["ObjFrames", "Zaxxon"], "its env stacks"


@pytest.mark.slow
def test_the_published_protocol_in_little(run_zoo: Any, tmp_path: Path) -> None:
    env_id = "ObjFrames-Breakout-v0"
    options = ["--algo", "ppo", "--env", env_id, "-f", "runs"]
    train_options = ["-n", 1024, "--seed", 1, "--network", "cnn", "--eval-freq", -1]
    run_zoo("train", *options, "--device", "cpu", *train_options)
    run = tmp_path / "runs" / "ppo" / f"{env_id}_1"
    config = json.loads((run / "config.json").read_text())
    assert config["hyperparams"]["policy_kwargs"] == {"network": "cnn"}
    assert (config["seed"], config["trained_timesteps"]) == (1, 1024)
    losses = {"loss", "value_loss", "policy_gradient_loss", "entropy_loss"}
    assert config["losses"].keys() == losses
    assert -math.log(4) <= config["losses"]["entropy_loss"] < -1.3, "of four actions, nearly alike"
    assert config["command"].endswith("--seed 1 --network cnn --eval-freq -1")

    model = PPO.load(run / f"{env_id}.zip", device="cpu")
    assert sum(p.numel() for p in model.policy.parameters()) == 1_686_693
    assert (model.n_envs, model.n_steps, model.batch_size, model.n_epochs) == (8, 128, 256, 4)
    assert (model.vf_coef, model.ent_coef, model.clip_range_vf(1)) == (0.25, 0.01, 0.1)
    assert (model.lr_schedule(1), model.lr_schedule(0.5)) == (2.5e-4, 1.25e-4)
    assert model.policy.optimizer.defaults["eps"] == 1e-5
    # Five lives a game: the games of 1024 steps are not as many as the lives.
    games = (run / "0.monitor.csv").read_text().splitlines()[2:]
    assert [float(game.split(",")[1]) > 100 for game in games] == [True] * len(games)

    continued = [
        "--algo",
        "ppo",
        "--env",
        env_id,
        "-f",
        "more",
        "-n",
        8,
        "-i",
        run / f"{env_id}.zip",
    ]
    error = run_zoo("train", *continued, "--network", "cnn_daqn", ok=False).stderr
    assert "--network goes neither with -i nor with -optimize" in error

    # Nothing but config.json and the archive is needed to play: FIRE and no-ops among it.
    shutil.rmtree(run / env_id)
    watched = run_zoo("enjoy", *options, "-n", 5, "--no-render")
    assert "Loaded runs" in watched.stdout
    evaluate = ["evaluate", *options, "--episodes", 2, "--num-envs", 2, "--device", "cpu"]
    assert "2 episodes of" in run_zoo(*evaluate).stdout
    wrong = run_zoo(*evaluate, "--env-kwargs", "stack_num:3", ok=False)
    assert "was trained on observations of (4, 84, 84), but" in wrong.stderr
    assert "has (3, 84, 84): give those of its training" in wrong.stderr
    (run / "config.json").write_text("{")
    assert "config.json is damaged" in run_zoo(*evaluate, ok=False).stderr


@pytest.mark.parametrize(
    "algo",
    [
        pytest.param("a2c", marks=pytest.mark.slow),
        "dqn",
        pytest.param("qrdqn", marks=pytest.mark.slow),
    ],
)
def test_other_algorithms_take_the_same_networks(run_zoo: Any, tmp_path: Path, algo: str) -> None:
    options = ["--algo", algo, "--env", "ObjFrames-Pong-v0", "--device", "cpu", "-f", "runs"]
    small = [] if algo == "a2c" else ["-params", "learning_starts:20", "buffer_size:100"]
    network = ["--network", "cnn_sparse_fls_pool"]
    run_zoo("train", *options, "-n", 40, "--eval-freq", -1, *network, *small)
    run = tmp_path / "runs" / algo / "ObjFrames-Pong-v0_1"
    config = json.loads((run / "config.json").read_text())
    assert config["hyperparams"]["policy_kwargs"]["network"] == "cnn_sparse_fls_pool"
    assert (run / "ObjFrames-Pong-v0.zip").exists()


def test_other_ids_train_as_rl_zoo_trains_them(train: Any, tmp_path: Path) -> None:
    arguments = ["--env", "CartPole-v1", "-n", "256", "--eval-freq", "-1", "--device", "cpu"]
    train.main([*arguments, "-f", str(tmp_path)])
    model = PPO.load(tmp_path / "ppo" / "CartPole-v1_1" / "CartPole-v1.zip", device="cpu")
    assert model.n_envs == 8 and model.gae_lambda == 0.8, "RL Zoo's own hyperparameters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "ObjKeypoints-MsPackman-v0"], "Did you mean 'ObjKeypoints-MsPacman-v0'"),
        (["--env", "objframes-pong-v0"], "Did you mean 'ObjFrames-Pong-v0'"),
        (["--env", "ObjFrames-Pong-v0", "--algo", "td3"], "no hyperparameters for --algo td3"),
        (["--env", "ObjFrames-Pong-v0", "--env-kwargs", "frameskip:0"], "positive integer, got 0"),
        (["--env", ENV, "--env-kwargs", "model:motiom"], "Did you mean 'motion'"),
        (
            ["--env", "ObjKeypoints-Zaxxon-v0", "--env-kwargs", "model:permakey"],
            "python zoo/pretrain.py --model permakey --game Zaxxon",
        ),
        (["--env", ENV, "--gym-packages", "no_such_package"], "no_such_package"),
        (["--env", ENV, "--env-kwargs", "features:map", "--algo", "rdqn"], 'features="pooled"'),
        (["--env", ENV, "--algo", "rdqn", "-params", "n_steps:0"], "n_steps must be a positive"),
        (["--env", "ObjFrames-Pong-v0", "--algo", "rdqn"], "Hyperparameters not found"),
        (["--env", ENV, "--env-kwargs", "num_keypoints:3"], "-params num_keypoints:3"),
        (["--env", "ObjFrames-Pong-v0", "--network", "cnn_x"], "There are cnn, .*dense_fls_norelu"),
        (["--env", ENV, "--network", "cnn"], "look at images"),
        (
            ["--env", ENV, "--algo", "rdqn", "--network", "cnn"],
            "is an option of ppo, a2c",
        ),
    ],
)
def test_errors_are_one_message_and_leave_nothing(
    train: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(SystemExit, match=message) as error:
        train.main([*arguments, "-f", str(tmp_path / "runs"), "--device", "cpu"])
    assert isinstance(error.value.code, str), "which Python prints, with exit code 1"
    assert not list((tmp_path / "runs").glob("ppo/*"))


@pytest.mark.parametrize("algo", ["dqn", "qrdqn"])
def test_value_based_agents_train_on_keypoints(
    run_zoo: Any, tmp_path: Path, weights: Path, algo: str
) -> None:
    options = ["--algo", algo, "--env", ENV, "--device", "cpu", "-f", "runs", "--eval-freq", -1]
    small = ["-params", "learning_starts:20", "buffer_size:100"]
    run_zoo("train", *options, "-n", 60, "--env-kwargs", f"weights:'{weights}'", *small)
    assert (tmp_path / "runs" / algo / f"{ENV}_1" / f"{ENV}.zip").exists()


def test_enjoy_without_an_agent(run_zoo: Any, tmp_path: Path) -> None:
    result = run_zoo("enjoy", "--algo", "ppo", "--env", ENV, ok=False)
    assert "Train one: python zoo/train.py --algo ppo" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_recurrent_agents_train_score_and_are_watched(
    run_zoo: Any, tmp_path: Path, weights: Path
) -> None:
    options = ["--algo", "rdqn", "--env", ENV, "--device", "cpu", "-f", "runs"]
    params = ["-params", "learning_starts:60", "buffer_size:400", "n_envs:2"]
    limits = [f"weights:'{weights}'", "max_num_frames_per_episode:120", "life_loss_info:True"]
    limits += ["reward_clipping:True"]
    budget = ["-n", 120, "--eval-freq", 60, "--eval-episodes", 1, "--env-kwargs", *limits]
    run_zoo("train", *options, *budget, *params)
    model = RecurrentDQN.load(tmp_path / "runs" / "rdqn" / f"{ENV}_1" / f"{ENV}.zip")
    assert model._n_updates >= 25 and model.num_timesteps == 120
    limit = [f"weights:'{weights}'", "max_num_frames_per_episode:120"]
    output = run_zoo("evaluate", *options, "--episodes", 4, "--num-envs", 2).stdout
    assert "4 episodes of" in output
    run_zoo("enjoy", *options, "-n", 40, "--no-render")
    film = tmp_path / "film.gif"
    run_zoo("record", *options, "-n", 5, "-o", film, "--env-kwargs", *limit)
    assert film.exists()
