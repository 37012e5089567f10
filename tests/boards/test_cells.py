"""Cells: their order, commands and digests, and which are selected."""

import copy

import pytest
from board_plans import CONTENT

from objwrappers.boards.cells import cells_of, select

FIRST = [
    "random_Pong",
    "random_MsPacman",
    "pixels_Pong_ppo_none_1000_1",
    "pixels_Pong_ppo_both_1000_1",
    "objects_Pong_ppo_none_1000_1",
    "pixels_MsPacman_ppo_none_1000_1",
    "pixels_MsPacman_ppo_both_1000_1",
    "pixels_Pong_ppo_none_1000_2",
]


def test_cells_fill_a_table_evenly(make_plan):
    cells = cells_of(make_plan())
    names = [cell.name for cell in cells]
    assert names[:8] == FIRST
    # 2 random; 2 games x 2 noises of pixels and 1 of objects, x 2 seeds x 2 budgets.
    assert len(names) == len(set(names)) == 2 + 5 * 4
    assert [cell.budget for cell in cells] == [0] * 2 + [1000] * 10 + [4000] * 10
    assert [cell.seed for cell in cells[2:12]] == [1] * 5 + [2] * 5
    assert "random_Pong" not in [cell.name for cell in cells_of(make_plan(random=False))]


def test_a_cell_is_two_commands(make_plan):
    cell = cells_of(make_plan())[3]
    train, evaluate = cell.commands("f", "zoo/train.py", "zoo/evaluate.py")
    assert train == [
        *("zoo/train.py", "--algo", "ppo", "--env", "ObjFrames-Pong-v0", "-n", "1000"),
        *("--seed", "1", "--device", "cpu", "--eval-freq", "-1", "-f", "f/agent"),
        *("-params", "n_steps:64", "--env-kwargs", "noise:both"),
    ]
    assert evaluate == [
        *("zoo/evaluate.py", "--algo", "ppo", "--env", "ObjFrames-Pong-v0", "-f", "f/agent"),
        *("--episodes", "4", "--device", "cpu", "--json", "f/scores.json"),
    ]
    bare = cells_of(make_plan())[4].commands("f", "t", "e")[0]
    assert bare[-2:] == ["--env-kwargs", "model:motion"] and "-params" not in bare


def test_the_random_policy_plays_whole_games_of_the_reference(make_plan):
    observations = copy.deepcopy(CONTENT["observations"])
    observations["objects"]["env_kwargs"] |= {"life_loss_info": True, "noop_max": 3}
    plan = make_plan(observations=observations, reference="objects")
    pong, ms_pacman = cells_of(plan)[:2]
    # Ms. Pac-Man is none of the reference's games.
    assert (pong.env, ms_pacman.env) == ("ObjScene-Pong-v0", "ObjFrames-MsPacman-v0")
    assert pong.commands("f", "t", "e") == [
        [
            *("e", "--algo", "random", "--env", "ObjScene-Pong-v0"),
            *("--env-kwargs", "model:motion", "noop_max:3"),
            *("--episodes", "4", "--device", "cpu", "--json", "f/scores.json"),
        ]
    ]


def facts_of(plan):
    return {cell.name: cell.facts for cell in cells_of(plan)}


def test_facts_are_what_decides_a_score(make_plan, monkeypatch, tmp_path):
    before = facts_of(make_plan())
    assert len(set(before.values())) == len(before)
    assert facts_of(make_plan(title="another", seeds=[2, 1], reference="pixels")) == before
    observations = copy.deepcopy(CONTENT["observations"])
    observations["objects"] |= {"label": "another", "hyperparams": {"gamma": 0.9}}
    after = facts_of(make_plan(observations=observations))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if name.startswith("objects")}
    after = facts_of(make_plan(episodes=5))
    assert all(before[name] != after[name] for name in before)

    # Those of the id's file, too; what the plan says again is no change.
    (tmp_path / "ppo.yml").write_text("ObjFrames: {gamma: 0.5}\nObjFrames-Pong-v0: {n_steps: 64}")
    plan = make_plan()
    monkeypatch.setattr("objwrappers.boards.cells.hyperparams_folder", lambda: tmp_path)
    pong, _, _, ms_pacman = (cells_of(plan)[i] for i in (2, 3, 4, 5))
    assert pong.settings == {"env_kwargs": {}, "hyperparams": {"n_steps": 64}}
    assert ms_pacman.settings["hyperparams"] == {"gamma": 0.5, "n_steps": 64}
    assert pong.facts != before[pong.name]


def test_some_cells_are_selected(make_plan):
    cells = cells_of(make_plan())

    def names(**only):
        return [cell.name for cell in select(cells, only)]

    assert names(game=["Pong"], observation=["pixels", "objects"], budget=["1000"], seed=[1]) == [
        *("random_Pong", "pixels_Pong_ppo_none_1000_1", "pixels_Pong_ppo_both_1000_1"),
        "objects_Pong_ppo_none_1000_1",
    ]
    assert names(observation=["random"]) == ["random_Pong", "random_MsPacman"]
    assert select(cells, {}) == cells
    with pytest.raises(ValueError, match=r"Unknown axis 'games'\. Did you mean 'game'"):
        names(games=["Pong"])
    with pytest.raises(ValueError, match=r"Unknown budget 0\. There are 1000, 4000"):
        names(budget=[0])
    with pytest.raises(ValueError, match=r"Unknown game 'Boxing'\..* There are Pong, MsPacman"):
        names(game=["Boxing"])
