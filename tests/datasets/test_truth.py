"""Truth beside recorded frames: what the memory says, in rows and frame coordinates."""

import numpy as np
import pytest

from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.truth import (
    LABELS,
    MOST_OBJECTS,
    labels_of,
    truth_arrays,
    truth_facts,
    truth_pictures,
)
from objwrappers.metrics.ram import RAM_GAMES, sprites
from objwrappers.metrics.sprite import Sprite

BALL = Sprite("ball", 80, 105, 2, 4)
PLAYER = Sprite("player", 142, 21, 4, 16, scored=False)
SCORE = Sprite("player score", 120, 10, 20, 20, scored=False, number=1)


def arrays(settled=True):
    envs = [[PLAYER, BALL], []], [[SCORE], []], (210, 160)
    return truth_arrays("Pong", *envs, np.array([settled, True]))


def test_rows_hold_boxes_labels_and_identities():
    truth = arrays()
    labels = truth_facts("Pong")["truth"]["labels"]
    np.testing.assert_allclose(
        truth["boxes"][0, :3],
        [
            [2 * 142 / 160 - 1, 2 * 21 / 210 - 1, 4 / 160, 16 / 210],
            [0, 0, 2 / 160, 4 / 210],
            [0.5, 2 * 10 / 210 - 1, 20 / 160, 20 / 210],
        ],
        atol=1e-6,
    )
    assert [labels[i] for i in truth["label"][0, :3]] == ["player", "ball", "player score"]
    assert truth["identity"][0, :3].tolist() == [0, 2 * 256, labels.index("player score") * 256 + 1]
    assert truth["present"][0].sum() == 3 and truth["present"][0, :3].all()
    assert truth["moving"][0, :3].tolist() == [True, True, False]
    assert truth["relevant"][0, :3].tolist() == [False, True, False]
    for name, array in truth.items():
        assert array.shape[:2] == (2, MOST_OBJECTS)
        assert not array[0, 3:].any() and not array[1].any(), name


def test_just_after_a_reset_nothing_is_relevant():
    truth = arrays(settled=False)
    assert truth["present"].sum() == 3 and not truth["relevant"].any()


@pytest.mark.parametrize("game", RAM_GAMES)
def test_whatever_the_memory_holds_has_a_label_and_a_row(game):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(3000):
        # Bytes are small in most places of most games.
        ram = rng.integers(0, rng.choice([2, 16, 64, 256]), (2, 128)).astype(np.uint8)
        there = sprites(game, ram[1], ram[0])
        truth_arrays(game, [there], [[]], (210, 160), np.array([True]))
        seen |= {sprite.label for sprite in there}
    assert seen <= {*LABELS[game]}
    # The others are too rare for random bytes, but each has a place.
    assert len(seen) >= len(LABELS[game]) - 2


def test_games_whose_memory_is_not_known_are_named():
    assert {*LABELS} == {*RAM_GAMES}
    with pytest.raises(ValueError, match="Objects of Carnival are not known from RAM; known are"):
        truth_facts("Carnival")


def test_too_many_objects_are_an_error():
    with pytest.raises(ValueError, match="65 objects in a frame of Pong, at most 64"):
        truth_arrays("Pong", [[BALL] * 65], [[]], (210, 160), np.array([True]))


def test_pictures_are_spread_over_the_recording(tmp_path):
    frames = np.zeros((4, 2, 210, 160, 3), np.uint8)
    block = {key: np.stack([value] * 4) for key, value in arrays().items()}
    with RecordingWriter(tmp_path, {"task": "Pong", **truth_facts("Pong")}) as writer:
        for _ in range(2):
            writer.append(frames, np.zeros((4, 2), bool), block)
    pictures = dict(truth_pictures(Recording(tmp_path), 4))
    assert list(pictures) == [f"step-{n // 2:05d}-env-{n % 2}" for n in (0, 5, 10, 15)]
    drawn = pictures["step-00000-env-0"]
    assert drawn.shape == (630, 480, 3)
    assert drawn[3 * 103, 3 * 79 : 3 * 81].any(), "the ball's upper edge"
    assert not pictures["step-00007-env-1"].any(), "nothing is there"


def test_labels_are_read_with_suspicion(tmp_path):
    for i, truth in enumerate((None, {"labels": "abc"}, {"labels": [1]}, 3)):
        facts = {"task": "Pong"} if truth is None else {"task": "Pong", "truth": truth}
        RecordingWriter(tmp_path / str(i), facts).append(
            np.zeros((1, 1, 2, 2, 3), np.uint8), np.ones((1, 1), bool)
        )
        with pytest.raises(ValueError, match=r"has no truth: record|does not name its labels"):
            labels_of(Recording(tmp_path / str(i)))
