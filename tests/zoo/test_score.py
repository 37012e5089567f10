import json

import pytest


def test_bundled_keypoints_beat_the_baselines(run_zoo, tmp_path):
    path = tmp_path / "scores.json"
    run_zoo(
        "score",
        "--game",
        "Breakout",
        "--model",
        "motion",
        "--frames",
        60,
        "--json",
        path,
        "--device",
        "cpu",
    )
    rows = {row["keypoints"]: row for row in json.loads(path.read_text())["table"]["Breakout"]}
    assert rows["motion"]["recall"] >= 0.8
    assert rows["motion"]["precision"] >= 0.75
    assert rows["fixed grid of 6"]["recall"] < 0.3
    assert rows["6 uniform points"]["recall"] < 0.3
    assert rows["motion"]["counts"]["frames"] == 60


def test_scores_repeat(run_zoo, tmp_path):
    tables = []
    for name in ("a.json", "b.json"):
        run_zoo("score", "--game", "Pong", "--frames", 20, "--json", tmp_path / name)
        tables.append(json.loads((tmp_path / name).read_text())["table"])
    assert tables[0] == tables[1]
    assert tables[0]["Pong"][0]["keypoints"] == "fixed grid of 10"
    assert tables[0]["Pong"][0]["present"] == pytest.approx(10)


def test_a_game_without_truth_is_named(run_zoo):
    assert (
        "Objects of Zaxxon are not known" in run_zoo("score", "--game", "Zaxxon", ok=False).stderr
    )
