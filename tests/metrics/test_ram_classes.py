"""The classes that are told before the first step hold whatever memory comes."""

from collections import Counter

import numpy as np
import pytest
from ale_py.env import AtariEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from objwrappers.games import rom_name
from objwrappers.metrics.ram import RAM_GAMES, sprites
from objwrappers.metrics.ram_classes import PLAYERS, RAM_CLASSES


def counts(game, memory, before):
    return Counter(sprite.label for sprite in sprites(game, memory, before))


def test_every_game_has_its_classes():
    assert list(RAM_CLASSES) == list(RAM_GAMES)
    assert {game: player for game, player in PLAYERS.items() if player != "player"} == {
        "Breakout": "paddle",
        "SpaceInvaders": "cannon",
    }
    assert {*RAM_CLASSES} - {*PLAYERS} == {"BattleZone"}
    assert all(PLAYERS[game] in RAM_CLASSES[game] for game in PLAYERS)
    assert all(RAM_CLASSES[game][player] == 1 for game, player in PLAYERS.items())


@pytest.mark.parametrize("game", RAM_GAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_any_memory_has_objects_of_those_classes_alone_and_not_more(game, seed, share):
    rng = np.random.default_rng(seed)
    memory = rng.integers(256, size=(2, 128)).astype(np.uint8)
    memory[rng.random(memory.shape) < share] = 0
    for label, number in counts(game, *memory).items():
        assert number <= RAM_CLASSES[game][label]


@pytest.mark.parametrize("game", PLAYERS)
def test_the_player_is_there_in_play(game):
    env = AtariEnv(rom_name(game), frameskip=4, repeat_action_probability=0.0, obs_type="ram")
    env.reset(seed=1)
    env.action_space.seed(1)
    seen = []
    for _ in range(150):
        memory = env.step(env.action_space.sample())[0]
        seen.append(counts(game, memory, memory)[PLAYERS[game]])
    assert np.mean(seen) > 0.5
