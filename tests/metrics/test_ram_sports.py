"""Objects of Boxing, Tennis, Skiing, Asterix and River Raid from memory, by hand."""

import numpy as np
import pytest

from objwrappers.metrics.ram import play_area, sprites
from objwrappers.scoring.moments import play


def ram(**cells):
    memory = np.zeros(128, np.uint8)
    for name, value in cells.items():
        memory[int(name[1:])] = value
    return memory


def boxes(game, memory, before=None):
    return {
        (s.name, s.number): (s.x, s.y, s.width, s.height) for s in sprites(game, memory, before)
    }


def test_boxers_face_each_other_and_grow_by_the_arm_that_is_out():
    calm = boxes("Boxing", ram(r32=40, r33=70, r34=0, r35=0))
    assert calm == {("player", 0): (52, 61.5, 14, 47), ("enemy", 0): (80, 60.5, 14, 47)}
    # White strikes to the right, black, on the right, to the left.
    struck = boxes("Boxing", ram(r32=40, r33=70, r55=47, r61=64))
    assert struck[("player", 0)] == (52 + 3.5, 61.5, 21, 47)
    assert struck[("enemy", 0)] == (80 - 8.5, 60.5, 31, 47)
    turned = boxes("Boxing", ram(r32=40, r33=70, r84=1, r57=50))
    assert turned[("player", 0)] == (50 - 4, 61.5, 22, 47)


def test_tennis_players_change_ends():
    memory = ram(r26=60, r27=80, r24=140, r25=20, r56=1)
    assert boxes("Tennis", memory) == {
        ("player", 0): (68, 38, 12, 23),
        ("enemy", 0): (84, 158, 12, 23),
    }
    memory[80] = 1
    assert boxes("Tennis", memory)[("enemy", 0)][:2] == (68, 38)


def test_the_tennis_ball_hides_behind_the_net():
    above = sprites("Tennis", ram(r16=50, r54=101, r55=91))
    assert [(s.name, s.x, s.y, s.scored) for s in above[2:]] == [
        ("ball", 49, 89.5, True),
    ]
    assert [s.name for s in sprites("Tennis", ram(r16=50, r54=85, r55=59))[2:]] == ["shadow"]
    assert len(sprites("Tennis", ram(r16=50, r54=100))) == 2, "drawn in other frames only"


def test_skiing_reads_slots_of_the_memory_before():
    now = ram(r25=10)
    before = ram(r25=70, r62=30, r70=85, r54=31, r86=81, r63=40, r71=2, r55=15, r87=101)
    assert boxes("Skiing", now, before) == {
        ("player", 0): (75, 48.5, 8, 18),
        ("tree", 0): (35, 115, 16, 30),
        ("flag", 2): (43.5, 87, 5, 14),
        ("flag", 3): (75.5, 87, 5, 14),
    }
    before[79] = 4  # a red gate
    assert boxes("Skiing", now, before)[("flag", 3)][0] == 78.5


def test_what_is_hardly_in_sight_on_the_slope_is_not_scored():
    slopes = [ram(r25=70, r62=30, r70=5, r54=9, r86=181 - top) for top in (168, 174)]
    scored = [[s.scored for s in sprites("Skiing", m) if s.name == "mogul"] for m in slopes]
    assert scored == [[True], [False]]


def test_asterix_lanes_hold_enemies_consumables_and_rewards():
    memory = ram(r41=80, r39=3, r42=20, r29=1, r43=60, r74=1, r44=100)
    for lane in range(3, 8):
        memory[18 - lane] = 11  # empty
    assert boxes("Asterix", memory) == {
        ("player", 0): (84, 79.5, 8, 11),
        ("enemy", 0): (24, 31.5, 7, 11),
        ("reward", 1): (63, 46, 6, 8),
        ("consumable", 2): (104.5, 64, 7, 10),
    }
    memory[71] = 82
    assert boxes("Asterix", memory)[("player", 0)] == (89, 79.5, 16, 11)


def test_river_raid_slots_carry_a_signed_shift():
    # Kind 7 in slot 3: x 15·5 - (-2) + 6, y 32·2 + 10.
    memory = ram(r58=1, r51=70, r35=7, r23=5, r29=0xE0, r11=10, r117=80, r50=60)
    assert boxes("Riverraid", memory) == {
        ("player", 0): (74.5, 151.5, 7, 13),
        ("shot", 0): (79.5, 107, 1, 8),
        ("ship", 3): (92, 65, 16, 8),
    }
    assert ("player", 0) not in boxes("Riverraid", ram(r58=223, r51=70))


def test_the_area_where_objects_count_is_known():
    assert play_area("pong") == (0, 160, 34, 194)
    with pytest.raises(ValueError, match=r"Objects of AirRaid are not known.*Riverraid"):
        play_area("AirRaid")


def test_tennis_balls_are_white_on_the_screen():
    seen = 0
    for moment in play("Tennis", 60, 3):
        view = moment.now
        for ball in (s for s in view.shown if s.name == "ball"):
            x, y = int(ball.x), int(ball.y)
            around = view.frame[y - 3 : y + 3, x - 3 : x + 3]
            assert (around == 236).all(-1).sum() >= 2
            seen += 1
    assert seen >= 20
