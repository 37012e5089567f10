"""From demonstrations to a context translation's weights."""

import json

import numpy as np
import pytest
import torch
from demonstrated import demonstrate, write_made_up
from opengl import needs_opengl

from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.context_translation import ContextTranslation
from objwrappers.pretraining import pretrain, translation_recipes
from objwrappers.pretraining.loop import Training
from objwrappers.pretraining.recipes import Ingredients
from objwrappers.pretraining.sources import find_source
from objwrappers.pretraining.translation_recipes import DemonstrationSource, pairs

SETTINGS = {"batch_size": 8, "pairing": "aligned", "whole_videos": False}
TINY = {
    **{"image_size": 16, "feature_dim": 8, "batch_size": 8, "eval_freq": 4, "patience": 9},
    "checkpoint_every": 2,
}


class Prepared:
    """What a recipe asks of a model."""

    name, family, image_size, arguments = "context_translation", "translation", 8, {}

    def prepare(self, episodes):
        self.episodes = episodes


def test_the_last_tenth_is_for_validation_and_whole_videos(tmp_path):
    recording = write_made_up(tmp_path / "demos", blocks=5)
    found, module = read_demonstrations(recording), Prepared()
    given = Ingredients.of(lambda: None, SETTINGS, recordings=(recording,))
    training, validation = pairs(module, given)
    assert training[0]["source"].shape == (8, 1, 8, 8, 3)
    batch = validation[0]
    assert batch["source"].shape == batch["target"].shape == (1, 4, 8, 8, 3)
    held_out = found.frames[9]
    sources = [(batch["source"][0].numpy() == view).all() for view in held_out]
    assert sum(sources) == 1 and found.frames.shape[0] == 10
    drawn = {training[i]["source"].numpy().tobytes() for i in range(9)}
    assert len(drawn) == 9
    seen = np.concatenate([training[i]["source"][:, 0].numpy() for i in range(30)])
    assert not any((seen == frame).all((1, 2, 3)).any() for view in held_out for frame in view)
    # By turns of both views.
    np.testing.assert_array_equal(module.episodes[2], found.frames[2, 0])
    np.testing.assert_array_equal(module.episodes[3], found.frames[3, 1])
    assert len(module.episodes) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": "both"}, "Contexts are no bars: noise='none', got 'both'"),
        ({"recordings": ()}, r"one task, got images.*collect\.py --task"),
        ({"size": 16}, r"image_size=16 cannot learn .* of 8x8 pixels: give it image_size:8"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path, options, message):
    module = Prepared()
    module.image_size = options.pop("size", 8)
    recordings = options.pop("recordings", (write_made_up(tmp_path / "demos"),))
    given = Ingredients.of(lambda: None, SETTINGS, recordings=recordings, **options)
    with pytest.raises(ValueError, match=message):
        pairs(module, given)


@needs_opengl
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    demonstrate(tmp_path / "demos")
    options = {"frames_folder": tmp_path / "demos", "device": "cpu", "seed": 3}

    def train(name):
        return pretrain(
            *("context_translation", "reacher-hard"),
            n_timesteps=8,
            hyperparams=TINY,
            output=tmp_path / name,
            log_folder=tmp_path / f"logs of {name}",
            **options,
        )

    output = train("whole")
    save = Training._save

    def save_and_die(self):
        save(self)
        if self.step == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train("resumed")
    assert not (tmp_path / "resumed").exists()
    train("resumed")
    whole, resumed = (
        ContextTranslation.from_pretrained(tmp_path / name) for name in ("whole", "resumed")
    )
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    assert whole.scale != 1 and whole.feature_std.min() > 0
    config = json.loads((output / "config.json").read_text())
    assert config["trained_on"]["task"] == "reacher-hard" and config["training"]["steps"] == 8
    assert {"translation", "copy", "time_error"} < config["training"]["validation"].keys()


@needs_opengl
def test_a_tasks_script_demonstrates_until_there_is_enough(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []

    def collect(task, folder, episodes, progress, **options):
        asked.append((task, episodes, options))
        demonstrate(folder)

    monkeypatch.setattr(translation_recipes, "collect_demonstrations", collect)
    source, model = find_source("reacher-hard"), Prepared()
    assert isinstance(source, DemonstrationSource) and source.name == "reacher-hard"
    model.image_size = 16
    source.suit(model)
    source.prepare(700)
    assert asked == [("reacher-hard", 12, {"image_size": 16})]  # of 62 frames each
    # A collection that was killed goes on as it was begun: seven moments in two contexts.
    source.prepare(700)
    assert asked[1][:2] == ("reacher-hard", 50)
    assert asked[1][2] == {
        **{"horizon": 6, "contexts": ["light", "light"], "cameras": [0]},
        **{"image_size": 16, "min_return": 0.0, "seed": 1},
    }
    assert isinstance(source.recordings[0], Recording) and source.num_frames == 20 * 2 * 7
    model.image_size = 64
    source.suit(model)
    with pytest.raises(ValueError, match=r"image_size=64 cannot learn .* of 16x16 pixels"):
        source.prepare(700)
    assert len(asked) == 2, "nothing is recorded in vain"
    with pytest.raises(ValueError, match="learned one by one"):
        find_source(["reacher-hard", "reacher-easy"])


def test_a_recurrent_translator_sees_whole_videos(tmp_path):
    module = Prepared()
    module.arguments = {"translator": "lstm"}
    given = Ingredients.of(lambda: None, SETTINGS, recordings=(write_made_up(tmp_path / "demos"),))
    with pytest.raises(ValueError, match="whole_videos:true"):
        pairs(module, given)
