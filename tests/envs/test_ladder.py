"""hyperparams/boards/ladder.yml: its columns are envs, worse than the first in what they say."""

from pathlib import Path

import gymnasium as gym
import pytest
import yaml
from ram_roles import pong_roles

import objwrappers  # noqa: F401
from objwrappers.registration import FAMILIES

PLAN = yaml.safe_load(
    (Path(__file__).parents[2] / "hyperparams" / "boards" / "ladder.yml").read_text()
)
COLUMNS = PLAN["observations"]


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "ours"])
def test_a_rung_is_an_env(name):
    assert COLUMNS[name]["env"] == "ObjRAM-{game}-v0"
    options = COLUMNS[name].get("env_kwargs", {})
    has_player = options.get("relations", False)
    env = gym.make("ObjRAM-Pong-v0", roles=pong_roles() if has_player else False, **options)
    assert ({"relative", "map"} <= {*env.observation_space}) == has_player
    assert ("velocity" in env.observation_space.spaces) == (name != "no-track")
    assert env.observation_space["what"].shape == ((3, 1) if name == "no-class" else (3, 3))


def test_rungs_differ_in_their_objects_alone():
    settings = [column["hyperparams"] for column in COLUMNS.values()]
    assert all(one == settings[0] for one in settings)
    assert {*PLAN["games"]} <= {*FAMILIES["ObjRAM"].tasks}
    assert {*COLUMNS["ours"]["games"]} < {*PLAN["games"]}
    assert {*COLUMNS["ours"]["env_kwargs"]} <= {*FAMILIES["ObjScene"].options}
    assert PLAN["reference"] == "perfect"
