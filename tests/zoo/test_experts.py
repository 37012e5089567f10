"""Experts: trained on a task's state, read without pickles, who demonstrate."""

import json

import pytest
from opengl import needs_opengl

from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.datasets.recordings import Recording

ENV = "Control-cartpole-balance-v0"


@needs_opengl
@pytest.mark.parametrize("algo", ["sac", pytest.param("tqc", marks=pytest.mark.slow)])
def test_an_expert_learns_scores_and_demonstrates(run_zoo, tmp_path, algo):
    options = ["--algo", algo, "--device", "cpu"]
    tiny = ["-params", "learning_starts:20", "policy_kwargs:{net_arch: [8]}"]
    run_zoo("train", *options, "--env", ENV, "-n", 30, "--eval-freq", -1, "--seed", 1, *tiny)
    config = json.loads((tmp_path / "logs" / algo / f"{ENV}_1" / "config.json").read_text())
    assert config["policy"] == "MlpPolicy" and config["env_kwargs"] == {"observe": "state"}
    scored = run_zoo(
        *("evaluate", *options, "--env", ENV, "--episodes", 1, "--num-envs", 1),
        *("--env-kwargs", "horizon:5"),
    ).stdout
    assert "1 episodes of 5 steps" in scored
    run_zoo(
        *("collect", *options, "--task", "cartpole-balance", "-n", 1, "--folder", "demos"),
        *("--horizon", 3, "--image-size", 16, "--min-return", 0, "--contexts", "default", "full"),
    )
    found = read_demonstrations(Recording(tmp_path / "demos"))
    assert found.facts["policy"] == f"{algo} on {ENV}" and len(found) == 20
    assert found.facts["agent"]["env"] == ENV and len(found.facts["agent"]["digest"]) == 64
    assert found.actions.std() > 0 and found.frames.shape[1:] == (2, 4, 16, 16, 3)
