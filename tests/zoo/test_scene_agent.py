"""An agent on the objects of a scene: trained by the documented words, evaluated, filmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import yaml
from scenes import named_blobs
from stable_baselines3 import PPO

from objwrappers.files import hyperparams_folder
from objwrappers.sb3.policies import ObjectPolicy

ENV = "ObjScene-Pong-v0"


def test_train_then_evaluate_then_record(run_zoo: Any, tmp_path: Path) -> None:
    model = named_blobs(rows=(2, 1, 2), threshold=0.6)
    model.save_pretrained(tmp_path / "weights")
    known = ["--gym-packages", "register_blobs"]
    options = ["--algo", "ppo", "--env", ENV, "--device", "cpu", "-f", "runs", *known]
    env_kwargs = ["model:blobs", "weights:'weights'", "max_num_frames_per_episode:160"]
    env_kwargs += ["relations:False", "map:False"]
    tiny = ["-params", "n_envs:2", "n_steps:64", "batch_size:64", "n_epochs:1"]
    output = run_zoo(
        "train", *options, "-n", 128, "--seed", 3, "--eval-freq", -1,
        "--env-kwargs", *env_kwargs, *tiny,
    ).stdout  # fmt: skip
    run = tmp_path / "runs" / "ppo" / f"{ENV}_1"
    assert f"Wrote the agent runs/ppo/{ENV}_1/{ENV}.zip" in output
    agent = PPO.load(run / f"{ENV}.zip", device="cpu")
    assert isinstance(agent.policy, ObjectPolicy) and agent.num_timesteps == 128
    assert agent.policy.mlp_extractor.policy_net[0].in_features == 5 * 7
    shapes = {key: space.shape for key, space in agent.observation_space.spaces.items()}
    assert shapes == {
        "boxes": (5, 4), "velocity": (5, 2), "present": (5,), "what": (5, 3), "label": (5,)
    }  # fmt: skip

    config = json.loads((run / "config.json").read_text())
    seen = {"scenes blobs": model.digest[:12], "classes": model.classifier.digest[:12]}
    assert config["perceived"] == seen

    done = run_zoo("evaluate", *options, "--episodes", 2, "--num-envs", 2, "--json", "scores.json")
    assert "what others saw" not in done.stderr
    result = json.loads((tmp_path / "scores.json").read_text())
    assert result["lengths"] == [40, 40] and np.shape(result["scores"]) == (1, 1, 2)

    output = run_zoo("record", *options, "-n", 30, "-o", "agent.mp4").stdout
    assert "Wrote agent.mp4: 30 frames" in output
    film = imageio_ffmpeg.read_frames(str(tmp_path / "agent.mp4"))
    size = next(film)["size"]
    frames = [np.frombuffer(frame, np.uint8) for frame in film]
    assert size == (480, 630) and len(frames) == 30

    other = named_blobs(rows=(2, 1, 2), threshold=0.7)
    other.save_pretrained(tmp_path / "weights")
    told = run_zoo("evaluate", *options, "--episodes", 1).stderr
    assert "was trained on what others saw" in told
    assert f"(scenes blobs {model.digest[:12]}, now {other.digest[:12]})" in told


def test_ids_whose_player_is_known_have_the_familys_entry_and_the_map() -> None:
    entries = yaml.safe_load((hyperparams_folder() / "ppo.yml").read_text())
    for game in ("Pong", "MsPacman"):
        assert entries[f"ObjScene-{game}-v0"] == {
            **entries["ObjScene"],
            "policy": "objwrappers.sb3.policies.ObjectPolicy",
            "env_kwargs": {"model": "motion", "relations": True, "map": True},
        }
    assert entries["ObjScene"]["policy"] == "objwrappers.sb3.policies.ScenePolicy"
    assert entries["ObjScene"]["learning_rate"] == "lin_1e-3"


@pytest.mark.parametrize("algo", ["dqn", "qrdqn", "rdqn"])
def test_a_familys_entry_needs_to_know_nobody(algo: str) -> None:
    entries = yaml.safe_load((hyperparams_folder() / f"{algo}.yml").read_text())
    assert not {"model", "relations", "map"} & entries["ObjScene"]["env_kwargs"].keys()
    added = {"model": "motion", "relations": True, "map": True}
    for game in ("Boxing", "Breakout", "SpaceInvaders"):
        env_kwargs = {**entries["ObjScene"]["env_kwargs"], **added}
        assert entries[f"ObjScene-{game}-v0"] == {**entries["ObjScene"], "env_kwargs": env_kwargs}
