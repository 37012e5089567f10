"""zoo/clone.py, also as zoo/train.py's ``--algo bc``, and what is done with its agents."""

import json

import pytest

from objwrappers.datasets.atari_head import write_synthetic
from objwrappers.datasets.atari_head.synthetic import SyntheticTrial

ENV = "ObjFrames-MsPacman-v0"


@pytest.fixture
def trials(tmp_path):
    write_synthetic(tmp_path / "head", trials=[SyntheticTrial(202, "JAW")], frames=200)
    return tmp_path / "head"


def test_an_imitator_is_trained_scored_and_gone_on_with(run_zoo, trials, tmp_path):
    tiny = ["-n", 3, "-params", "eval_freq:3", "batch_size:8", "--device", "cpu"]
    options = ["--env", ENV, "--trials", trials, "-f", "runs", *tiny]
    given = ["--method", "gabril", "--env-kwargs", "noop_max:0"]
    shown = run_zoo("train", "--algo", "bc", *options, *given).stdout
    assert "Chosen after 3 of 3 steps." in shown
    for name in ("agent", "majority", "last frame", "last step"):
        assert name in shown
    assert f"--algo ppo --env {ENV} --env-kwargs noop_max:0 -i runs/bc/{ENV}_1/" in shown
    archive = tmp_path / "runs" / "bc" / f"{ENV}_1" / f"{ENV}.zip"
    assert f"Wrote the agent runs/bc/{ENV}_1/{ENV}.zip" in shown and archive.is_file()
    config = json.loads((archive.parent / "config.json").read_text())
    assert config["command"].startswith(f"python zoo/clone.py --algo bc --env {ENV}")
    assert config["hyperparams"]["method"] == "gabril"
    short = ["--env-kwargs", "max_num_frames_per_episode:80", "--episodes", 2, "--num-envs", 2]
    agent = ["--algo", "bc", "--env", ENV, "-f", "runs", "--device", "cpu"]
    assert "2 episodes of 20 steps" in run_zoo("evaluate", *agent, *short).stdout
    rollout = ["-params", "n_envs:2", "n_steps:8", "batch_size:16", "n_epochs:1"]
    further = ["-n", 16, "--eval-freq", -1, "-f", "runs", "--device", "cpu", *rollout]
    run_zoo("train", "--algo", "ppo", "--env", ENV, "-i", archive, *further)
    config = json.loads((tmp_path / "runs" / "ppo" / f"{ENV}_1" / "config.json").read_text())
    assert config["policy"] == "objwrappers.sb3.policies.GazePolicy"
    assert config["policy_kwargs"]["features_extractor_kwargs"]["method"] == "gabril"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--env", "ObjFrames-MsPacmn-v0"], "Did you mean 'ObjFrames-MsPacman-v0'"),
        (["--env", ENV, "--trials", "nowhere"], "nowhere"),
        (["--env", ENV, "-params", "patience:0"], "error: patience must be an integer"),
    ],
)
def test_errors_are_one_line(run_zoo, trials, options, message):
    result = run_zoo("clone", "--trials", trials, *options, ok=False)
    assert message in result.stderr and "Traceback" not in result.stderr
