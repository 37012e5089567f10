"""Pretraining: resumed = uninterrupted, weights found, errors clear."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from objwrappers.perception.loading import load_model
from objwrappers.pretraining.collect import collect

ROOT = Path(__file__).parents[2]
TINY = ["-params", "eval_freq:8", "batch_size:4", "checkpoint_every:4"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Frames that many tests learn from: recorded once, copied for each."""
    folder = tmp_path_factory.mktemp("recording")
    collect("Pong", folder, 512, num_envs=4)
    return folder


@pytest.fixture
def frames(recording, tmp_path):
    return shutil.copytree(recording, tmp_path / "frames")


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("transporter", "permakey")]


@pytest.mark.parametrize("model", ["motion", *SLOW])
def test_a_killed_training_goes_on_and_ends_as_an_uninterrupted_one(
    frames, run_zoo, tmp_path, model
):
    options = ["--model", model, "--game", "Pong", "--frames-folder", frames, "--device", "cpu"]
    options += ["-n", 24, *TINY]
    run_zoo("pretrain", "-f", tmp_path / "whole", "--output", tmp_path / "a", *options)

    arguments = ["-f", tmp_path / "cut", "--output", tmp_path / "b", *options]
    command = [sys.executable, ROOT / "zoo" / "pretrain.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    checkpoint = tmp_path / "cut" / "perception" / "b-0" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert torch.load(checkpoint, weights_only=True)["step"] < 24
    assert not (tmp_path / "b").exists()

    run_zoo("pretrain", *arguments)
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key], rtol=0, atol=0, msg=key)
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    assert config["trained_on"] == {"task": "Pong", "noise": "none", "channels": "RGB"}
    assert config["num_keypoints"] == 6
    assert config["training"]["steps"] == 24
    assert config["training"]["frames"] == 512


def test_weights_go_to_the_cache_where_make_finds_them(frames, run_zoo, tmp_path, monkeypatch):
    result = run_zoo(
        "pretrain",
        "--model",
        "motion",
        "--game",
        "pong",
        "--frames-folder",
        frames,
        "-n",
        4,
        *TINY,
        "num_keypoints:2",
    )
    assert "cache/objwrappers/weights/motion-Pong/config.json" in result.stdout
    assert "Next: python zoo/record.py --env ObjKeypoints-Pong-v0" in result.stdout
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert load_model("motion", game="Pong", device="cpu").num_keypoints == 2
    events = list((tmp_path / "logs").rglob("events.out.tfevents*"))
    assert len(events) == 1


@pytest.mark.slow
def test_two_trainings_with_outputs_of_their_own(frames, run_zoo, tmp_path):
    for count in (2, 3):
        options = ["--model", "motion", "--game", "Pong", "--frames-folder", frames, "-n", 4]
        params = [*TINY, f"num_keypoints:{count}"]
        result = run_zoo("pretrain", *options, "--output", f"k{count}", *params)
        assert f"weights:\"'k{count}'\"" in result.stdout
        model = load_model("motion", "Pong", weights=tmp_path / f"k{count}", device="cpu")
        assert model.num_keypoints == count
    run_zoo("compare", "--game", "Pong", "--weights", "k2", "k3", "-o", "sheet.png")
    assert (
        "--columns must be at least 1"
        in run_zoo("compare", "--game", "Pong", "--columns", 0, ok=False).stderr
    )


def test_noisy_weights_have_a_name_of_their_own(frames, run_zoo, tmp_path, monkeypatch):
    options = ["--game", "Pong", "--frames-folder", frames, "-n", 4, *TINY]
    result = run_zoo("pretrain", "--model", "motion", "--noise", "both", *options)
    assert "cache/objwrappers/weights/motion-Pong-both/config.json" in result.stdout
    assert "model:motion noise:both" in result.stdout
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert (
        load_model("motion", "Pong", device="cpu", noise="both").record["trained_on"]["noise"]
        == "both"
    )
    error = run_zoo("pretrain", "--model", "motion", "--noise", "all", *options, ok=False).stderr
    assert "Unknown noise 'all'" in error and "Traceback" not in error


