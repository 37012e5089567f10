"""Each family of ids passes the same tests."""

import re
from pathlib import Path
from typing import Any

import pytest
from conformance import EnvConformance
from ram_roles import saved_pong_roles
from scenes import Blobs, named_blobs

from objwrappers.perception.registry import MODELS, ModelEntry
from objwrappers.registration import FAMILIES


class Atari(EnvConformance):
    options = {"repeat_action_probability": 0.0}
    short = {"max_num_frames_per_episode": 60}
    variants = [{}, {"noop_max": 30}, {"noise": "both", "fire_each_life": True}]


class TestFrames(Atari):
    env_id = "ObjFrames-Breakout-v0"


class TestFramesInColour(Atari):
    env_id = "ObjFrames-MsPacman-v0"
    options = {**Atari.options, "grayscale": False, "stack_num": 2, "padding_type": "zero"}


class TestKeypoints(Atari):
    env_id = "ObjKeypoints-MsPacman-v0"
    options = {**Atari.options, "device": "cpu"}
    variants = [{}, {"noop_max": 30}]
    tolerance = 1e-5


class TestScenes(Atari):
    env_id = "ObjScene-Pong-v0"
    short = {"max_num_frames_per_episode": 120}
    episode_steps = 30
    variants = [{}, {"noop_max": 30}, {"track": False}]
    tolerance = 1e-5

    @pytest.fixture(autouse=True)
    def blobs(self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Weights of a model that finds bright blobs without training."""
        monkeypatch.setitem(MODELS["scenes"], "blobs", ModelEntry(f"{Blobs.__module__}:Blobs", ""))
        model = named_blobs(rows=(6, 3, 2), threshold=0.6)
        model.save_pretrained(tmp_path / "weights")
        weights = str(tmp_path / "weights")
        self.options = {**Atari.options, "device": "cpu", "model": "blobs", "weights": weights}

    def test_its_objects_are_followed(self) -> None:
        env = self.make_vector()
        env.reset(seed=0)
        moved = 0.0
        for action in self.actions(env, 30):
            observation = env.step([action] * 2)[0]
            assert observation["present"].max() > 0.5
            moved = max(moved, abs(observation["velocity"]).max())
        assert 0.01 < moved < 1


class TestPerfectObjects(EnvConformance):
    env_id = "ObjRAM-Pong-v0"
    options = {"repeat_action_probability": 0.0, "jitter_px": 1.0, "false_positives": 0.2}
    short = {"max_num_frames_per_episode": 120}
    episode_steps = 30

    @pytest.fixture(autouse=True)
    def roles(self, tmp_path: Any) -> None:
        """Roles made by hand."""
        view = {"roles": saved_pong_roles(tmp_path / "roles"), "relations": True, "map": True}
        degraded = {"misses": 0.3, "classes": False}
        self.variants = [{}, {"noop_max": 30}, {"track": False}, degraded, view]


def test_every_family_is_tested():
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    tested = re.findall(r'^    env_id = "(\w+)-|^ID = "(\w+)-', "\n".join(texts), re.MULTILINE)
    assert {name for names in tested for name in names if name} == set(FAMILIES)
