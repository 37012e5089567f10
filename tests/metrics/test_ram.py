"""Objects from memory, by hand and against the screen."""

import numpy as np
import pytest
from ale_py.env import AtariEnv

from objwrappers.games import rom_name
from objwrappers.metrics.ram import RAM_GAMES, Sprite, drawn, pooled, sprites


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


def test_eaten_ghosts_are_not_scored_and_frightened_ones_are():
    memory = ram(r1=0x40, r2=0x80, r6=88, r7=98, r8=108, r9=118, r10=48)
    found = sprites("MsPacman", memory)
    scored = {s.name: s.scored for s in found}
    assert scored == {"player": True, "sue": False, "inky": True, "pinky": True, "blinky": True}
    labels = [s.label for s in found]
    assert labels == ["player", "eyes", "edible", "pinky", "blinky"], "by looks"


def test_what_moves_is_as_large_as_two_raw_frames_show_it():
    now = [
        Sprite("paddle", 142, 100, 4, 16),
        Sprite("ball", 50, 50, 2, 4),
        Sprite("new", 9, 9, 2, 2),
    ]
    before = [Sprite("paddle", 142, 94, 4, 16), Sprite("ball", 80, 50, 2, 4)]
    assert pooled(now, before) == [Sprite("paddle", 142, 97, 4, 22), *now[1:]]


def test_breakout_by_hand():
    found = sprites("Breakout", ram(r72=105, r108=6, r99=150, r101=100))
    assert [(s.name, s.x, s.y, s.width) for s in found] == [
        ("paddle", 64, 191, 12),
        ("ball", 102, 111, 2),
    ]


def test_frostbite_animals_by_hand():
    # Row 1 (bottom 168 - 26): a crab dived by 2 at 60 and its second 32 to the right.
    memory = ram(r85=56, r89=2, r36=36, r106=26)
    crabs = [s for s in sprites("Frostbite", memory) if s.name == "crab"]
    assert [(s.x, s.y, s.height) for s in crabs] == [(60, 139, 6), (92, 139, 6)]


def play(game, frames=1600):
    """Raw frames of random play with their scored sprites, every twelfth."""
    env = AtariEnv(rom_name(game), frameskip=1, repeat_action_probability=0.0)
    rng = np.random.default_rng(1)
    env.reset(seed=1)
    moments, memory, action = [], env.ale.getRAM(), 0
    for step in range(frames):
        if step % 4 == 0:
            action = int(rng.integers(env.action_space.n))
        before = memory
        frame, _, over, cut, _ = env.step(action)
        memory = env.ale.getRAM()
        if over or cut:
            env.reset()
            memory = env.ale.getRAM()
        elif step > 60 and step % 12 == 0:
            shown = [s for s in sprites(game, memory, before) if s.scored and drawn(s, frame[None])]
            moments.append((frame, shown))
    return moments


def share_unlike(frame, ground, sprite, dx=0.0, dy=0.0):
    """Share of a box's pixels that are not the ground's."""
    x0, x1 = (
        max(0, round(sprite.x + dx - sprite.width / 2)),
        round(sprite.x + dx + sprite.width / 2),
    )
    y0, y1 = (
        max(0, round(sprite.y + dy - sprite.height / 2)),
        round(sprite.y + dy + sprite.height / 2),
    )
    unlike = np.abs(frame[y0:y1, x0:x1] - ground[y0:y1, x0:x1]).max(-1) > 10
    return unlike.mean() if unlike.size else 0.0


OCCURRING = {
    "MsPacman": {"player", "sue", "inky", "pinky", "blinky"},
    "Pong": {"player", "enemy", "ball"},
    "Breakout": {"paddle", "ball"},
    "SpaceInvaders": {"alien", "cannon"},
    "Seaquest": {"player", "shark", "diver"},
    "Frostbite": {"player", "bird", "floe"},
    "Enduro": {"car"},
    "BattleZone": {"tank"},
    "Boxing": {"player", "enemy"},
    "Tennis": {"player", "enemy"},  # half the ball is a pixel: it may be one off
    "Skiing": {"tree", "mogul", "flag"},
    "Asterix": {"player", "enemy", "consumable"},
    "Riverraid": {"helicopter", "ship", "fuel depot"},
}


@pytest.mark.parametrize("game", RAM_GAMES)
def test_boxes_sit_on_the_sprites_of_the_real_screen(game):
    moments = play(game)
    stack = np.stack([frame for frame, _ in moments])
    # Floes linger too long for a median over time, but water fills most of their rows.
    axes = (0, 2) if game == "Frostbite" else 0
    ground = np.broadcast_to(np.median(stack, axes, keepdims=True)[0], stack.shape[1:])
    there, moved = {}, {}
    for frame, shown in moments:
        if game == "BattleZone":  # bands of ground scroll downwards
            ground = np.broadcast_to(np.median(frame, 1, keepdims=True), frame.shape)
        for s in shown:
            if (game, s.name) == ("Enduro", "player"):  # itself the ground: it hardly moves
                continue
            there.setdefault(s.name, []).append(share_unlike(frame, ground, s))
            aside = [(-s.width / 2, 0), (s.width / 2, 0), (0, -s.height / 2), (0, s.height / 2)]
            moved.setdefault(s.name, []).append([share_unlike(frame, ground, s, *d) for d in aside])
    shares = np.concatenate(list(there.values()))
    assert len(shares) > 70
    assert np.mean(shares >= 0.1) >= 0.95
    for name in OCCURRING[game]:
        # Ghosts that are nowhere near their boxes would not be taken for drawn.
        assert len(there.get(name, [])) >= 30, name
        # Boxes that were off by half their size would hold less of the sprite.
        assert np.mean(there[name]) > 1.15 * np.mean(moved[name], axis=0).max(), name


def test_frightened_ghosts_are_drawn_in_their_colours():
    env = AtariEnv("ms_pacman", frameskip=1, repeat_action_probability=0.0)
    env.reset(seed=1)
    shown = {"blue or white": [], "own colour": []}
    for step in range(900):
        frightened = step >= 450
        for state in range(1, 5) if frightened else ():
            env.ale.setRAM(state, int(env.ale.getRAM()[state]) | 0x80)
        before = env.ale.getRAM()
        if before[33] == 255 or step < 300 or 450 <= step < 460:
            env.step(0)
            continue
        pair = []
        for _ in range(2):
            before = env.ale.getRAM()
            pair.append(env.step(0)[0])
        key = "blue or white" if frightened else "own colour"
        ghosts = [s for s in sprites("MsPacman", env.ale.getRAM(), before) if s.name != "player"]
        for ghost in ghosts:
            shown[key].append(drawn(ghost, np.stack(pair)))
    assert min(map(len, shown.values())) > 200
    assert np.mean(shown["own colour"]) > 0.75
    assert np.mean(shown["blue or white"]) > 0.85
