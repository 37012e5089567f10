"""zoo/collect.py: frames that grow, splits with truth, and pictures of them, by one command."""

import json

import cv2
import numpy as np
import pytest
import torch
from opengl import needs_opengl

from objwrappers.datasets.frames import read_frames
from objwrappers.datasets.recordings import Recording
from objwrappers.datasets.truth import labels_of


def test_one_command_records_all_splits_with_truth_and_pictures(run_zoo, tmp_path):
    options = ["--game", "Pong", "-n", 128, "--num-envs", 1, "--folder", "pong", "--split", "all"]
    pictures = ["--plot-boxes", "boxes", "--plot-motion", "motion", "--root"]
    result = run_zoo("collect", *options, "--truth", *pictures)
    for split in ("train", "validation", "test"):
        recording = Recording(tmp_path / "pong" / split)
        assert f"128 frames of Pong in pong/{split}" in result.stdout
        assert labels_of(recording)[:3] == ("player", "enemy", "ball")
        assert len([*(tmp_path / "boxes" / split).glob("step-*-env-0.png")]) == 16
        assert len([*(tmp_path / "motion" / split).glob("0?-*.png")]) == 8 * 9
        assert (tmp_path / "motion" / split / "sheet.png").exists()
        frames = recording[0].frames[:, 0]
        median = cv2.imread(str(tmp_path / "pong" / split / "background" / "median.png"))
        np.testing.assert_array_equal(median[..., ::-1], np.sort(frames, axis=0)[63])
        mode = cv2.imread(str(tmp_path / "pong" / split / "background" / "mode.png"))
        for y, x in ((100, 80), (30, 5), (100, 17)):
            colours, counts = np.unique(frames[:, y, x], axis=0, return_counts=True)
            np.testing.assert_array_equal(mode[y, x, ::-1], colours[counts.argmax()])
    assert "Next: python zoo/pretrain.py --model motion --game Pong --frames-folder pong/train" in (
        result.stdout
    )
    # Nothing is played again where everything is there.
    assert run_zoo("collect", *options, "--truth").stdout.count("128 frames of Pong") == 3


def test_games_without_truth_are_named(run_zoo, tmp_path):
    options = ["--game", "Carnival", "-n", 8, "--num-envs", 1, "--folder", "carnival"]
    error = run_zoo("collect", *options, "--truth", ok=False).stderr
    assert "Objects of Carnival are not known from RAM; known are" in error
    assert "Traceback" not in error and not (tmp_path / "carnival").exists()
    error = run_zoo("collect", *options, "--iid", 2, ok=False).stderr
    assert "iid is a probability, above 0 and at most 1, got 2.0" in error
    for half in (["--algo", "ppo"], ["--env", "ObjKeypoints-Pong-v0"]):
        error = run_zoo("collect", *options, *half, ok=False).stderr
        assert error == "error: --algo and --env go together: both are of the trained agent.\n"


@needs_opengl
def test_demonstrations_of_a_task(run_zoo, tmp_path):
    output = run_zoo(
        *("collect", "--task", "reacher-easy", "-n", 1, "--folder", "demos"),
        *("--contexts", "default", "mismatch-all", "--horizon", 3, "--image-size", 16),
        *("--min-return", 0),
    ).stdout
    assert "20 demonstrations of reacher-easy" in output
    assert "--model context_translation --game reacher-easy --frames-folder demos" in output
    assert (tmp_path / "demos" / "preview.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--task", "reacher-easy", "--noise", "both"), "--noise is an option of --game alone"),
        (("--game", "Pong", "--contexts", "light"), "--contexts is an option of --task alone"),
        (("--task", "finger-spin"), "There is no script for 'finger-spin'"),
    ],
)
def test_options_of_games_and_of_tasks_are_kept_apart(run_zoo, options, message):
    assert message in run_zoo("collect", *options, ok=False).stderr


def test_frames_are_small_and_collecting_again_adds_what_is_missing(run_zoo, tmp_path):
    frames = tmp_path / "frames"
    options = ["--game", "Pong", "--num-envs", 4, "--folder", frames]
    result = run_zoo("collect", *options, "-n", 1024)
    assert f"1024 frames of Pong in {frames}" in result.stdout
    size_kb = sum(file.stat().st_size for file in frames.iterdir()) / 1024
    assert size_kb / 1024 <= 4
    before = (frames / "shard-00000.npz").read_bytes()
    run_zoo("collect", *options, "-n", 1025)
    index = json.loads((frames / "frames.json").read_text())
    assert [shard["steps"] for shard in index["shards"]] == [128, 128, 128]
    assert (frames / "shard-00000.npz").read_bytes() == before
    error = run_zoo("collect", "--game", "Breakout", "-n", 9, "--folder", frames, ok=False).stderr
    assert "holds other frames" in error
    assert "Traceback" not in error


def test_bars_can_be_recorded(run_zoo, tmp_path):
    folder = tmp_path / "noisy"
    options = ["--game", "Pong", "-n", 512, "--num-envs", 4, "--folder", folder]
    run_zoo("collect", *options, "--noise", "both")
    frames = read_frames(folder).frames.flatten(0, 1)
    violet = (frames == torch.tensor([128, 0, 255])).all(-1).flatten(1).float().mean(1)
    assert violet.min() > 0.08 and violet.max() < 0.13  # 1 - (150/160)(198/210) less the edges
    assert "holds other frames" in run_zoo("collect", *options, "-n", 999, ok=False).stderr
