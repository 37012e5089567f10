"""A model moves in by one line of a table and one file: it trains, scores, plays, is filmed."""

import gymnasium as gym
import numpy as np
import pytest
import torch

import objwrappers
from objwrappers.perception.registry import MODELS, ModelEntry

TOY = '''
"""Keypoints on the brightest pixels of the red channel, by a single convolution."""

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from objwrappers.datasets.frames import SingleFrames
from objwrappers.perception.base import FrameFormat, PerceptionModule
from objwrappers.perception.optimization import Optimization


class Toy(PerceptionModule):
    name = "toy"
    monitor = "error"
    gradient_clip_norm = 1.0

    def __init__(self, num_keypoints: int = 3) -> None:
        super().__init__(FrameFormat(42, 40))
        self.num_keypoints = num_keypoints
        self.maps = nn.Conv2d(3, num_keypoints, 3, padding=1)
        self.gain = nn.Parameter(torch.ones(()))
        self.observation_space = spaces.Dict({
            "keypoints": spaces.Box(-1, 1, (num_keypoints, 2), np.float32),
            "present": spaces.Box(0, 1, (num_keypoints,), np.float32),
        })

    def perceive(self, images):
        maps = self.maps(images) * self.gain
        where = maps.flatten(2).argmax(-1)
        y, x = where // 40, where % 40
        points = torch.stack([(2 * x + 1) / 40 - 1, (2 * y + 1) / 42 - 1], -1)
        return {"keypoints": points, "present": torch.ones_like(points[..., 0])}

    def loss(self, batch, progress):
        images = self.images(batch["frames"])
        error = (self.maps(images) * self.gain - images[:, :1]).square().mean()
        return {"error": error, "loss": 10 * error}

    def pictures(self, batch):
        return {"input": self.images(batch["frames"])}

    def configure_optimizers(self, settings, total_steps):
        groups = [{"params": self.maps.parameters(), "lr": 1e-2}, {"params": [self.gain], "lr": 0}]
        optimizer = torch.optim.RMSprop(groups)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return Optimization(optimizer, plateau, "validation")


def recipe(module, given):
    return tuple(
        given.noisy(SingleFrames(part, given.batch_size, given.seed, given.rank), "frames")
        for part in (given.training, given.validation)
    )
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_model.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    entry = ModelEntry("toy_model:Toy", "toy_model:recipe")
    monkeypatch.setitem(MODELS["keypoints"], "toy", entry)


def test_a_toy_model_trains_scores_plays_and_is_filmed(toy, tmp_path):
    settings = {"n_frames": 1024, "batch_size": 4, "eval_freq": 5, "checkpoint_every": 5}
    options = {"n_timesteps": 20, "hyperparams": settings, "device": "cpu"}
    folder = objwrappers.pretrain("toy", "Pong", **options)
    module = objwrappers.load_model("toy", "Pong", device="cpu")
    assert folder.name == "toy-Pong"
    trained = module.record["training"]["validation"]
    assert trained["loss"] == pytest.approx(10 * trained["error"], rel=1e-3)
    assert module.gain == 1, "its group has no rate"
    assert not torch.equal(module.maps.weight, type(module)().maps.weight)
    checkpoint = torch.load("logs/perception/toy-Pong-0/checkpoint.pt", weights_only=True)
    schedule = checkpoint["scheduler"]
    assert schedule["last_epoch"] == 4 and schedule["best"] <= checkpoint["best"] < 1
    assert [group["lr"] for group in checkpoint["optimizer"]["param_groups"]][1] == 0

    rows = objwrappers.score("Pong", "toy", frames=5, device="cpu")["Pong"]
    assert rows[0]["keypoints"] == "toy" and rows[0]["present"] == 3

    envs = gym.make_vec("ObjKeypoints-Pong-v0", num_envs=2, model="toy", device="cpu")
    observations, _ = envs.reset(seed=0)
    assert observations["keypoints"].shape == (2, 3, 2)
    # On the centres of cells of 42 by 40.
    cells = (observations["keypoints"] + 1) / 2 * [40, 42] - 0.5
    np.testing.assert_allclose(cells, np.rint(cells), atol=1e-4)
    envs.close()

    kwargs = {"model": "toy"}
    film = objwrappers.film(
        "ObjKeypoints-Pong-v0", "toy.gif", n_timesteps=3, device="cpu", env_kwargs=kwargs
    )
    assert film.frames == 3 and film.path.stat().st_size > 1000
