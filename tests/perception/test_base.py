"""Weights on disk: complete or absent, data and never code."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from objwrappers import files
from objwrappers.perception import base
from objwrappers.perception.base import FrameFormat, PerceptionModel, frame_format_of
from objwrappers.perception.loading import load_model
from objwrappers.perception.motion_keypoints import MotionKeypoints


def load(folder, **options):
    return load_model("motion", game="Pong", weights=folder, device="cpu", **options)


def test_what_is_saved_is_what_is_loaded(folder):
    model = load(folder)
    again = load(folder)
    assert isinstance(model, PerceptionModel)
    assert model.num_keypoints == 3
    assert model.record == {
        "trained_on": {"task": "Pong", "noise": "none", "channels": "RGB"},
        "training": {"seed": 5},
    }
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    frames = torch.randint(0, 256, (2, 210, 160, 3), dtype=torch.uint8)
    for key, value in model(frames).items():
        torch.testing.assert_close(value, again(frames)[key], rtol=0, atol=0)


@torch.no_grad()
def test_play_sees_what_training_saw(folder):
    """Training reads frames that were resized and rounded on disk; play resizes by itself."""
    model = load(folder)
    native = torch.randint(0, 256, (3, 210, 160, 3), dtype=torch.uint8)
    small = torch.stack(
        [
            torch.from_numpy(cv2.resize(frame, (84, 84), interpolation=cv2.INTER_AREA))
            for frame in native.numpy()
        ]
    )
    percepts = model.perceive(small.permute(0, 3, 1, 2).float() / 255)
    for frames in (native, small):
        for key, value in model(frames).items():
            torch.testing.assert_close(value, percepts[key], rtol=1e-5, atol=1e-6)


def test_the_frame_format_is_the_instances(folder):
    model = load(folder)
    assert frame_format_of(model) == FrameFormat(84, 84)
    assert (model.size, model.stack, model.channels) == (84, 1, "RGB")


def test_a_folder_holds_json_and_safetensors_alone(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert (config["family"], config["model"]) == ("keypoints", "motion")
    assert (config["num_keypoints"], config["sigma"], config["width"]) == (3, 0.08, 8)
    assert config["trained_on"] == {"task": "Pong", "noise": "none", "channels": "RGB"}
    assert config["training"] == {"seed": 5}
    content = (folder / "model.safetensors").read_bytes()
    assert config["sha256"] == hashlib.sha256(content).hexdigest()


def test_saving_again_replaces_the_folder(folder):
    MotionKeypoints(num_keypoints=4, width=8).save_pretrained(folder)
    assert load(folder).num_keypoints == 4
    assert [path.name for path in folder.parent.iterdir()] == ["weights"]


def test_other_files_are_not_lost(folder, tmp_path):
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds other files, .*\(thesis.tex\)"):
        MotionKeypoints(num_keypoints=4, width=8).save_pretrained(folder)
    assert (folder / "thesis.tex").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="is a file"):
        MotionKeypoints(num_keypoints=4, width=8).save_pretrained(tmp_path / "file")


def test_a_failed_or_cut_off_replacement_leaves_the_old_weights(folder, monkeypatch):
    rename = os.rename

    def fail_the_second(source, target):
        if Path(target) == folder and ".outdated" not in str(source):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_the_second)
    with pytest.raises(OSError, match="no"):
        MotionKeypoints(num_keypoints=4, width=8).save_pretrained(folder)
    assert load(folder).num_keypoints == 3
    monkeypatch.undo()
    os.rename(folder, files._outdated(folder))  # killed between the two renames
    base.check_replaceable(folder)
    assert load(folder).num_keypoints == 3
    assert [path.name for path in folder.parent.iterdir()] == ["weights"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_disk_that_is_really_full_is_an_oserror(folder):
    code = (
        "import resource, signal, sys;"
        "from objwrappers.perception.motion_keypoints import MotionKeypoints;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "\ntry: MotionKeypoints(num_keypoints=4).save_pretrained(sys.argv[1])"
        "\nexcept OSError: print('as it should')"
    )
    command = [sys.executable, "-c", code, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stdout.strip() == "as it should", result.stderr
    assert load(folder).num_keypoints == 3


def test_a_full_disk_leaves_the_old_weights(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        MotionKeypoints(num_keypoints=4, width=8).save_pretrained(folder)
    assert load(folder).num_keypoints == 3
    assert [path.name for path in folder.parent.iterdir()] == ["weights"]
