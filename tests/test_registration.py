import gymnasium as gym
import pytest

import objwrappers
from objwrappers.games import ATARI_HEAD, GAMES, check_game, rom_name
from objwrappers.names import did_you_mean, nearest_names, unknown_name
from objwrappers.registration import FAMILIES, Family, family_of, register_all, task_of


def test_every_family_has_every_game_that_ale_registers():
    gym.register_envs(__import__("ale_py"))
    ale = {i.removeprefix("ALE/").removesuffix("-v5") for i in gym.registry if i.startswith("ALE/")}
    assert set(GAMES) == ale
    for family in FAMILIES.values():
        assert {family.id_of(game) for game in family.tasks} <= set(gym.registry)
    assert all(set(FAMILIES[name].tasks) == ale for name in ("ObjFrames", "ObjKeypoints"))
    assert {"reacher-hard", "finger-turn-easy", "ball-in-cup-catch"} < set(
        FAMILIES["Control"].tasks
    )
    assert len(ATARI_HEAD) == 20 and set(FAMILIES["AtariHead"].tasks) == set(ATARI_HEAD) < ale


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


def test_a_family_may_have_other_tasks_than_games(monkeypatch):
    tasks = ("cartpole-swingup", "cheetah-run")
    family = Family("Other", tasks, "objwrappers.games:check_game", None)
    monkeypatch.setitem(FAMILIES, "Other", family)
    monkeypatch.setattr(gym.envs.registration, "registry", gym.registry.copy())
    monkeypatch.setattr(gym, "registry", gym.envs.registration.registry)
    register_all()
    spec = gym.spec("Other-cartpole-swingup-v0")
    assert (spec.kwargs, spec.vector_entry_point) == ({"task": "cartpole-swingup"}, None)
    assert family_of(spec.id) is family and task_of(spec.id) == "cartpole-swingup"
    assert family_of("Other-cartpole-v0") is None and task_of("CartPole-v1") is None


def test_names_are_offered_whatever_their_capitals_and_underscores():
    names = ["frameskip", "noise", "noop_max", "num_threads"]
    assert nearest_names("Frame_Skip", names) == ["frameskip"]
    assert nearest_names("noopmax", names, count=1) == ["noop_max"]
    assert did_you_mean("noize", names) == "Did you mean 'noise'?"
    assert did_you_mean("zzz", names) == ""
    message = "Unknown option 'noize'. Did you mean 'noise'? There are noise, noop_max."
    assert str(unknown_name("option", "noize", names[1:3])) == message
    assert str(unknown_name("option", "zz", ["a"])) == "Unknown option 'zz'. There are a."
