"""Hyperparameters are checked before anything is made of them."""

from pathlib import Path

import pytest
import rl_zoo3
import yaml
from rl_zoo3.utils import ALGOS

from objwrappers.agents.hyperparams import check_hyperparams, find_entry
from objwrappers.agents.runs import IMITATION
from objwrappers.files import hyperparams_folder

FILES = [path for path in hyperparams_folder().glob("*.yml") if path.stem != IMITATION]
RL_ZOO = sorted((Path(rl_zoo3.__file__).parent / "hyperparams").glob("*.yml"))


@pytest.mark.parametrize(
    "path", [*FILES, *RL_ZOO], ids=lambda path: f"{path.parts[-3]} {path.stem}"
)
def test_those_of_the_project_and_of_rl_zoo_pass(path):
    for entry in yaml.safe_load(path.read_text()).values():
        if path.stem in ALGOS:
            check_hyperparams(path.stem, entry)


@pytest.mark.parametrize(
    ("algo", "given", "told"),
    [
        ("ppo", {"nsteps": 5}, "Unknown hyperparameter of ppo 'nsteps'. Did you mean 'n_steps'"),
        ("ppo", {"buffer_size": 5}, "Unknown hyperparameter of ppo 'buffer_size'"),
        ("ppo", {"n_steps": 2.5}, "n_steps must be a positive integer, got 2.5"),
        ("ppo", {"n_steps": float("inf")}, "n_steps must be a positive integer, got inf"),
        ("ppo", {"batch_size": -3}, "batch_size must be a positive integer, got -3"),
        ("dqn", {"gradient_steps": "x"}, "gradient_steps must be an integer, got 'x'"),
        ("ppo", {"normalize_advantage": 2}, "normalize_advantage must be True or False, got 2"),
        ("ppo", {"gamma": None}, "gamma must be a finite number, got None"),
        ("rdqn", {"gamma": float("nan")}, "gamma must be a finite number, got nan"),
        ("ppo", {"frame_stack": True}, "frame_stack must be a positive integer, got True"),
        ("ppo", {"n_timesteps": "1e3"}, r"got '1e3' \(to YAML 1e3 is a word, 1.0e\+3 a"),
        ("dqn", {"learning_rate": "lin"}, "or a schedule like lin_3e-4, got 'lin'"),
        ("dqn", {"learning_rate": "lin_e.e"}, "or a schedule like lin_3e-4, got 'lin_e.e'"),
        ("dqn", {"learning_rate": float("nan")}, "or a schedule like lin_3e-4, got nan"),
        ("dqn", {"policy": "objwrappers.sb3.policies.Foo"}, "no policy 'objwrappers.*Foo'"),
        ("dqn", {"policy": "..a.b"}, "no policy '..a.b'"),
        ("dqn", {"policy": ".a"}, "no policy '.a'"),
    ],
)
def test_names_and_types_are_checked(algo, given, told):
    with pytest.raises(ValueError, match=told):
        check_hyperparams(algo, given)


def test_what_rl_zoo_takes_is_taken():
    check_hyperparams("dqn", {"train_freq": [4, "step"], "buffer_size": 1e5, "max_grad_norm": 0.5})
    check_hyperparams("ppo", {"learning_rate": "linear2_2.5e-4", "clip_range_vf": -1, "n_envs": 2})
    check_hyperparams("ppo", {"clip_range_vf": None, "policy_kwargs": "dict(net_arch=[64])"})
    check_hyperparams("ppo_lstm", {"batch_size": None})
    check_hyperparams("sac", {"ent_coef": "auto_0.1", "policy": "MlpPolicy"})


def test_an_entry_is_of_the_id_or_of_its_family(tmp_path):
    path = tmp_path / "own.yml"
    path.write_text("{ObjFrames: {a: 1}, ObjKeypoints-Pong-v0: {}}")
    assert find_entry(path, "ObjFrames-Pong-v0") == ("ObjFrames", {"a": 1})
    assert find_entry(path, "ObjKeypoints-Pong-v0") == ("ObjKeypoints-Pong-v0", {})
    assert find_entry(path, "CartPole-v1") is None
    with pytest.raises(ValueError, match=r"ObjScene-Pong-v0 in .*own.yml. Add an entry ObjScene:"):
        find_entry(path, "ObjScene-Pong-v0")
    path.write_text("default: {}")
    assert find_entry(path, "ObjScene-Pong-v0") is None
    path.write_text("[]")
    with pytest.raises(ValueError, match="holds no hyperparameters: a dict of ids is wanted"):
        find_entry(path, "ObjScene-Pong-v0")


def test_a_file_of_the_project_without_an_entry_names_those_with_one():
    with pytest.raises(ValueError, match=r"in .*a2c.yml. --algo bc or dqn or ppo or .* learns on"):
        find_entry(hyperparams_folder() / "a2c.yml", "ObjScene-Pong-v0")
