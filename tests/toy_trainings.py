"""Trainings that take no time: models of a few numbers, recordings of one colour."""

import sys

import numpy as np
import torch
from torch import nn

import objwrappers
from objwrappers.datasets.frames import SingleFrames
from objwrappers.datasets.recordings import RecordingWriter
from objwrappers.perception.base import FrameFormat
from objwrappers.perception.registry import MODELS, ModelEntry
from objwrappers.perception.scenes.module import Detections, SceneModule
from objwrappers.perception.trainable import Trainable

SETTINGS = {"n_timesteps": 8, "batch_size": 2, "eval_freq": 4, "checkpoint_every": 2}


class Shades(SceneModule):
    """Learns the mean of the frames; finds one object in the middle, of any brightness."""

    name = "shades"

    def __init__(self, labels: list = ["object"], rows: list = [4], size: int = 8) -> None:  # noqa: B006
        super().__init__(FrameFormat(size, size))
        self.mean = nn.Parameter(torch.zeros(3))
        self.define(3, labels, rows)

    def detect(self, images):
        boxes = images.new_tensor([0.0, 0.0, 0.1, 0.1]).expand(len(images), 1, 4)
        return Detections(boxes, boxes[..., 0] + 1, images.mean((-2, -1))[:, None])

    def loss(self, batch, progress):
        noise = 0.1 * torch.rand(3) if self.training else 0
        images = self.images(batch["frames"])
        return {"loss": (images.mean((0, 2, 3)) + noise - self.mean).square().sum()}

    def pictures(self, batch):
        images = self.images(batch["frames"])
        return {"input": images, **{f"step {i}": images * 0 for i in range(8)}}


class Blind(Trainable):
    """Reads no small frames, but what its own recipe gives."""

    name = "blind"

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def loss(self, batch, progress):
        return {"loss": (self.weight - batch["reward"].mean()).square()}

    def pictures(self, batch):
        return {"reward": torch.zeros(1, 3, 8, 8)}


def recipe(module, given):
    return tuple(
        given.noisy(SingleFrames(part, given.batch_size, given.seed, given.rank), "frames")
        for part in (given.training, given.validation)
    )


def rewards(module, given):
    blocks = [block for recording in given.recordings for block in recording]
    batch = {"reward": torch.from_numpy(np.concatenate([b.arrays["reward"] for b in blocks]))}
    return [batch] * 1000, [batch] * 1000


def record(folder, task, steps, envs, shade):
    frames = np.full((steps, envs, 16, 16, 3), shade, np.uint8)
    starts = np.arange(steps)[:, None].repeat(envs, 1) == 0
    with RecordingWriter(folder, {"task": task}) as writer:
        writer.append(frames, starts, {"reward": np.full((steps, envs), 3.0, np.float32)})
    return folder


def pretrain(*arguments, **options):
    changes = {**SETTINGS, **options.pop("hyperparams", {})}
    return objwrappers.pretrain(*arguments, hyperparams=changes, device="cpu", **options)


def toy_models():
    """Modules by name, and family, name and entry of each model, for the registry."""
    for name, cls, function in (("shades", Shades, recipe), ("blind", Blind, rewards)):
        module = type("module", (), {cls.__name__: cls, "recipe": function})
        entry = ModelEntry(f"toy_{name}:{cls.__name__}", f"toy_{name}:recipe")
        yield f"toy_{name}", module, cls.family, name, entry


def register():
    """Puts them into this process's registry."""
    for module_name, module, family, name, entry in toy_models():
        sys.modules[module_name] = module
        MODELS[family][name] = entry
