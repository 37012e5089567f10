"""Weights on disk: complete or absent, data and never code, errors that name the file."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from objwrappers import files
from objwrappers.perception import base
from objwrappers.perception.base import BUNDLED, PerceptionModel, load_model
from objwrappers.perception.motion_keypoints import MotionKeypoints


@pytest.fixture
def folder(tmp_path):
    model = MotionKeypoints(num_keypoints=3, width=8)
    model.record = {"game": "Pong", "training": {"seed": 5}}
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


def load(folder, **options):
    return load_model("motion", game="Pong", weights=folder, device="cpu", **options)


def test_what_is_saved_is_what_is_loaded(folder):
    model = load(folder)
    again = load(folder)
    assert isinstance(model, PerceptionModel)
    assert model.num_keypoints == 3
    assert model.record == {"game": "Pong", "training": {"seed": 5}}
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    frames = torch.randint(0, 256, (2, 210, 160, 3), dtype=torch.uint8)
    for key, value in model(frames).items():
        torch.testing.assert_close(value, again(frames)[key], rtol=0, atol=0)


def test_a_folder_holds_json_and_safetensors_alone(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert (config["model"], config["num_keypoints"], config["game"]) == ("motion", 3, "Pong")


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

    monkeypatch.setattr(base, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        MotionKeypoints(num_keypoints=4, width=8).save_pretrained(folder)
    assert load(folder).num_keypoints == 3
    assert [path.name for path in folder.parent.iterdir()] == ["weights"]


def test_cut_off_weights_are_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        ValueError, match=r"model.safetensors does not hold the weights of a motion"
    ):
        load(folder)


def test_weights_of_another_size_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_keypoints": 4}))
    with pytest.raises(ValueError, match="size mismatch"):
        load(folder)


def test_weights_of_another_model_are_named_with_the_cure(folder):
    with pytest.raises(
        ValueError, match=r"weights of 'motion', not of 'transporter'.*model='motion'"
    ):
        load_model("transporter", game="Pong", weights=folder)


@pytest.mark.parametrize("text", ["{", "[]", "", '"motion"'])
def test_a_damaged_config_is_named(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        load(folder)


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("num_keypoints", "many", "num_keypoints must be an integer of at least 1, got 'many'"),
        ("num_keypoints", 0, "num_keypoints must be an integer of at least 1, got 0"),
        ("sigma", "x", "sigma must be a positive number, got 'x'"),
        ("sigma", 0, "sigma must be a positive number, got 0"),
        ("width", 0, "channels must be an integer of at least 1, got 0"),
        ("width", "wide", "channels must be an integer of at least 1, got .wide."),
    ],
)
def test_a_config_with_nonsense_arguments_is_named(folder, argument, value, message):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, argument: value}))
    with pytest.raises(ValueError, match=message):
        load(folder)


@pytest.mark.parametrize("name", ["nope", "./nope", "/no/such", "a/b/c"])
def test_what_is_no_repository_is_not_asked_for(name):
    with pytest.raises(FileNotFoundError, match="neither a folder nor a hub repository, user/name"):
        load_model("motion", game="Pong", weights=name)


def test_a_foreign_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"not a weights folder: no config.json"):
        load(tmp_path)


def test_a_pickle_beside_the_config_is_never_read(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save(Bomb(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises((ValueError, FileNotFoundError)):
        load(folder)
    assert not (tmp_path / "exploded").exists()


def test_weights_trained_under_the_noise_come_first(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="trained without bars.*--game Pong --noise both"):
        clean = load_model("motion", game="Pong", device="cpu", noise="both")
    assert clean.num_keypoints == 6
    shutil.copytree(folder, tmp_path / "cache" / "objwrappers" / "weights" / "motion-Pong-both")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_model("motion", "Pong", device="cpu", noise="both").num_keypoints == 3
        assert load_model("motion", "Pong", device="cpu").num_keypoints == 6
    with pytest.raises(FileNotFoundError, match="--model motion --game Tennis --noise vertical"):
        load_model("motion", "Tennis", noise="vertical")


def test_users_cache_comes_before_the_bundled_weights(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundled = load_model("motion", game="Pong", device="cpu")
    assert bundled.num_keypoints == 6
    shutil.copytree(folder, tmp_path / "objwrappers" / "weights" / "motion-Pong")
    assert load_model("motion", game="Pong", device="cpu").num_keypoints == 3


def test_a_hub_repository_is_downloaded_file_by_file(folder, monkeypatch):
    asked = []

    def download(repo_id, filename, revision=None, **_):
        asked.append((repo_id, filename, revision))
        return str(folder / filename)

    monkeypatch.setattr(base, "hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", download)
    assert load("someone/keypoints@v1").num_keypoints == 3
    assert {(name, revision) for _, name, revision in asked} == {
        ("config.json", "v1"),
        ("model.safetensors", "v1"),
    }
    assert {repository for repository, *_ in asked} == {"someone/keypoints"}


def test_an_unreachable_repository_is_named(monkeypatch):
    def offline(*_, **__):
        raise base.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(base, "hf_hub_download", offline)
    with pytest.raises(FileNotFoundError, match="weights='no/where' is neither a folder nor"):
        load("no/where")


GAMES = ["MsPacman", "Pong", "SpaceInvaders", "Seaquest", "Breakout", "Frostbite"]


@pytest.mark.parametrize("game", GAMES)
def test_motion_keypoints_of_six_games_are_bundled(game):
    assert (BUNDLED / f"motion-{game}" / "config.json").exists()


@pytest.mark.parametrize(
    "folder", [p.parent for p in BUNDLED.glob("*/config.json")], ids=lambda p: p.name
)
def test_bundled_weights_are_small_and_say_how_they_were_made(folder):
    name, game, *noise = folder.name.split("-")
    limit = 2 * 2**20 if name == "permakey" else 300_000
    assert (folder / "model.safetensors").stat().st_size <= limit
    config = json.loads((folder / "config.json").read_text())
    training = config["training"]
    assert (config["model"], config["game"]) == (name, game)
    assert config.get("noise", "none") == (noise[0] if noise else "none")
    learns = "--teacher" if name == "student" else f"--model {name} --game {game}"
    assert training["command"].startswith(f"python zoo/pretrain.py {learns}")
    assert {"frames", "steps", "batch_size", "seed", "validation"} <= training.keys()
    assert load_model(name, game=game, weights=folder, device="cpu").observation_space
