"""zoo/record.py with a random policy; with an agent: test_train.py."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from objwrappers.perception.motion_keypoints import MotionKeypoints

BREAKOUT = "ObjFrames-Breakout-v0"


def frames(path: Path) -> np.ndarray:
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader])


def test_a_gif_shows_the_game_with_its_keypoints(run_zoo: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MotionKeypoints(num_keypoints=3, width=8)
    with torch.no_grad():
        model.presence[-1].bias.fill_(9.0)  # all are present
    model.save_pretrained(tmp_path / "weights")
    options = ["--env", "ObjKeypoints-Pong-v0", "-n", 12, "--device", "cpu", "--fps", 10]
    options += ["--env-kwargs", f"weights:'{tmp_path / 'weights'}'", "repeat_action_probability:0"]
    films = []
    for name, seed in (("a.gif", 1), ("b.gif", 1), ("c.gif", 2)):
        output = run_zoo("record", *options, "--seed", seed, "-o", name).stdout
        assert f"Wrote {name}: 12 frames, 1.2 s at 10 fps." in output
        assert "random policy" in output
        films.append(frames(tmp_path / name))
    assert films[0].shape == (12, 630, 480, 3)
    np.testing.assert_array_equal(films[0], films[1])
    assert (films[0] != films[2]).any(), "another seed, other actions"
    # An untrained network sees nothing anywhere: its keypoints are near the middle.
    middle = films[0][:, 270:360, 195:285].reshape(-1, 3)
    assert (middle.min(-1) > 240).sum() > 100, "white outlines that Pong's field does not have"


@pytest.mark.slow
def test_columns_of_methods_and_of_agents(
    run_zoo: Any, tmp_path: Path, breakout_agents: list[str]
) -> None:
    options = ["--env", BREAKOUT, "--algo", "a2c", "-n", 3, "--zoom", 1, "--device", "cpu"]
    methods = ["--saliency", "attention", "gradient", "--painting", "covered", "published"]
    one = run_zoo("record", *options, "-f", breakout_agents[0], *methods, "-o", "one.mkv")
    assert "Wrote one.mkv: 3 frames" in one.stdout
    # A column is the game and a legend; a title, the game, and four actions with two lines.
    height = 20 + 210 + 6 * 16
    film = frames(tmp_path / "one.mkv")
    assert film.shape == (3, height, 3 * (160 + 52), 3)
    covered, published, gradient = np.split(film, 3, axis=2)
    corner = (slice(0, 1), slice(20, 30), slice(0, 10))
    middle = (slice(0, 1), slice(140, 150), slice(70, 90))
    # Where the game is black: constant attention is flat if divided by coverage, else centred.
    assert len(np.unique(covered[corner].reshape(-1, 3), axis=0)) == 1
    assert (covered[corner][:, :1, :1] == covered[middle]).all() and covered[middle].mean() > 100
    assert published[corner].mean() < 0.2 * published[middle].mean()
    assert (gradient[:, 230:, :112] == covered[:, 230:, :112]).all(), "one game, one dashboard"

    views = ["--saliency", "gradient", "--view", "raw", "processed", "--colours", "published"]
    run_zoo("record", *options, "-f", *breakout_agents, *views, "-o", "two.mkv")
    film = frames(tmp_path / "two.mkv")
    assert film.shape == (3, height + 160, 2 * (160 + 52), 3)
    assert (film[:, 230:390, :160, 0] == 0).all() and (film[:, 230:390, :160, 2] > 0).any()


def test_saliency_that_there_is_not(
    run_zoo: Any, tmp_path: Path, breakout_agents: list[str]
) -> None:
    options = ["--env", BREAKOUT, "--algo", "a2c", "-n", 3, "-f", "cnn", "-o", "film.mp4"]
    error = run_zoo("record", *options, "--saliency", "attention", ok=False).stderr
    assert "no attention of its own. What works is gradient, smooth_grad, var_grad" in error
    assert "Traceback" not in error and not (tmp_path / "film.mp4").exists()


def resident_mib(process: int) -> float:
    """Memory of a process and of those that it started, from Linux's /proc."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    status = Path(f"/proc/{process}/status").read_text()
    own = int(status.split("VmRSS:")[1].split()[0]) / 1024 if "VmRSS:" in status else 0.0
    return own + sum(resident_mib(int(child)) for child in children)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_hour_costs_no_memory(tmp_path: Path, breakout_agents: list[str]) -> None:
    """54,000 frames with attention; ffmpeg's memory counts, too."""
    program = Path(__file__).parents[2] / "zoo" / "record.py"
    options = ["--env", BREAKOUT, "--algo", "a2c", "-f", breakout_agents[0], "--device", "cpu"]
    options += ["-n", "54000", "--zoom", "1", "--saliency", "attention", "-o", "hour.mp4"]
    environment = {**os.environ, "PYTHONPATH": str(program.parents[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, program, *options]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        seen = []
        while process.poll() is None:
            time.sleep(1)
            try:
                seen.append(resident_mib(process.pid))
            except (FileNotFoundError, ProcessLookupError):  # a process ended while it was read
                continue
    assert process.returncode == 0 and (tmp_path / "hour.mp4").exists()
    begin = 60  # seconds, until all is loaded and ffmpeg looks ahead as far as it ever does
    growth = max(seen[begin:]) - seen[begin]
    print(f"{seen[begin]:.0f} MiB after {begin} s, {growth:.0f} MiB more at most")
    assert growth < 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "ObjFrames-Pongg-v0"], "Did you mean 'ObjFrames-Pong-v0'"),
        (["--env", "ObjFrames-Pong-v0", "-o", "film.avi"], "must end with one of .mp4, .mkv, .gif"),
        (["--env", "ObjFrames-Pong-v0", "--algo", "ppo"], "python zoo/train.py --algo ppo"),
        (["--env", "ObjFrames-Pong-v0", "--saliency", "gradient"], "is of a trained agent"),
        (["--env", "ObjFrames-Pong-v0", "--view", "raw", "processed"], "--view is of --saliency"),
    ],
)
def test_errors_are_one_message(
    run_zoo: Any, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run_zoo("record", *arguments, ok=False)
    assert result.stderr.strip().splitlines()[-1].startswith("error: ")
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.*"))
