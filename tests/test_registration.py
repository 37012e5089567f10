import gymnasium as gym
import pytest

import objwrappers
from objwrappers.games import GAMES, check_game, rom_name
from objwrappers.registration import FAMILIES, family_of, register_all


def test_every_family_has_every_game_that_ale_registers():
    gym.register_envs(__import__("ale_py"))
    ale = {i.removeprefix("ALE/").removesuffix("-v5") for i in gym.registry if i.startswith("ALE/")}
    assert set(GAMES) == ale
    for family in FAMILIES:
        assert {f"{family}-{game}-v0" for game in ale} <= set(gym.registry)


def test_registering_twice_changes_nothing():
    before = dict(gym.registry)
    register_all()
    assert gym.registry == before


@pytest.mark.parametrize("name", ["MsPacman", "ms_pacman", "mspacman", "Ms_Pacman"])
def test_games_are_understood_in_several_spellings(name):
    assert check_game(name) == "MsPacman"
    assert rom_name(name) == "ms_pacman"


def test_an_unknown_game_gets_the_nearest_names():
    with pytest.raises(ValueError, match=r"Unknown game 'Pacmann'.*'Pacman'"):
        check_game("Pacmann")


def test_an_unknown_id_gets_the_nearest_name():
    with pytest.raises(gym.error.NameNotFound, match="ObjKeypoints-MsPacman"):
        gym.make("ObjKeypoints-MsPackman-v0")


def test_lazy_names_are_what_they_say():
    assert objwrappers.load_model.__module__ == "objwrappers.perception.loading"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        objwrappers.nonsense  # noqa: B018


def test_an_id_knows_its_family():
    assert family_of("ObjKeypoints-MsPacman-v0") is FAMILIES["ObjKeypoints"]
    assert FAMILIES["ObjKeypoints"].has_model and not FAMILIES["ObjFrames"].has_model
    for other in ("CartPole-v1", "ObjKeypoints-Nothing-v0", "ObjFrames-Pong-v1", "ALE/Pong-v5", ""):
        assert family_of(other) is None
