"""From a wheel alone, outside the clone: pretrain, play, score, train, evaluate, film."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NOTEBOOK = """
import sys
import gymnasium as gym
import objwrappers

assert objwrappers.__file__.startswith(sys.argv[1]), objwrappers.__file__
tiny = {"batch_size": 4, "eval_freq": 4, "n_frames": 1024}
weights = objwrappers.pretrain("light", "Freeway", n_timesteps=4, hyperparams=tiny, device="cpu")
print("weights", weights.name)

env_id = "ObjKeypoints-Freeway-v0"
env = gym.make(env_id, device="cpu")
observation, _ = env.reset(seed=0)
print("keypoints", observation["keypoints"].shape)
env.close()

table = objwrappers.score("Pong", "motion", frames=4, device="cpu")
print("scored", [row["keypoints"] for row in table["Pong"]][0])

options = {"n_envs": 2, "n_steps": 16, "batch_size": 32, "n_epochs": 1}
agent = objwrappers.train(
    env_id, "ppo", n_timesteps=32, seed=0, hyperparams=options, eval_freq=-1, device="cpu",
    env_kwargs={"max_num_frames_per_episode": 40},
)
print("agent", agent)
played = objwrappers.evaluate(env_id, "ppo", episodes=2, num_envs=2, device="cpu")
print("lengths", played.flat("lengths"))
made = objwrappers.film(env_id, "film.gif", "ppo", n_timesteps=3, device="cpu")
print("film", made.path.stat().st_size > 1000, made.frames)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", ROOT]
    subprocess.run(
        [*map(str, command), "-w", str(folder), "-q"], check=True, cwd=folder, capture_output=True
    )
    (wheel,) = folder.glob("objwrappers-*.whl")
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_the_wheel_has_what_the_library_reads(installed):
    package = installed / "objwrappers"
    names = {path.relative_to(package).as_posix() for path in package.rglob("*")}
    assert {"py.typed", "hyperparams/ppo.yml", "hyperparams/perception/motion.yml"} <= names
    assert "hyperparams/boards/leaderboard.yml" in names
    assert {
        "bundled/demonstrations/reacher-hard/frames.json",
        "bundled/weights/translation-context_translation-reacher-hard/model.safetensors",
        "bundled/agents/sac/Control-finger-spin-v0_1/Control-finger-spin-v0.zip",
    } <= names
    assert "perception/weights/motion-MsPacman/model.safetensors" in names
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {
        "objwrappers"
    }


def test_a_notebook_needs_nothing_but_the_wheel(installed, tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    result = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, str(installed)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for line in (
        "weights light-Freeway",
        "keypoints (18, 2)",
        "scored motion",
        "agent logs/ppo/ObjKeypoints-Freeway-v0_1/ObjKeypoints-Freeway-v0.zip",
        "lengths [10, 10]",
        "film True 3",
    ):
        assert line in result.stdout
