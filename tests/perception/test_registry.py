"""A model is one line of a table and a file of its own."""

import sys
from types import ModuleType

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from objwrappers.perception import registry
from objwrappers.perception.base import FrameFormat, PerceptionModel, PerceptionModule
from objwrappers.perception.loading import load_model, model_of
from objwrappers.perception.registry import MODELS, ModelEntry, model_class, model_presets
from objwrappers.perception.trainable import Trainable


class Brightness(PerceptionModule):
    """Where it is bright: reads grey stacks of a size that its arguments decide."""

    name = "brightness"
    family = "light"

    def __init__(self, height: int = 6, width: int = 4, stack: int = 2) -> None:
        super().__init__(FrameFormat(height, width, grayscale=True, stack=stack))
        self.gain = nn.Parameter(torch.ones(1))
        box = gym.spaces.Box(-np.inf, np.inf, (stack,), np.float32)
        self.observation_space = gym.spaces.Dict({"level": box})

    def perceive(self, images):
        return {"level": self.gain * images.mean((-2, -1))}


@pytest.fixture
def toy(monkeypatch):
    module = ModuleType("toys")
    module.Brightness, module.PRESETS = Brightness, {"small": {"height": 2, "width": 2}}
    monkeypatch.setitem(sys.modules, "toys", module)
    monkeypatch.setitem(
        MODELS, "light", {"brightness": ModelEntry("toys:Brightness", "toys:recipe")}
    )


@pytest.mark.usefixtures("toy")
def test_a_toy_model_is_one_line(tmp_path):
    assert model_class("brightness", "light") is Brightness
    assert model_presets("brightness", "light")["small"] == {"height": 2, "width": 2}
    assert registry.model_entry("brightness", "light").recipe == "toys:recipe"
    toy = Brightness(height=8, stack=3)
    toy.gain.data.fill_(2.0)
    toy.record = {"trained_on": {"task": "Pong", "noise": "none", "channels": "grey"}}
    toy.save_pretrained(tmp_path / "weights")
    assert model_of(tmp_path / "weights") == "brightness"
    with pytest.raises(ValueError, match="pass model='brightness', family='light'"):
        load_model("motion", "Pong", weights=tmp_path / "weights")
    options = {"weights": tmp_path / "weights", "device": "cpu", "family": "light"}
    model = load_model("brightness", "Pong", **options)
    assert isinstance(model, PerceptionModel)
    assert model.frame_format == FrameFormat(8, 4, grayscale=True, stack=3)
    frames = torch.randint(0, 256, (5, 3, 16, 8, 1), dtype=torch.uint8)
    levels = model(frames)["level"]
    # Halving rounds each mean of four by at most half a grey level.
    by_hand = 2 * frames.float().mean((-3, -2, -1)) / 255
    assert (levels - by_hand).abs().max() <= 2 * 0.5 / 255 + 1e-6
    assert model.images(frames).shape == (5, 3, 16, 8)


@pytest.mark.usefixtures("toy")
def test_a_name_may_be_in_two_families(monkeypatch):
    monkeypatch.setitem(MODELS["light"], "motion", MODELS["light"]["brightness"])
    assert model_class("motion", "light") is Brightness
    assert model_class("motion").name == "motion"


@pytest.mark.parametrize(
    "shape", [(2, 6, 4, 1), (2, 3, 6, 4, 1), (2, 2, 6, 4, 3), (2, 2, 0, 4, 1), (2, 6, 1)]
)
def test_frames_of_another_form_are_named(shape):
    with pytest.raises(ValueError, match=r"uint8 of shape \(B, 2, H, W, 1\), got torch.uint8 of"):
        Brightness()(torch.zeros(shape, dtype=torch.uint8))


def test_every_line_names_a_class_and_a_recipe():
    names = {
        ("keypoints", name) for name in ("light", "motion", "permakey", "student", "transporter")
    }
    names |= {("scenes", name) for name in ("motion", "space", "space_time")}
    names |= {("gaze", name) for name in ("deconv", "gcu", "motion")}
    names |= {("translation", "context_translation")}
    assert {(family, name) for family in MODELS for name in MODELS[family]} == names
    for family, entries in MODELS.items():
        for name, entry in entries.items():
            cls = model_class(name, family)
            assert issubclass(cls, Trainable)
            assert (cls.family, cls.name) == (family, name)
            assert entry.recipe.startswith("objwrappers.pretraining.")


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match=r"perception model 'motoin'. Did you mean 'motion'"):
        model_class("motoin")
    with pytest.raises(ValueError, match=r"Unknown family of perception models 'keypoint'. Did"):
        model_class("motion", "keypoint")