@pytest.mark.slow
def test_two_processes_train_together(frames, run_zoo, tmp_path):
    # Not all of it learns at every step: the PointNet waits for the first tenth of them.
    options = ["--model", "permakey", "--game", "Pong", "--frames-folder", frames, "-n", 12, *TINY]
    run_zoo("pretrain", *options, "--device", "cpu", "--devices", 2, "--output", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["training"]["steps"] == 12
    assert len(config["training"]["validation"]) > 1


def test_a_student_has_its_teachers_keypoints(frames, run_zoo, tmp_path):
    options = ["--game", "Pong", "--frames-folder", frames, "-n", 4, "--output", tmp_path / "out"]
    run_zoo("pretrain", "--teacher", "motion", *options, *TINY)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["model"], config["teacher"], config["num_keypoints"]) == ("student", "motion", 6)
    error = run_zoo("pretrain", "--model", "student", *options, ok=False).stderr
    assert "A student and a teacher go together" in error
    error = run_zoo("pretrain", "--teacher", tmp_path / "nobody", *options, ok=False).stderr
    assert "is neither a folder nor a hub repository" in error and "Traceback" not in error


@pytest.mark.parametrize(
    "options, message",
    [
        (["--model", "motion", "--game", "Pongg"], "Unknown game 'Pongg'. Did you mean 'Pong'"),
        (["--model", "movement", "--game", "Pong"], "Unknown perception model 'movement'"),
        (["--model", "motion", "--game", "Pong", "-params", "k:3"], "Unknown hyperparameter 'k'"),
        (
            ["--model", "motion", "--game", "Pong", "-params", "sigma"],
            "takes key:value, got 'sigma'",
        ),
        (["--model", "transporter", "--game", "Pong", "-params", "preset:heavy"], "Unknown preset"),
        (
            ["--model", "motion", "--game", "Pong", "-params", "num_keypoints:ten"],
            "num_keypoints must be an integer of at least 1, got 'ten'",
        ),
        (["--model", "motion", "--game", "Pong", "-params", "eval_freq:0"], "eval_freq must be an"),
        (
            ["--model", "motion", "--game", "Pong", "-params", "usual_share:0"],
            "usual_share is a share of the frames, above 0 and at most 1, got 0",
        ),
        (
            ["--model", "light", "--game", "Pong", "-params", "usual_reach:-1"],
            "usual_reach is a number of pixels, an integer, got -1",
        ),
        (
            ["--model", "light", "--game", "Pong", "-params", "scrolling_share:5"],
            "scrolling_share is a share, from 0 to 1, got 5",
        ),
        (["--model", "motion", "--game", "Pong", "-n", "0"], "n_timesteps must be an integer"),
        (["--model", "motion", "--game", "Pong", "--devices", "many"], "devices 'many'"),
        (
            ["--model", "motion", "--game", "Pong", "-params", "learning_rate:fast"],
            "learning_rate takes a number, got 'fast'",
        ),
        (
            ["--model", "motion", "--game", "Pong", "-params", "num_keypoints:0"],
            "num_keypoints must be an integer of at least 1, got 0",
        ),
    ],
)
def test_bad_input_is_one_line(run_zoo, tmp_path, options, message):
    error = run_zoo("pretrain", *options, "--frames-folder", tmp_path, ok=False).stderr
    assert message in error
    assert "Traceback" not in error


def test_numbers_may_be_written_with_an_exponent(frames, run_zoo, tmp_path):
    options = ["--game", "Pong", "--frames-folder", frames, "-n", 4, "--output", tmp_path / "out"]
    run_zoo("pretrain", "--model", "motion", *options, *TINY, "learning_rate:1e-3", "sigma:1e-1")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["sigma"] == 0.1


