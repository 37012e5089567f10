"""Who is called the player, against hand-made truth and against memory."""

import gymnasium as gym
import numpy as np
import pytest
from scenes import named_blobs

import objwrappers  # noqa: F401
from objwrappers.envs.raw import raw_frames_of
from objwrappers.metrics.ram import sprites
from objwrappers.perception.roles import Roles
from objwrappers.scoring.players import PLAYER_HEADS, Watched, figures, score_player, watch


def made_up(steps=10):
    """Row 0 is called the player, row 1 moves, row 2 is of its class and young."""
    centres = np.zeros((steps, 3, 2))
    centres[:, 0] = 50, 50
    centres[:, 1, 0] = 2.0 * np.arange(steps)
    age = np.stack([np.arange(1, steps + 1)] * 3, 1)
    age[:, 2] = 1
    player = np.zeros((steps, 3), bool)
    player[:, 0] = True
    truth = np.tile([53.0, 50.0], (steps, 1))
    return Watched(centres, age, np.array([0, 1, 1]), player, truth)


def test_figures_by_hand():
    watched = made_up()
    watched.truth[8:] = 50, 54.1  # 4.1 px away
    watched.truth[0] = np.nan
    watched.player[1] = False
    row = figures(watched)
    assert {*row} == {*PLAYER_HEADS}
    assert row["steps"] == 9 and row["found"] == pytest.approx(6 / 9)
    assert row["centre_error"] == pytest.approx(3.0)
    assert row["moving_found"] == 0 and np.isnan(row["moving_error"])


def test_the_class_that_moves_most_has_its_oldest_row():
    watched = made_up()
    watched.truth[:] = watched.centres[:, 1] + [0, 1]
    row = figures(watched)
    assert (row["moving_found"], row["moving_error"]) == (1.0, pytest.approx(1.0))
    assert row["found"] == 0


def test_a_jump_is_no_movement_but_another_object():
    watched = made_up()
    watched.centres[5:, 0] = 100, 100  # row 0 jumps 70 px and is still otherwise
    watched.truth[:] = watched.centres[:, 1]
    assert figures(watched)["moving_found"] == 1.0


def test_no_sprite_is_no_number():
    watched = made_up()
    watched.truth[:] = np.nan
    row = figures(watched)
    assert row["steps"] == 0 and np.isnan(row["found"]) and np.isnan(row["moving_found"])


def blob_roles(player):
    """Blobs of Pong: what is green is the right paddle."""
    model = named_blobs(rows=(1, 1, 1), threshold=0.4)
    roles = Roles(3, model.label_names, model.classifier.rows, player=player)
    roles.classifier.load_state_dict(model.classifier.state_dict())
    return model, roles


def test_watching_keeps_what_memory_and_the_view_say():
    model, roles = blob_roles(player=1)
    env = gym.make("ObjScene-Pong-v0", model=model, roles=roles, relations=True, raw_frames=True)
    watched = watch(env, "Pong", 120, seed=3)
    assert watched.centres.shape == (120, 3, 2) and watched.truth.shape == (120, 2)
    assert watched.label.tolist() == [0, 1, 2]
    assert not watched.player[:, [0, 2]].any()
    np.testing.assert_array_equal(watched.player[:, 1], watched.age[:, 1] > 0)
    shown = np.isfinite(watched.truth[:, 0])  # not where the border hides most of it
    assert shown.mean() > 0.8 and (watched.truth[shown, 0] == 142).all()
    last = {s.name: s for s in sprites("Pong", raw_frames_of(env).memory[1])}["player"]
    assert abs(watched.truth[-1, 1] - last.y) <= 4
    again = watch(env, "Pong", 120, seed=3)
    np.testing.assert_array_equal(again.truth, watched.truth)


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(FileNotFoundError, match=r"no weights of 'motion' for Enduro"):
        score_player("Enduro", "motion")
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        score_player("Pong", steps=0)
    model, roles = blob_roles(player=None)
    with pytest.raises(ValueError, match="No player was found"):
        gym.make("ObjScene-Pong-v0", model=model, roles=roles, relations=True)
