"""Programs run as a user runs them, in a process of their own, with an empty cache."""

import json
import os
from pathlib import Path

import gymnasium as gym
import pytest
import torch
from stable_baselines3 import A2C
from warm_python import WarmPython

import objwrappers  # noqa: F401
from objwrappers.agents.saving import describe_policy, save_agent
from objwrappers.sb3.policies import FLSPolicy

ROOT = Path(__file__).parents[2]
BREAKOUT = "ObjFrames-Breakout-v0"


def _environment(cache):
    return {
        **os.environ,
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def warm_python(tmp_path_factory):
    """Programs start here with their imports done: half of these tests were imports."""
    python = WarmPython(_environment(tmp_path_factory.mktemp("imports")))
    yield python
    python.close()


@pytest.fixture
def run_program(tmp_path, warm_python):
    """Runs a program, a file, from an empty folder; returns the finished process."""

    def run(path, *arguments, ok=True):
        environment = _environment(tmp_path / "cache")
        result = warm_python.run(path, [*map(str, arguments)], tmp_path, environment)
        assert (result.returncode == 0) == ok, result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def run_zoo(run_program):
    """Runs ``python zoo/<program>.py ...`` likewise."""
    return lambda program, *arguments, **kwargs: run_program(
        ROOT / "zoo" / f"{program}.py", *arguments, **kwargs
    )


def write_agent(agent, algo, env_id, folder, env_kwargs=()):
    """Writes an agent as zoo/train.py does."""
    run = folder / algo / f"{env_id}_1"
    run.mkdir(parents=True)
    save_agent(agent, run / f"{env_id}.zip")
    config = {"env_kwargs": dict(env_kwargs), "hyperparams": {}, **describe_policy(agent, algo)}
    (run / "config.json").write_text(json.dumps(config))
    return run


@pytest.fixture
def agent_writer(tmp_path):
    """Writes agents below the test's folder: agent, algorithm, id, folder."""
    return lambda agent, algo, env_id, folder, **kwargs: write_agent(
        agent, algo, env_id, tmp_path / folder, kwargs
    )


@pytest.fixture
def breakout_agents(tmp_path):
    """Untrained, in folders as zoo/train.py writes them: with constant attention, and without."""
    folders = []
    for network in ("cnn_sparse_fls", "cnn"):
        kwargs = {"network": network}
        agent = A2C(FLSPolicy, gym.make(BREAKOUT), seed=0, device="cpu", policy_kwargs=kwargs)
        for attention in agent.policy.features_extractor.attentions.values():
            torch.nn.init.zeros_(attention.layers[-1].weight)
        write_agent(agent, "a2c", BREAKOUT, tmp_path / network)
        folders.append(network)
    return folders
