"""Roles learned from a real game, a little of it."""

import json

import numpy as np
import pytest
from colour_scene import named_colours

import objwrappers
from objwrappers.perception.roles import Roles
from objwrappers.pretraining.roles import learning


@pytest.fixture
def colours(monkeypatch):
    model = named_colours()
    monkeypatch.setattr(learning, "load_model", lambda *_: model)
    return model


def test_the_paddle_of_pong_is_the_player(colours, tmp_path):
    made = objwrappers.learn_roles(
        "Pong", "colours", classes="stored", output=tmp_path / "roles", steps=120, num_envs=8
    )
    assert made.roles.classifier.labels == ("player", "enemy", "ball")
    assert made.roles.player == 0
    share = made.roles.agency.tolist()
    assert share[0] > 2 * max(share[1:])
    read = Roles.load(tmp_path / "roles", colours.digest)
    np.testing.assert_array_equal(read.whole, made.roles.whole)
    config = json.loads((tmp_path / "roles" / "config.json").read_text())
    assert config["training"]["agency"]["player"] == pytest.approx(share[0])
    assert config["trained_on"] == {"task": "Pong", "noise": "none", "channels": "RGB"}


def test_classes_that_are_found_are_called_by_their_roles(colours, tmp_path):
    made = objwrappers.learn_roles(
        "Pong", "colours", output=tmp_path / "roles", steps=120, num_envs=8, seed=1
    )
    labels = made.roles.classifier.labels
    assert sorted(labels) == ["object 1", "object 2", "player"]
    assert labels[made.roles.player] == "player"
    assert made.roles.classifier.rows == (1, 1, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": "named"}, "classes must be 'found' or 'stored', got 'named'"),
        ({"steps": 1}, "steps must be at least 2 and num_envs 1, got 1 and 16"),
        ({"num_envs": 0}, "num_envs 1, got 1500 and 0"),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        objwrappers.learn_roles("Pong", **options)


def test_a_folder_of_something_else_is_kept(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds other files"):
        objwrappers.learn_roles("Pong", output=tmp_path)
