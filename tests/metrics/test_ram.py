"""Objects from memory, by hand and against the screen."""

import numpy as np
import pytest
from ale_py.env import AtariEnv

from objwrappers.games import rom_name
from objwrappers.metrics.ram import RAM_GAMES, Sprite, drawn, sprites


def ram(**cells):
    memory = np.zeros(128, np.uint8)
    for name, value in cells.items():
        memory[int(name[1:])] = value
    return memory


def test_pong_by_hand():
    found = {s.name: (s.x, s.y) for s in sprites("Pong", ram(r49=100, r50=107, r51=105, r54=112))}
    assert found == {"player": (142, 99.5), "enemy": (18, 100), "ball": (52, 100)}


def test_hidden_pong_ball_and_enemy_are_absent():
    assert [s.name for s in sprites("Pong", ram(r51=105, r50=33))] == ["player"]


def test_bytes_do_not_wrap():
    # x = (200 + 16) mod 256 = 216, 40 left of the screen's edge: gone; 250 → -6 + 4: clipped away.
    assert "shark" not in [s.name for s in sprites("Seaquest", ram(r30=200, r36=2, r105=20))]
    cannon = sprites("SpaceInvaders", ram(r28=255))
    assert "cannon" not in [s.name for s in cannon]


def test_clipping_moves_the_centre_and_mostly_hidden_sprites_are_not_scored():
    whole = Sprite("a", 10, 10, 8, 8)
    assert whole.clip(0, 160, 0, 210) == whole
    half = whole.clip(10, 160, 0, 210)
    assert (half.x, half.width, half.scored) == (12, 4, True)
    assert whole.clip(12, 160, 0, 210).scored is False  # a quarter is left
    assert whole.clip(14, 160, 0, 210) is None


def test_ms_pacman_is_drawn_from_the_memory_before():
    now, before = ram(r10=88, r16=98, r33=255), ram(r10=86, r16=98, r33=255)
    assert [(s.x, s.y) for s in sprites("MsPacman", now, before)] == [(78, 104)]
    assert [(s.x, s.y) for s in sprites("MsPacman", now)] == [(80, 104)]


def test_space_invaders_reads_one_bit_per_alien():
    aliens = [
        s for s in sprites("SpaceInvaders", ram(r26=40, r16=5, r23=0b101)) if s.name == "alien"
    ]
    assert [(s.x, s.y) for s in aliens] == [(43, 46), (75, 46)]


def test_frostbite_floes_wrap_round_the_screen():
    floes = [s for s in sprites("Frostbite", ram(r30=8, r31=0, r106=26)) if s.y == 177.5]
    assert sorted(s.x - s.width / 2 for s in floes) == [8, 24, 56, 152]


def test_unknown_games_are_named():
    with pytest.raises(ValueError, match=r"Objects of Zaxxon are not known.*MsPacman"):
        sprites("Zaxxon", ram())
    with pytest.raises(ValueError, match="Unknown game 'Pongg'"):
        sprites("Pongg", ram())
    with pytest.raises(ValueError, match=r"128 bytes.*\(64,\)"):
        sprites("Pong", np.zeros(64, np.uint8))


def test_a_ghost_is_drawn_if_its_colour_is_in_one_of_the_raw_frames():
    frames = np.zeros((2, 210, 160, 3), np.uint8)
    ghost = Sprite("inky", 50, 50, 8, 10)
    assert not drawn(ghost, frames)
    frames[1, 46:54, 47:53] = (84, 184, 153)
    assert drawn(ghost, frames)
    assert not drawn(Sprite("sue", 50, 50, 8, 10), frames)
    assert drawn(Sprite("player", 100, 100, 8, 10), frames), "only ghosts flicker"


@pytest.mark.parametrize("game", RAM_GAMES)
def test_boxes_sit_on_something_on_the_real_screen(game):
    env = AtariEnv(rom_name(game), frameskip=1, repeat_action_probability=0.0)
    rng = np.random.default_rng(1)
    env.reset(seed=1)
    moments, memory, action = [], env.ale.getRAM(), 0
    for step in range(1200):
        if step % 4 == 0:
            action = int(rng.integers(env.action_space.n))
        before, memory = memory, None
        frame, _, over, cut, _ = env.step(action)
        memory = env.ale.getRAM()
        if over or cut:
            env.reset()
        elif step > 60 and step % 12 == 0:
            shown = [s for s in sprites(game, memory, before) if s.scored and drawn(s, frame[None])]
            moments.append((frame, shown))
    stack = np.stack([frame for frame, _ in moments])
    hits = []
    for frame, shown in moments:
        for s in shown:
            x0, x1 = round(s.x - s.width / 2), round(s.x + s.width / 2)
            y0, y1 = round(s.y - s.height / 2), round(s.y + s.height / 2)
            # Something is there if the box is not what it is in other moments, or has an edge.
            box, others = frame[y0:y1, x0:x1].astype(int), stack[:, y0:y1, x0:x1].astype(int)
            hits.append((np.abs(others - box).max((1, 2, 3)) > 25).any() or np.ptp(box) > 25)
    assert len(hits) > 100
    assert np.mean(hits) > 0.95
