"""DrQ-v2 by the programs: trained on a task's pixels, scored, watched and filmed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from opengl import needs_opengl

from objwrappers.agents.training import default_hyperparams
from objwrappers.envs.control_tasks import TASKS

ENV = "Control-cartpole-balance-v0"
SMALL = ["learning_starts:40", "batch_size:8", "buffer_size:200"]
SMALL += ["policy_kwargs:{feature_dim: 8, hidden_dim: 16}"]


OPTIONS = ["--algo", "drqv2", "--env", ENV, "--device", "cpu", "-f", "runs"]


@pytest.fixture
def run(run_zoo: Any, tmp_path: Path) -> Path:
    """A training of a minute's pixels, and what it told."""
    seen = ["--env-kwargs", "image_size:20", "horizon:15"]
    budget = ["-n", 60, "--eval-freq", 40, "--eval-episodes", 1]
    told = run_zoo("train", *OPTIONS, *budget, *seen, "-params", *SMALL).stdout
    assert "The replay of 200 frames will take 0.00 GB" in told
    return tmp_path / "runs" / "drqv2" / f"{ENV}_1"


@needs_opengl
def test_agents_train_and_score(run_zoo: Any, run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    assert (config["policy"], config["trained_timesteps"]) == ("CnnPolicy", 60)
    assert config["policy_kwargs"] == {"feature_dim": 8, "hidden_dim": 16}
    assert config["losses"].keys() == {"critic_loss", "actor_loss"}
    scored = run_zoo("evaluate", *OPTIONS, "--episodes", 2, "--num-envs", 2, "--load-best").stdout
    assert "2 episodes of 15 steps" in scored


@needs_opengl
@pytest.mark.slow
def test_agents_go_on_and_are_watched(run_zoo: Any, run: Path, tmp_path: Path) -> None:
    run_zoo("enjoy", *OPTIONS, "-n", 16, "--no-render")
    run_zoo("record", *OPTIONS, "-n", 5, "-o", tmp_path / "film.gif")
    assert (tmp_path / "film.gif").exists()
    goes_on = ["-i", run / f"{ENV}.zip", "--env-kwargs", "image_size:20", "horizon:15"]
    run_zoo("train", *OPTIONS, "-n", 60, "--eval-freq", -1, *goes_on, "-params", *SMALL)
    config = json.loads((run.with_name(f"{ENV}_2") / "config.json").read_text())
    assert config["hyperparams"]["continued_from"] == str(run / f"{ENV}.zip")
    assert config["policy_kwargs"] == {"feature_dim": 8, "hidden_dim": 16}


@needs_opengl
def test_a_replay_too_large_is_one_message_and_leaves_nothing(run_zoo: Any, tmp_path: Path) -> None:
    result = run_zoo("train", *OPTIONS, "-params", "buffer_size:10000000000000", ok=False)
    assert "of memory are free: take a smaller one, -params buffer_size:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "runs").glob("drqv2/*"))


def test_hyperparameters_are_the_published_ones_of_tasks_that_there_are() -> None:
    entries = yaml.safe_load(default_hyperparams("drqv2").read_text())
    ids = {f"Control-{task}-v0" for task in TASKS}
    assert entries.keys() - ids == {"Control", "IfO", ".easy"}
    published = {"batch_size": 256, "train_freq": 2, "learning_starts": 2000, "tau": 0.01}
    assert published.items() <= entries["Control"].items()
    assert entries["Control-humanoid-run-v0"]["policy_kwargs"] == {"feature_dim": 100}
    assert entries["Control-finger-spin-v0"]["noise_schedule"] == "linear(1.0,0.1,100000)"


@needs_opengl
@pytest.mark.slow
def test_an_imitator_learns_from_pixels_and_is_scored(run_zoo: Any, tmp_path: Path) -> None:
    agent = ["--algo", "drqv2", "--env", "IfO-reacher-hard-v0", "--device", "cpu"]
    run_zoo("train", *agent, "-n", 50, "--eval-freq", -1, "--seed", 0, "-params", *SMALL)
    run = tmp_path / "logs" / "drqv2" / "IfO-reacher-hard-v0_1"
    config = json.loads((run / "config.json").read_text())
    assert config["env_kwargs"] == {"observe": "pixels", "time": False, "target": False}
    output = run_zoo("evaluate", *agent).stdout
    assert [line.split()[0] for line in output.splitlines()[1:2]] == ["expert"]
    assert "IfO-reacher-hard-v0_1" in output
