import json

import cv2
import numpy as np
import pytest
import torch
from demonstrated import demonstrate, write_translation
from opengl import needs_opengl

from objwrappers.perception.motion_keypoints import MotionKeypoints


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
    assert 0.5 < rows["motion"]["centre_error"] < 3 < rows["6 uniform points"]["centre_error"]
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


def test_folders_of_one_name_keep_their_paths(run_zoo, tmp_path):
    folders = [tmp_path / parent / "weights" for parent in "ab"]
    for folder in folders:
        MotionKeypoints(num_keypoints=2, width=8).save_pretrained(folder)
    options = ["--game", "Pong", "--model", "motion", "--frames", 4, "--device", "cpu"]
    output = run_zoo("score", *options, "--picture", "sheet", "--weights", *folders).stdout
    assert all(f"motion {folder}" in output for folder in folders)
    assert len(list(tmp_path.glob("sheet-Pong-motion-*weights.png"))) == 2


def test_several_weights_give_their_mean_and_worst(run_zoo, tmp_path):
    folders = [tmp_path / "seed0", tmp_path / "seed1"]
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        MotionKeypoints(num_keypoints=3, width=8).save_pretrained(folder)
    path = tmp_path / "scores.json"
    options = ["--game", "Pong", "--model", "motion", "--frames", 8, "--device", "cpu"]
    output = run_zoo("score", *options, "--json", path, "--weights", *folders).stdout
    rows = {row["keypoints"]: row for row in json.loads(path.read_text())["table"]["Pong"]}
    runs = [rows["motion seed0"], rows["motion seed1"]]
    for key in ("recall", "recall_all"):
        values = [run[key] for run in runs]
        assert rows["motion, mean of 2"][key] == pytest.approx(sum(values) / 2)
        assert rows["motion, worst of 2"][key] == min(values)
    sprites = {row["sprites"] for row in rows.values()}
    assert sprites == {runs[0]["counts"]["sprites"]}
    assert "motion, worst of 2" in output


def test_the_sheet_shows_the_truth_without_a_model(run_zoo, tmp_path):
    run_zoo("score", "--game", "Pong", "--frames", 12, "--picture", tmp_path / "truth")
    sheet = cv2.imread(str(tmp_path / "truth-Pong.png"))
    assert sheet.shape == (2 * 210 * 3, 6 * 160 * 3, 3)
    # The player's paddle is at x 140 to 144 in each frame, and so are its box's sides.
    white = (sheet[:630, :480] == 255).all(-1)
    assert white[:, 140 * 3].sum() >= 12
    assert white[:, 144 * 3].sum() >= 12
    assert not np.any(white[:, 146 * 3 : 150 * 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frames", 0], "--frames must be at least 1, got 0"),
        (["--frames", 2, "--num-keypoints", 0], "A grid needs at least 1 keypoint, got 0"),
    ],
)
def test_counts_below_one_are_refused(run_zoo, options, message):
    assert message in run_zoo("score", "--game", "Pong", *options, ok=False).stderr


def test_bars_lure_what_looks_at_differences(run_zoo, tmp_path):
    path = tmp_path / "scores.json"
    options = ["--game", "Pong", "--frames", 40, "--num-keypoints", 4, "--noise", "none", "both"]
    run_zoo("score", *options, "--json", path, "--picture", tmp_path / "table")
    rows = {
        (row["noise"], row["keypoints"]): row
        for row in json.loads(path.read_text())["table"]["Pong"]
    }
    assert rows["none", "4 difference peaks"]["recall"] > 0.6
    assert rows["none", "4 difference peaks"]["on_bars"] == 0
    assert rows["both", "4 difference peaks"]["recall"] < 0.3
    assert rows["both", "4 difference peaks"]["on_bars"] > 0.4
    # Bars cover 1 - (150/160)(198/210) of the frame.
    assert rows["both", "4 uniform points"]["on_bars"] == pytest.approx(0.116, abs=0.09)
    assert rows["none", "fixed grid of 4"]["jitter"] > 1  # it does not follow what it meets
    assert (tmp_path / "table-recall.png").exists()
    error = run_zoo("score", "--game", "Pong", "--noise", "all", ok=False).stderr
    assert "Unknown noise 'all'" in error and "Traceback" not in error


def test_scenes_are_scored_beside_their_baselines(run_zoo, tmp_path):
    path = tmp_path / "scores.json"
    options = ["--family", "scenes", "--game", "Pong", "--frames", 12, "--num-boxes", 4]
    output = run_zoo("score", *options, "--json", path).stdout
    assert "AP@.5" in output and "switches" in output
    found = json.loads(path.read_text())
    rows = {row["scene"]: row for row in found["table"]["Pong"]}
    assert rows["as both raw frames show"]["f1"] == 1
    assert rows["fixed grid of 4"]["f1"] < 0.3
    assert found["options"]["family"] == "scenes" and found["options"]["num_boxes"] == 4


def test_options_of_the_other_family_are_refused(run_zoo):
    error = run_zoo("score", "--game", "Pong", "--pool", 3, ok=False).stderr
    assert "--pool is an option of --family scenes." in error and "Traceback" not in error


def test_the_family_is_that_of_the_model(run_zoo):
    error = run_zoo("score", "--game", "Seaquest", "--model", "space", ok=False).stderr
    assert "There are no weights of 'space' for Seaquest" in error and "Traceback" not in error
    error = run_zoo("score", "--game", "Pong", "--model", "spase", ok=False).stderr
    assert "Unknown perception model 'spase'. Did you mean 'space'" in error


@pytest.mark.slow
@needs_opengl
def test_context_translation_in_pairs_of_contexts(run_zoo, tmp_path):
    demonstrate(tmp_path / "demos")
    write_translation(tmp_path / "model")
    options = [
        *("--family", "translation", "--game", "reacher-hard", "--weights", "model"),
        *("--demonstration", "demos", "--device", "cpu"),
    ]
    output = run_zoo(
        *("score", *options, "--contexts", "default", "mismatch-all"),
        *("--json", "rows.json", "--picture", "strips"),
    ).stdout
    head, first, second, *_ = output.splitlines()
    assert head.split()[:4] == ["contexts", "error", "of", "copy"]
    assert first.startswith("recorded, light -> light") and second.startswith("default -> mism")
    rows = json.loads((tmp_path / "rows.json").read_text())["table"]
    assert [row["contexts"] for row in rows] == [
        *("recorded, light -> light", "default -> mismatch-all")
    ]
    assert (tmp_path / "strips-reacher-hard.png").read_bytes()[:4] == b"\x89PNG"
    for extra, message in (
        (("--contexts", "light"), "pairs of source and target, got 1 names"),
        (("--pool", 3), "--pool is an option of --family scenes"),
        (("--model", "motion"), "One task and one set of weights"),
        (("--noise", "both"), "--noise is of games"),
    ):
        assert message in run_zoo("score", *options, *extra, ok=False).stderr
