"""Imitators are scored from their demonstration's start, beside the expert."""

import numpy as np
import pytest
from demonstrated import demonstrate, write_translation
from opengl import needs_opengl

from objwrappers.agents.acting import Actor
from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.scoring import imitation
from objwrappers.scoring.imitation import score_imitation

pytestmark = needs_opengl

ID = "IfO-reacher-hard-v0"


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imitation")
    demonstrate(folder / "demos", horizon=14)
    write_translation(folder / "model")
    return {
        "demonstration": str(folder / "demos"),
        "weights": str(folder / "model"),
        "num_demonstrations": None,
    }


def test_who_repeats_the_experts_actions_is_the_expert(options, monkeypatch):
    found, _ = read_demonstrations(options["demonstration"]).split()
    acted = (action for actions in found.actions for action in actions)
    actor = Actor(lambda _: next(acted), options, "replay")
    monkeypatch.setattr(imitation, "load_actor", lambda *_, **__: actor)
    expert, replay, random = score_imitation(ID, "sac", env_kwargs={"task_state": True})
    assert [row["player"] for row in (expert, replay, random)] == [
        *("expert", "replay", "random policy")
    ]
    assert expert["return"] == pytest.approx(found.returns.mean()) and found.returns.mean() > 0
    assert expert["success"] == (found.rewards[:, -1] > 0).mean()
    assert replay["return"] == pytest.approx(expert["return"]) and replay["share"] == pytest.approx(
        1
    )
    assert replay["success"] == expert["success"] and replay["joint_error"] < 1e-9
    assert expert["episodes"] == replay["episodes"] == random["episodes"] == 18
    assert random["joint_error"] > 0.1 and random["return"] < expert["return"]


def test_held_out_demonstrations_are_others(options):
    _, held_out = read_demonstrations(options["demonstration"]).split()
    expert, random = score_imitation(
        ID, "random", env_kwargs={**options, "split": "held-out"}, episodes=4
    )
    assert expert["return"] == pytest.approx(held_out.returns[[0, 1, 0, 1]].mean())
    assert random["episodes"] == 4
    with pytest.raises(ValueError, match="give at_start=True"):
        score_imitation(ID, "random", env_kwargs={**options, "at_start": False})
    with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
        score_imitation(ID, "random", env_kwargs=options, episodes=0)


def test_agents_of_other_demonstrations_are_scored_one_by_one(options, monkeypatch):
    trained = iter([{**options, "num_demonstrations": 1}, options])
    monkeypatch.setattr(
        imitation, "load_actor", lambda *_, **__: Actor(None, next(trained), "agent")
    )
    with pytest.raises(ValueError, match="score them one by one"):
        score_imitation(ID, "sac", exp_id=[1, 2])


def test_a_hinge_is_where_it_was_after_a_whole_turn(options):
    from objwrappers.envs.control import ControlEnv

    physics = ControlEnv("cartpole-swingup", observe="state").physics
    away = imitation._apart(
        np.array([0.5, 0.1 + 4 * np.pi]), np.array([0.2 + 2 * np.pi, -0.2]), physics
    )
    np.testing.assert_allclose(away, [2 * np.pi - 0.3, 0.3])  # a slide is far away
