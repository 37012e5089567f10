"""Hyperparameters: every entry of every file makes a model, and the right one is taken."""

import pytest
import yaml

from objwrappers.datasets.motion_scenery import MotionSettings
from objwrappers.files import hyperparams_folder
from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.registry import MODELS, model_class
from objwrappers.pretraining.settings import read_settings
from objwrappers.pretraining.sources import GAME_SETS

FILES = {
    (family, name): hyperparams_folder()
    / "perception"
    / (f"{name}.yml" if family == "keypoints" else f"{family}-{name}.yml")
    for family, models in MODELS.items()
    for name in models
}
ENTRIES = [
    (family, name, entry)
    for (family, name), path in FILES.items()
    if path.is_file()
    for entry in yaml.safe_load(path.read_text())
]
PAPERS = {"Pong", "MsPacman", "SpaceInvaders", "Boxing", "Carnival", "AirRaid"}
PAPERS |= {"Riverraid", "Tennis", "Skiing", "Asterix", "joint"}


@pytest.mark.parametrize("family, name, entry", ENTRIES)
def test_every_entry_makes_a_model(family, name, entry):
    settings = read_settings(name, "Nowhere", {}, family, entry)
    assert settings["n_timesteps"] % settings["eval_freq"] == 0
    check_arguments(model_class(name, family), settings["model"])
    model_class(name, family)(**settings["model"])


@pytest.mark.parametrize("name", ["space", "space_time"])
def test_the_games_of_both_papers_have_settings(name):
    there = {entry for family, model, entry in ENTRIES if (family, model) == ("scenes", name)}
    assert there >= PAPERS


def test_several_games_have_the_joint_entry_and_an_entry_may_be_named():
    read = {}
    for games in ("Pong", ["Pong"], ["Pong", "MsPacman"], GAME_SETS["published"]):
        read[str(games)] = read_settings("space_time", games, None, "scenes")
    pong, same, two, ten = read.values()
    assert pong == same and two == ten
    assert (pong["n_timesteps"], ten["n_timesteps"], ten["n_frames"]) == (1500, 6000, 4000)
    assert ten["model"]["components"] == 3 and "components" not in pong["model"]
    named = read_settings("space_time", "Pong", {"batch_size": 32}, "scenes", "published-Pong")
    assert (named["batch_size"], named["learning_rate"]) == (32, 3e-5)
    assert named["model"]["presence_prior"] == [0.1, 1e-10, 0.2, 1.0]
    assert named["model"]["network"] == "published" and named["model"]["continuity_weight"] == 640
    with pytest.raises(ValueError, match=r"Unknown entry of scenes-space_time.yml 'Pongg'.*Pong"):
        read_settings("space_time", "Pong", None, "scenes", "Pongg")


def test_how_motion_is_found_can_be_chosen():
    changes = {"motion_background": "mode", "motion_trail": 26, "motion_flow": True}
    settings = read_settings("space_time", "Pong", changes, "scenes")
    assert MotionSettings.of(settings) == MotionSettings(True, "mode", 26, True)
    assert MotionSettings.of(read_settings("space_time", "Pong", {}, "scenes")) == MotionSettings()
    assert MotionSettings.of(read_settings("motion", "Pong", {}, "scenes")) == MotionSettings()


def test_a_named_entry_is_not_that_of_the_game():
    rooms = read_settings("space", "my_rooms", None, "scenes", "3DRooms")
    assert (rooms["model"]["grid"], rooms["model"]["components"]) == (8, 5)
    # The boundary loss ends at step 100,000, a box's expected size is reached at 20,000.
    steps = rooms["n_timesteps"]
    assert rooms["model"]["boundary_until"] * steps == 100_000
    assert rooms["model"]["scale_prior"][3] * steps == 20_000
    assert read_settings("space", "my_rooms", None, "scenes")["model"] == {}
