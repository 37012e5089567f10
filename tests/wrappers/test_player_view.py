"""Relations and maps, of scenes of which every pixel is known."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from scenes import frame_with, named_blobs

from objwrappers.perception.roles import Roles
from objwrappers.wrappers.player_view import CELL_PX, CELLS, EgocentricMap, PlayerView
from objwrappers.wrappers.tracking import Track

SIDE = 160
MIDDLE = CELLS // 2
PILL = (0, 60, 0)


def roles_of(player=0, walls=None, vanishing=None, harm=(0.0, 0.9, 0.0)) -> Roles:
    """Red is the player, green harms, blue does not."""
    roles = Roles(3, ("red", "green", "blue"), (1, 2, 2), None, player, SIDE, SIDE)
    roles.classifier.load_state_dict(named_blobs(rows=(1, 2, 2)).classifier.state_dict())
    roles.harm = torch.tensor(harm)
    whole = np.zeros((SIDE, SIDE, 3), np.uint8)
    none = np.zeros((SIDE, SIDE), bool)
    walls, vanishing = (none if mask is None else mask for mask in (walls, vanishing))
    whole[vanishing] = PILL
    roles.set_scenery(whole, walls, vanishing)
    return roles


def view_of(roles, relations=True, map=True, num_envs=1) -> PlayerView:
    model = named_blobs(rows=(1, 2, 2))
    model = model.with_classifier(roles.classifier)
    track = Track(model, num_envs, (SIDE, SIDE), {"beta": 1.0})
    return PlayerView(track, roles, relations, map)


def seen(view, *frames, fresh=True):
    """What one env shows after frames in succession."""
    for number, frame in enumerate(frames):
        start = np.array([fresh and number == 0])
        percepts = view(frame[None], np.zeros(1, int), start)
    return {key: value[0] for key, value in percepts.items()}


def scene(*objects):
    return frame_with(*objects, side=SIDE)


def wall_at(rows, columns):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[rows, columns] = True
    return mask


def test_places_and_velocities_are_relative_to_the_players():
    view = view_of(roles_of(), map=False)
    first = scene(("red", 40, 60, 8, 8), ("green", 100, 60, 8, 8))
    second = scene(("red", 42, 60, 8, 8), ("green", 100, 64, 8, 8))
    percepts = seen(view, first, second)
    assert percepts["player"].tolist() == [1, 0, 0, 0, 0]
    pixel = 2 / SIDE
    expected = np.zeros((5, 4))
    expected[1] = np.array([58, 4, -2, 4]) * pixel
    np.testing.assert_allclose(percepts["relative"], expected, atol=1e-6)
    assert {*view.choose(percepts)} == {*view.single_observation_space}
    assert view.single_observation_space.contains(view.choose(percepts))


def test_where_the_player_is_not_seen_nothing_is_relative_to_it():
    wall = wall_at(slice(0, 8), slice(0, SIDE))
    percepts = seen(view_of(roles_of(walls=wall)), scene(("green", 100, 60, 8, 8)))
    assert percepts["present"].sum() > 0.8
    assert not percepts["relative"].any() and not percepts["map"].any()
    assert not percepts["player"].any()


def test_the_map_by_hand():
    walls = wall_at(slice(82, 90), slice(94, 102))
    vanishing = wall_at(slice(100, 102), slice(70, 74)) | wall_at(slice(100, 102), slice(106, 110))
    frame = scene(("red", 86, 86, 8, 8), ("green", 70, 86, 8, 8), ("blue", 86, 110, 4, 4))
    frame[100:102, 70:74] = PILL  # the other pill is gone
    planes = seen(view_of(roles_of(walls=walls, vanishing=vanishing)), frame)["map"] / 255
    corner = 90 - CELLS * CELL_PX // 2  # of the map in the frame: the player's middle is (90, 90)
    for plane, box in (
        (0, (94, 82, 102, 90)),
        (1, (70, 100, 74, 102)),
        (2, (70, 86, 78, 94)),
        (3, (86, 110, 90, 114)),
    ):
        painted = np.zeros((CELLS * CELL_PX, CELLS * CELL_PX))
        left, top, right, bottom = (side - corner for side in box)
        painted[top:bottom, left:right] = 1
        cells = painted.reshape(CELLS, CELL_PX, CELLS, CELL_PX).mean((1, 3))
        np.testing.assert_allclose(planes[plane], cells, atol=1 / 255, err_msg=str(plane))
    assert planes[2].sum() * CELL_PX**2 == pytest.approx(64, abs=0.5)


def test_another_of_the_players_class_is_another_object():
    drawing = EgocentricMap(roles_of(player=2, walls=wall_at(slice(0, 8), slice(0, SIDE))))
    boxes = np.zeros((1, 5, 4), np.float32)
    boxes[0, 3:] = [[0, 0, 8 / SIDE, 8 / SIDE], [0.1, 0.25, 8 / SIDE, 8 / SIDE]]
    percepts = {"boxes": boxes, "age": np.array([[0, 0, 0, 5, 3]])}
    frames = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    planes = drawing(frames, percepts, np.array([3]), np.ones(1, bool))[0] / 255
    # Middles are (80, 80) and (88, 100); the corner of the map is (38, 38).
    cells = np.zeros((CELLS * CELL_PX, CELLS * CELL_PX))
    cells[58:66, 46:54] = 1
    cells = cells.reshape(CELLS, CELL_PX, CELLS, CELL_PX).mean((1, 3))
    np.testing.assert_allclose(planes[3], cells, atol=1 / 255)
    assert not planes[2].any()


def test_beyond_the_frame_there_is_wall():
    walls = wall_at(slice(100, 101), slice(0, 1))
    planes = seen(view_of(roles_of(walls=walls)), scene(("red", 0, 0, 8, 8)))["map"]
    outside = np.ones((CELLS * CELL_PX, CELLS * CELL_PX))
    start = CELLS * CELL_PX // 2 - 4  # the player's middle is (4, 4)
    outside[start:, start:] = 0
    cells = outside.reshape(CELLS, CELL_PX, CELLS, CELL_PX).mean((1, 3))
    np.testing.assert_allclose(planes[0] / 255, cells, atol=1 / 255)


def test_envs_do_not_mix():
    walls = wall_at(slice(72, 80), slice(84, 92))
    frames = [
        scene(("red", 10 * n, 76, 8, 8), ("green", 60, 76, 8, 8), ("blue", 90, 8 * n, 8, 8))
        for n in range(5)
    ]
    together = view_of(roles_of(walls=walls), num_envs=5)(
        np.stack(frames), np.arange(5), np.ones(5, bool)
    )
    for n, frame in enumerate(frames):
        alone = seen(view_of(roles_of(walls=walls)), frame)
        for key, value in alone.items():
            np.testing.assert_array_equal(together[key][n], value, err_msg=key)


def test_without_a_player_or_a_scenery_the_command_is_named():
    with pytest.raises(
        ValueError, match=r"No player was found.*zoo/roles.py --model motion --game .*--steps 6000"
    ):
        view_of(roles_of(player=None))
    with pytest.raises(ValueError, match=r"known to stand still.*leave map out.*zoo/roles.py"):
        view_of(roles_of())
    view_of(roles_of(), map=False)


def test_frames_of_another_size_are_refused():
    walls = wall_at(slice(72, 80), slice(84, 92))
    drawing = EgocentricMap(roles_of(walls=walls))
    percepts = {"boxes": np.zeros((1, 5, 4), np.float32), "age": np.zeros((1, 5))}
    with pytest.raises(ValueError, match=r"native frames, 160 by 160, got \(80, 80\)"):
        drawing(np.zeros((1, 80, 80, 3), np.uint8), percepts, np.zeros(1, int), np.ones(1, bool))


def test_a_picture_has_the_map_beside_the_frame():
    walls = wall_at(slice(72, 80), slice(84, 92))
    view = view_of(roles_of(walls=walls))
    frame = scene(("red", 76, 76, 8, 8))
    picture = view.draw(frame, seen(view, frame))
    plain = view_of(roles_of(), map=False)
    without = plain.draw(frame, seen(plain, frame))
    assert picture.shape[0] == without.shape[0]
    assert picture.shape[1] > without.shape[1]
    np.testing.assert_array_equal(picture[:, : without.shape[1]], without)


def test_the_observation_is_what_the_space_says():
    walls = wall_at(slice(72, 80), slice(84, 92))
    space = view_of(roles_of(walls=walls)).single_observation_space
    assert isinstance(space, gym.spaces.Dict)
    assert space["map"].shape == (4, CELLS, CELLS) and space["map"].dtype == np.uint8
    assert space["relative"].shape == (5, 4)
