"""The README's figures of the bundled keypoints, measured again."""

import json

import pytest

TABLE = {
    "MsPacman": (0.96, 0.80),
    "Pong": (1.00, 0.96),
    "Breakout": (0.99, 0.98),
    "Seaquest": (0.97, 0.95),
    "Frostbite": (0.96, 0.95),
    "SpaceInvaders": (0.93, 0.93),
    "Enduro": (0.73, 0.15),
    "BattleZone": (0.97, 0.57),
}
"""Game → recall and precision of ``motion``."""


@pytest.mark.slow
@pytest.mark.parametrize("game", TABLE)
def test_recall_and_precision_of_the_bundled_motion_keypoints(run_zoo, tmp_path, game):
    path = tmp_path / "scores.json"
    run_zoo("score", "--game", game, "--model", "motion", "--json", path, "--device", "cpu")
    ours, _, grid, uniform = json.loads(path.read_text())["table"][game]
    recall, precision = TABLE[game]
    # The table has two digits.
    assert ours["recall"] == pytest.approx(recall, abs=0.015)
    assert ours["precision"] == pytest.approx(precision, abs=0.015)
    assert ours["recall"] > 2 * max(grid["recall"], uniform["recall"])