@pytest.mark.slow
def test_frames_of_another_game_or_another_recording_are_noticed(frames, run_zoo, tmp_path):
    other = tmp_path / "other"
    collecting = ["-n", 512, "--num-envs", 4, "--seed", 7]
    run_zoo("collect", "--game", "Pong", "--folder", other, *collecting)
    options = ["--model", "motion", "-n", 4, *TINY, "--frames-folder"]
    error = run_zoo("pretrain", "--game", "Breakout", *options, frames, ok=False).stderr
    assert "holds frames of Pong, not of Breakout" in error
    run_zoo("pretrain", "--game", "Pong", *options, frames)
    error = run_zoo("pretrain", "--game", "Pong", *options, other, ok=False).stderr
    assert "is of a run with other settings: {'frames':" in error and "Traceback" not in error
    several = ["--folder", other, "-n", 999, "--num-envs", 2, "--seed", 7]
    error = run_zoo("collect", "--game", "Pong", *several, ok=False).stderr
    assert "holds frames of 4 envs side by side, got those of 2" in error


def test_a_training_that_diverges_says_so(frames, run_zoo, tmp_path):
    options = ["--game", "Pong", "--frames-folder", frames, "-n", 8, "--output", tmp_path / "out"]
    params = [*TINY, "learning_rate:1e30"]
    error = run_zoo("pretrain", "--model", "motion", *options, *params, ok=False).stderr
    assert "The training diverged" in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_with_other_settings_is_not_overwritten(frames, run_zoo):
    options = ["--model", "motion", "--game", "Pong", "--frames-folder", frames, "-n", 4, *TINY]
    run_zoo("pretrain", *options)
    error = run_zoo("pretrain", *options, "sigma:0.2", ok=False).stderr
    assert "is of a run with other settings: {'sigma': 0.08}" in error.replace("\n", " ")
    assert "another --log-folder" in error


@pytest.mark.slow
def test_several_games_are_learned_together_and_what_is_next_is_said(run_zoo, tmp_path):
    for game in ("Pong", "Boxing"):
        folder = tmp_path / "both" / game
        run_zoo("collect", "--game", game, "-n", 256, "--num-envs", 1, "--folder", folder)
    options = ["--model", "space_time", "--game", "pong", "Boxing", "--frames-folder", "both"]
    result = run_zoo("pretrain", *options, "-n", 1, "--no-progress", *TINY, "n_frames:256")
    folder = tmp_path / "cache/objwrappers/weights/scenes-space_time-Pong-Boxing"
    config = json.loads((folder / "config.json").read_text())
    assert config["trained_on"]["tasks"] == ["Pong", "Boxing"]
    assert config["components"] == 3 and config["training"]["frames"] == 512
    assert {"relevant_f1", "relevant_centre_error"} <= {*config["training"]["validation"]}
    assert "Next: python zoo/classify.py --game Pong --model space_time" in result.stdout
    film = "Next: python zoo/record.py --env ObjScene-Pong-v0 --env-kwargs model:space_time -o"
    assert film in result.stdout


def test_a_folder_of_images_is_learned_from(run_zoo, tmp_path):
    (tmp_path / "rooms").mkdir()
    for i in range(12):
        image = np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "rooms" / f"{i}.png"), image)
    (tmp_path / "rooms" / "bad.jpg").write_text("no image")
    options = ["--model", "space", "--images", "rooms", "--entry", "3DRoomsLight"]
    result = run_zoo("pretrain", *options, "-n", 1, *TINY, "--no-progress")
    assert result.stderr.count("bad.jpg is passed over") == 1
    folder = tmp_path / "cache/objwrappers/weights/scenes-space-rooms"
    config = json.loads((folder / "config.json").read_text())
    assert config["trained_on"]["task"] == "rooms" and config["grid"] == 8
    call = "Next: in Python: objwrappers.load_model('space', 'rooms', family='scenes')"
    assert call in result.stdout
    error = run_zoo("pretrain", "--model", "space", "--images", "nowhere", ok=False).stderr
    assert "There is no folder of images nowhere" in error and "Traceback" not in error
    error = run_zoo("pretrain", "--model", "space", ok=False).stderr
    assert "Give a game or a folder of images" in error and "Traceback" not in error
