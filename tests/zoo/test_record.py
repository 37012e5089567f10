"""zoo/record.py with a random policy; with an agent: test_train.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from objwrappers.perception.motion_keypoints import MotionKeypoints


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "ObjFrames-Pongg-v0"], "Did you mean ObjFrames-Pong-v0"),
        (["--env", "ObjFrames-Pong-v0", "-o", "film.avi"], "must end with .mp4 or .gif"),
        (["--env", "ObjFrames-Pong-v0", "--algo", "ppo"], "python zoo/train.py --algo ppo"),
    ],
)
def test_errors_are_one_message(
    run_zoo: Any, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run_zoo("record", *arguments, ok=False)
    assert result.stderr.strip().splitlines()[-1].startswith("error: ")
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.*"))
