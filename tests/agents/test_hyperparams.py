"""Hyperparameters are checked before anything is made of them."""

import pytest
import yaml

from objwrappers.agents.hyperparams import check_hyperparams, find_entry
from objwrappers.agents.runs import IMITATION
from objwrappers.files import hyperparams_folder

FILES = [path for path in hyperparams_folder().glob("*.yml") if path.stem != IMITATION]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_those_of_the_project_pass(path):
    for entry in yaml.safe_load(path.read_text()).values():
        check_hyperparams(path.stem, entry)


@pytest.mark.parametrize(
    ("algo", "given", "told"),
    [
        ("ppo", {"nsteps": 5}, "Unknown hyperparameter of ppo 'nsteps'. Did you mean 'n_steps'"),
        ("ppo", {"buffer_size": 5}, "Unknown hyperparameter of ppo 'buffer_size'"),
        ("ppo", {"n_steps": 2.5}, "n_steps must be an integer, got 2.5"),
        ("ppo", {"normalize_advantage": 1}, "normalize_advantage must be True or False, got 1"),
        ("ppo", {"gamma": None}, "gamma must be a number, got None"),
        ("ppo", {"frame_stack": True}, "frame_stack must be a positive integer, got True"),
        ("ppo", {"n_timesteps": "x"}, "n_timesteps must be a number, got 'x'"),
        ("dqn", {"learning_rate": "lin"}, "a number or a schedule like lin_3e-4, got 'lin'"),
        ("dqn", {"policy": "objwrappers.sb3.policies.Foo"}, "no policy 'objwrappers.*Foo'"),
    ],
)
def test_names_and_types_are_checked(algo, given, told):
    with pytest.raises(ValueError, match=told):
        check_hyperparams(algo, given)


def test_tuples_schedules_and_whole_floats_are_taken():
    check_hyperparams("dqn", {"train_freq": [4, "step"], "buffer_size": 1e5})
    check_hyperparams("ppo", {"learning_rate": "lin_2.5e-4", "clip_range_vf": -1, "n_envs": 2})
    check_hyperparams("sac", {"ent_coef": "auto_0.1", "policy": "MlpPolicy"})


def test_an_entry_is_of_the_id_or_of_its_family(tmp_path):
    path = tmp_path / "own.yml"
    path.write_text("{ObjFrames: {}, ObjKeypoints-Pong-v0: {}}")
    assert find_entry(path, "ObjFrames-Pong-v0") == "ObjFrames"
    assert find_entry(path, "ObjKeypoints-Pong-v0") == "ObjKeypoints-Pong-v0"
    assert find_entry(path, "CartPole-v1") is None
    with pytest.raises(ValueError, match=r"ObjScene-Pong-v0 in .*own.yml. --algo .*ppo"):
        find_entry(path, "ObjScene-Pong-v0")
    path.write_text("[]")
    with pytest.raises(ValueError, match="holds no hyperparameters: a dict of ids is wanted"):
        find_entry(path, "ObjScene-Pong-v0")
