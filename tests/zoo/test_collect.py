"""zoo/collect.py: splits with truth, and pictures of them, by one command."""

import cv2
import numpy as np
import pytest
from opengl import needs_opengl

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
