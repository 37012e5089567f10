"""Archives name classes by module path: what has moved is found under its former name, too."""

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from stable_baselines3 import PPO

from objwrappers.sb3 import _moved
from objwrappers.sb3.policies import FLSPolicy

AGENTS = sorted((Path(__file__).parents[2] / "zoo" / "agents").glob("*/ppo/*/*.zip"))
FORMER = {
    "extractors": ["KeypointCNN", "KeypointGNN"],
    "free_lunch": ["FreeLunchExtractor"],
    "networks": ["NETWORKS", "Convolution", "Network", "ReceptiveField", "network_of"],
    "painting": ["PAINTINGS", "enlarge", "paint", "spread"],
    "perturbation": ["blur", "perturbation"],
    "policy_outputs": ["TARGETS", "Outputs", "check_channels", "looked_at", "prepare"],
    "recurrent_dqn": ["RecurrentDQN", "n_step_targets"],
    "recurrent_q": ["CnnLstmPolicy", "MlpLstmPolicy", "MultiInputLstmPolicy", "RecurrentQNetwork"],
    "saliency": ["METHODS", "attention", "grad_cam", "perturbation", "saliency", "var_grad"],
    "saliency_checks": ["Curve", "deletion", "insertion", "randomisation"],
    "sequence_buffer": ["SequenceReplayBuffer", "Sequences"],
}


@pytest.mark.parametrize("module", FORMER)
def test_former_names_are_the_present_objects(module):
    former = importlib.import_module(f"objwrappers.sb3.{module}")
    for name in FORMER[module]:
        found = getattr(former, name)
        home = getattr(found, "__module__", None)
        if home is not None:
            assert getattr(importlib.import_module(home), name) is found
    with pytest.raises(AttributeError):
        _ = former.nothing


def test_every_moved_module_is_tested():
    assert set(_moved.MOVED) <= set(FORMER)


def test_classes_are_unpickled_by_their_former_path():
    # Protocol 0 writes "c", the module and the name, each on a line.
    by_former_path = b"cobjwrappers.sb3.networks\nNetwork\n."
    assert (
        pickle.loads(by_former_path)
        is importlib.import_module("objwrappers.sb3.free_lunch.networks").Network
    )


def test_former_names_import_nothing_until_they_are_used():
    code = (
        "import sys, objwrappers.sb3, inspect, objwrappers.sb3.saliency_checks as checks\n"
        "inspect.getmodule(inspect.currentframe())\n"
        "print('captum' in sys.modules, checks.__name__)\n"
        "checks.deletion\n"
        "print('captum' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "objwrappers.sb3.saliency_checks", "True"]


def test_there_are_four_bundled_agents():
    assert len(AGENTS) == 4


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_bundled_agents_load(path):
    model = PPO.load(path, device="cpu")
    assert type(model.policy) is FLSPolicy
    assert model.policy.features_extractor.network.attention == (
        "fls" if "cnn_sparse_fls" in path.parts else None
    )
