"""Objects that stand still, on frames made by hand and on the real screen."""

import numpy as np
import pytest

from objwrappers.metrics.scenery import STILL, still_sprites
from objwrappers.scoring.moments import play


def test_boxes_are_as_tight_as_what_is_drawn():
    frame = np.full((210, 160, 3), 60, np.uint8)
    frame[5:12, 50:56] = 200
    frame[5:12, 104:116] = 0
    frame[80:90, 50:60] = 200  # a boxer
    found = {
        s.name: (s.x, s.y, s.width, s.height, s.scored) for s in still_sprites("Boxing", frame)
    }
    assert found == {
        "player score": (53, 8.5, 6, 7, False),
        "enemy score": (110, 8.5, 12, 7, False),
    }


def test_the_cannon_is_no_life_and_shields_are_numbered():
    frame = np.zeros((210, 160, 3), np.uint8)
    frame[185:195, 85:92] = (50, 132, 50)
    frame[160:170, 42:50] = frame[160:170, 106:110] = (181, 83, 40)
    found = [(s.name, s.number, s.x) for s in still_sprites("SpaceInvaders", frame)]
    assert found == [("shield", 0, 46), ("shield", 2, 108)]
    frame[186:194, 84:96] = (162, 134, 56)
    assert still_sprites("SpaceInvaders", frame)[-1].name == "lives"


def test_games_without_a_list_have_none():
    assert still_sprites("Freeway", np.zeros((210, 160, 3), np.uint8)) == []
    with pytest.raises(ValueError, match="Unknown game 'Pongg'"):
        still_sprites("Pongg", np.zeros((210, 160, 3), np.uint8))


@pytest.mark.parametrize("game", STILL)
def test_most_of_them_stand_on_the_real_screen(game):
    view = play(game, 3, 0)[-1].now
    expected = [name for name, *_ in STILL[game]]
    found = [s.name for s in still_sprites(game, view.frame)]
    assert len(found) >= len(expected) - 1  # lives are shown now and then
    for s in still_sprites(game, view.frame):
        assert s.width <= 60 and s.height <= 20, s
