"""Roles of classes that are known: those of the console's memory."""

import gymnasium as gym
import numpy as np
import pytest
import torch

import objwrappers
from objwrappers.envs.ram_ids import ram_scene
from objwrappers.perception.roles import find_roles
from objwrappers.pretraining.roles.learning import roles_of_known
from objwrappers.pretraining.roles.play import Play


def made_up(steps=60):
    """The player stands; twice the enemy touches it, and a life is lost; there is no ball."""
    boxes = np.zeros((steps, 1, 3, 4), np.float32)
    boxes[..., 2:] = 0.05
    boxes[:, 0, 1, 0] = 0.9
    touching = np.arange(steps) % 30 == 15
    boxes[touching, 0, 1, 0] = 0.0
    age = np.tile(np.arange(1, steps + 1)[:, None, None], (1, 1, 3))
    age[..., 2] = 0
    harmed = np.roll(touching, 1)[:, None]
    return Play(
        boxes=np.tile(boxes, (1, 6, 1, 1)),
        age=np.tile(age, (1, 6, 1)),
        found=np.tile(age > 0, (1, 6, 1)),
        label=np.arange(3),
        action=np.zeros((steps, 6), int),
        reward=np.zeros((steps, 6), np.float32),
        harmed=np.tile(harmed, (1, 6)),
        first=np.tile((np.arange(steps) == 0)[:, None], (1, 6)),
        frames=np.zeros((3, 6, 210, 160, 3), np.uint8),
        num_actions=3,
    )


def test_known_classes_keep_their_names_and_rows_and_the_player_is_told():
    classifier = ram_scene("Pong").classifier
    roles = roles_of_known(made_up(), classifier, "player")
    assert roles.classifier.labels == ("player", "enemy", "ball")
    assert roles.classifier.rows == (1, 1, 1) and roles.player == 0
    assert torch.equal(roles.classifier.weight, classifier.weight)
    assert roles.harm.tolist() == pytest.approx([0, 1, 0])
    assert roles.agency.tolist() == [0, 0, 0], "nothing moves as the actions say, and yet"
    nobody = roles_of_known(made_up(), classifier, None)
    assert nobody.player is None and nobody.harm.tolist() == [0, 0, 0]


def test_a_play_gives_roles_that_ids_find(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = objwrappers.learn_roles("Pong", "ram", steps=45, num_envs=2, command="this one")
    assert made.folder.name == "scenes-roles-ram-Pong"
    assert made.roles.record["training"]["classes"] == "stored"
    found = find_roles("ram", "Pong", digest=ram_scene("Pong").digest)
    assert found.player == 0 and found.classifier.labels == ("player", "enemy", "ball")
    np.testing.assert_array_equal(found.walls, made.roles.walls)
    env = gym.make("ObjRAM-Pong-v0", relations=True, map=True)
    observation, _ = env.reset(seed=0)
    for _ in range(30):
        observation, *_ = env.step(0)
    # The score and the borders of the field are walls, which the map shows above the paddle.
    assert observation["map"][0].max() == 255


def test_rows_stay_whatever_a_play_shows(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = objwrappers.learn_roles("Seaquest", "ram", steps=25, num_envs=1)
    assert made.roles.classifier.rows == ram_scene("Seaquest").classifier.rows


@pytest.mark.parametrize(
    "options", [{"classes": "found"}, {"noise": "both"}, {"weights": "somewhere"}]
)
def test_what_memory_has_not_is_refused(options):
    with pytest.raises(ValueError, match="knows its classes, has no weights and sees no bars"):
        objwrappers.learn_roles("Pong", "ram", **options)
