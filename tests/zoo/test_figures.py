"""The README's figures of the bundled keypoints, measured again."""

import json

import pytest

LEAST = {
    "MsPacman": 0.85,
    "Pong": 0.80,
    "Breakout": 0.80,
    "Seaquest": 0.70,
    "Frostbite": 0.70,
    "SpaceInvaders": 0.70,
}


@pytest.mark.slow
@pytest.mark.parametrize("game", LEAST)
def test_recall_and_precision_of_the_bundled_motion_keypoints(run_zoo, tmp_path, game):
    path = tmp_path / "scores.json"
    run_zoo("score", "--game", game, "--model", "motion", "--json", path, "--device", "cpu")
    ours, _, grid, uniform = json.loads(path.read_text())["table"][game]
    assert ours["recall"] >= LEAST[game]
    assert ours["precision"] >= 0.75
    assert ours["recall"] > 2 * max(grid["recall"], uniform["recall"])
