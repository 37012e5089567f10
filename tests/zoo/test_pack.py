"""Small archives: rounded weights that act alike."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC

from objwrappers.agents.packing import rounded
from objwrappers.agents.runs import EXPERTS, find_archive

ENV = "ObjFrames-Pong-v0"
BUNDLED = Path(__file__).parents[2] / "zoo" / "agents"


def test_numbers_keep_so_many_bits():
    given = torch.tensor([1.0, 1.24, 1.26, -1.26, 1.99, 0.0, 3e-39 * 0])
    # Two bits after the leading one: quarters between 1 and 2.
    assert rounded(given, 2).tolist() == [1.0, 1.25, 1.25, -1.25, 2.0, 0.0, 0.0]
    many = torch.randn(1000) * 0.01
    assert ((rounded(many, 6) - many).abs() <= many.abs() / 2**7).all()
    integers = torch.arange(3)
    assert rounded(integers, 2) is integers


@pytest.mark.slow
def test_a_packed_agent_is_small_and_plays_alike(run_zoo, tmp_path):
    options = ["--algo", "ppo", "--env", ENV]
    tiny = ["-params", "n_envs:2", "n_steps:16", "batch_size:32"]
    run_zoo("train", *options, "-f", "runs", "-n", 32, "--eval-freq", -1, "--seed", 3, *tiny)
    output = run_zoo("pack", *options, "-f", "runs", "-o", "packed").stdout
    assert f"python zoo/evaluate.py --algo ppo --env {ENV} -f packed" in output
    before = tmp_path / "runs" / "ppo" / f"{ENV}_1"
    after = tmp_path / "packed" / "ppo" / f"{ENV}_1"
    archive = f"{ENV}.zip"
    assert (after / archive).stat().st_size < (before / archive).stat().st_size / 7
    config = json.loads((after / "config.json").read_text())
    assert config["packed"] == {"mantissa_bits": 6}
    assert config["command"] == (
        f"python zoo/train.py --algo ppo --env {ENV} -n 32 --eval-freq -1 --seed 3 -params "
        "n_envs:2 n_steps:16 batch_size:32"
    )
    assert b"runs" not in zipfile.ZipFile(after / archive).read("data"), "where it was trained"
    assert (after / "0.monitor.csv").exists()

    models = [PPO.load(run / archive, device="cpu") for run in (before, after)]
    observations = np.random.default_rng(0).integers(0, 256, (8, 4, 84, 84), np.uint8)
    probabilities = [
        model.policy.get_distribution(torch.as_tensor(observations)).distribution.probs
        for model in models
    ]
    torch.testing.assert_close(*probabilities, rtol=0.02, atol=1e-3)

    # FIRE, no sticky actions: the env's options come from config.json.
    run_zoo("enjoy", *options, "-f", "packed", "-n", 5, "--no-render")
    run_zoo("evaluate", *options, "-f", "packed", "--episodes", 1, "--num-envs", 1,
            "--env-kwargs", "max_num_frames_per_episode:40")  # fmt: skip
    error = run_zoo("pack", *options, "-f", "runs", "-o", "packed", ok=False).stderr
    assert "packed/ppo/ObjFrames-Pong-v0_1 exists; remove it first" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mantissa-bits", 0], "mantissa_bits must be from 1 to 22, got 0"),
        ([], "logs holds no ppo agent of ObjFrames-Pong-v0"),
    ],
)
def test_errors_are_one_message(run_zoo, arguments, message):
    error = run_zoo("pack", "--env", ENV, "-o", "packed", *arguments, ok=False).stderr
    assert message in error and "Traceback" not in error


def test_bundled_agents_are_small_and_tell_how_they_were_made():
    assert sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()) <= 10e6
    runs = sorted(path.parent for path in BUNDLED.glob("*/ppo/*/*.zip"))
    assert {(run.parents[1].name, run.name) for run in runs} == {
        (network, f"ObjFrames-{game}-v0_1")
        for network in ("cnn", "cnn_sparse_fls")
        for game in ("Breakout", "MsPacman")
    }
    for run in runs:
        config = json.loads((run / "config.json").read_text())
        assert config["hyperparams"]["policy_kwargs"] == {"network": run.parents[1].name}
        assert config["seed"] == 1 and config["trained_timesteps"] >= 500_000
        assert all(np.isfinite(loss) for loss in config["losses"].values())
        assert (
            f"--env {run.name.removesuffix('_1')} --network {run.parents[1].name} --seed 1"
            in (config["command"])
        )
        games = (run / "0.monitor.csv").read_text().splitlines()[2:]
        assert sum(int(line.split(",")[1]) for line in games) > 0.99 * config["n_timesteps"]


@pytest.mark.parametrize("env_id", ["ObjFrames-Breakout-v0", "ObjFrames-MsPacman-v0"])
def test_bundled_agents_are_found_where_there_are_no_others(run_zoo, tmp_path, env_id):
    options = ["--algo", "ppo", "--env", env_id, "-n", 3]
    output = run_zoo("enjoy", *options, "--no-render").stdout
    assert str(BUNDLED / "cnn_sparse_fls") in output
    film = ["--saliency", "attention", "--zoom", 1, "--device", "cpu", "-o", "film.mp4"]
    output = run_zoo("record", *options, *film).stdout
    assert str(BUNDLED / "cnn_sparse_fls") in output
    assert (tmp_path / "film.mp4").stat().st_size > 1000


@pytest.mark.slow
def test_target_critics_are_packed_once(run_zoo, tmp_path):
    options = ["--algo", "sac", "--env", "Control-cartpole-swingup-v0"]
    tiny = ["-params", "learning_starts:20", "learning_rate:0.1", "--device", "cpu"]
    run_zoo("train", *options, "-f", "runs", "-n", 40, "--eval-freq", -1, "--seed", 3, *tiny)
    run_zoo("pack", *options, "-f", "runs", "-o", "packed")
    before, after = (
        SAC.load(tmp_path / folder / "sac" / f"{options[3]}_1" / f"{options[3]}.zip", device="cpu")
        for folder in ("runs", "packed")
    )
    changed = [
        not torch.equal(one, other)
        for one, other in zip(
            before.critic.parameters(), before.critic_target.parameters(), strict=True
        )
    ]
    assert any(changed)
    for one, other in zip(after.critic.parameters(), after.critic_target.parameters(), strict=True):
        assert torch.equal(one, other)
    observation = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    torch.testing.assert_close(
        *(model.actor(torch.as_tensor(observation), True) for model in (before, after)),
        rtol=0.05,
        atol=0.05,
    )
    sizes = [
        (tmp_path / folder / "sac" / f"{options[3]}_1" / f"{options[3]}.zip").stat().st_size
        for folder in ("runs", "packed")
    ]
    assert sizes[1] < sizes[0] / 8


@pytest.mark.parametrize("task", ["reacher-hard", "finger-spin", "finger-turn-easy"])
def test_bundled_experts_are_small_and_found(run_zoo, task):
    run = EXPERTS / "sac" / f"Control-{task}-v0_1"
    assert sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) <= 1e6
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 1 and config["trained_timesteps"] >= 150_000
    assert f"--env Control-{task}-v0" in config["command"]
    assert find_archive("sac", f"Control-{task}-v0").parent == run
