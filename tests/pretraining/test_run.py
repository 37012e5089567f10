"""Whole trainings of toys: several games, images, other tasks, figures while it runs."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toy_trainings import Shades, pretrain, record, toy_models

from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.loading import load_model
from objwrappers.perception.registry import MODELS
from objwrappers.pretraining import evaluation, sources


@pytest.fixture(autouse=True)
def toys(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "MOMENTS", 24)
    monkeypatch.setattr(evaluation, "THINNED", 0.1)
    for module_name, module, family, name, entry in toy_models():
        monkeypatch.setitem(sys.modules, module_name, module)
        monkeypatch.setitem(MODELS[family], name, entry)


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def test_several_games_give_one_set_of_weights(tmp_path):
    record(tmp_path / "frames" / "Pong", "Pong", 200, 2, 0)
    record(tmp_path / "frames" / "Carnival", "Carnival", 160, 3, 255)
    changes = {"learning_rate": 0.05, "n_timesteps": 100, "eval_freq": 50}
    games = ["carnival", "Pong", "Carnival"]
    options = {"frames_folder": tmp_path / "frames", "hyperparams": changes}
    folder = pretrain("shades", games, **options)
    assert folder.name == "scenes-shades-Carnival-Pong"
    config = config_of(folder)
    assert config["trained_on"]["tasks"] == ["Carnival", "Pong"]
    assert config["training"]["frames"] == 160 * 5
    for game in ("Pong", "Carnival"):
        model = load_model("shades", game, device="cpu", family="scenes")
    # Three envs of five are white.
    assert model.mean.mean() == pytest.approx(0.6 + 0.05, abs=0.25)
    with pytest.raises(FileNotFoundError, match="no weights of 'shades' for Boxing"):
        load_model("shades", "Boxing", device="cpu", family="scenes")


def test_what_subtracts_a_background_knows_one_game(tmp_path):
    for task in ("Pong", "Breakout"):
        record(tmp_path / "frames" / task, task, 160, 2, 9)
    with pytest.raises(ValueError, match=r"subtracts one background.*train it on one game"):
        pretrain("motion", ["Pong", "Breakout"], frames_folder=tmp_path / "frames")
    with pytest.raises(ValueError, match="A teacher knows one game, got Pong, Breakout"):
        pretrain("student", ["Pong", "Breakout"], teacher="motion")


def test_images_have_no_teacher_by_name(tmp_path):
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no teacher by name, got 'motion': give its weights"):
        pretrain("student", images=tmp_path, teacher="motion")


def test_images_are_a_task_of_their_own(tmp_path):
    (tmp_path / "my rooms").mkdir()
    for i in range(20):
        image = np.full((9 + i, 12, 3), 255 * (i % 2), np.uint8)
        Image.fromarray(image).save(tmp_path / "my rooms" / f"{i}.png")
    folder = pretrain("shades", images=tmp_path / "my rooms", hyperparams={"learning_rate": 0.1})
    config = config_of(folder)
    assert config["trained_on"] == {"task": "my rooms", "noise": "none", "channels": "RGB"}
    assert config["training"]["frames"] == 20
    model = load_model("shades", "my rooms", device="cpu", family="scenes")
    assert model.mean.mean() > 0.2
    with pytest.raises(ValueError, match="space_time learns from 4 frames in succession"):
        pretrain("space_time", images=tmp_path / "my rooms", hyperparams={"batch_size": 4})
    with pytest.raises(ValueError, match=r"folder of images, got both 'Pong' and .*my rooms"):
        pretrain("shades", "Pong", images=tmp_path / "my rooms")
    with pytest.raises(ValueError, match="Give a game or a folder of images, got neither"):
        pretrain("shades")


def test_arguments_that_weights_could_not_have_are_refused_before_training(tmp_path):
    record(tmp_path / "frames", "Pong", 160, 2, 9)
    for change, message in (
        ({"agree": "yes"}, "agree must be of type bool, got 'yes'"),
        ({"components": 3.0}, r"components must be of type int, got 3\.0"),
        ({"network": "lihgt"}, "Unknown network 'lihgt'. Did you mean 'light'"),
        ({"repetition": 5}, r"repetition must be in \[0, 1\], got 5"),
        ({"found_weight": -1}, "found_weight must not be negative, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            pretrain("space_time", "Pong", frames_folder=tmp_path / "frames", hyperparams=change)


def test_a_missing_recording_is_told_how_to_make(tmp_path):
    record(tmp_path / "frames" / "Pong", "Pong", 160, 2, 9)
    with pytest.raises(FileNotFoundError, match=r"collect.py --game Boxing --folder .*Boxing"):
        pretrain("shades", ["Pong", "Boxing"], frames_folder=tmp_path / "frames")


def test_another_task_is_learned_from_its_recording(tmp_path, monkeypatch):
    folder = record(tmp_path / "frames", "cartpole-swingup", 160, 1, 100)
    weights = pretrain("shades", "cartpole-swingup", frames_folder=folder)
    assert config_of(weights)["trained_on"]["task"] == "cartpole-swingup"
    with pytest.raises(ValueError, match=r"of cartpole-swingup .* give a recording"):
        pretrain("shades", "cartpole-swingup")
    with pytest.raises(ValueError, match="Unknown game 'cartpole-swingdown'"):
        pretrain("shades", "cartpole-swingdown")

    def no_frames(*_, **__):
        raise AssertionError("nobody asked for small frames")

    monkeypatch.setattr(sources, "read_frames", no_frames)
    changes = {"learning_rate": 0.2, "n_timesteps": 40}
    options = {"frames_folder": folder, "hyperparams": changes}
    weights = pretrain("blind", "cartpole-swingup", **options)
    assert load_file(weights / "model.safetensors")["weight"] == pytest.approx(3, abs=0.3)


def test_figures_are_logged_while_it_runs_and_a_resumed_training_is_the_same(tmp_path, monkeypatch):
    record(tmp_path / "frames", "Pong", 160, 2, 200)
    options = {"frames_folder": tmp_path / "frames"}
    whole = pretrain("shades", "Pong", output="whole", **options)
    figures = config_of(whole)["training"]["validation"]
    # One box in the middle of the court: the ball comes by at times.
    assert 0 <= figures["relevant_recall"] < 0.1
    assert figures["relevant_f1"] <= 2 * figures["relevant_recall"] + 1e-5
    events = EventAccumulator(str(tmp_path / "logs/perception/whole-0/tensorboard"))
    events.Reload()
    logged = events.Scalars("validation/relevant_f1")
    assert [event.step for event in logged] == [4, 8]
    assert logged[-1].value == pytest.approx(figures["relevant_f1"], abs=1e-5)
    assert events.Tags()["images"] == ["frame 0", "frame 1"]
    picture = events.Images("frame 0")[-1]
    # Nine pictures and the percepts on the first, enlarged three times: seven and three in rows.
    assert (picture.width, picture.height) == (7 * 24, 2 * 24)

    def stops(self, batch, progress):
        if progress >= 5 / 8 and self.training:
            raise KeyboardInterrupt
        return loss(self, batch, progress)

    loss = Shades.loss
    monkeypatch.setattr(Shades, "loss", stops)
    with pytest.raises(KeyboardInterrupt):
        pretrain("shades", "Pong", output="cut", **options)
    monkeypatch.setattr(Shades, "loss", loss)
    cut = pretrain("shades", "Pong", output="cut", **options)
    a, b = (load_file(tmp_path / folder / "model.safetensors") for folder in (whole, cut))
    for key in a:
        torch.testing.assert_close(a[key], b[key], rtol=0, atol=0)


def spoil_best(state):
    state["best_state"]["mean"][1] = torch.nan


def widen(state):
    state["model"]["mean"] = torch.zeros(4)


def run_on(state):
    state["step"] = 99


def lose_groups(state):
    state["optimizer"]["param_groups"] = []


def rename(state):
    state["losses"] = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil_best, "best_state 'mean' holds NaN"),
        (widen, "size mismatch for mean"),
        (run_on, "step 99 of 8"),
        (lose_groups, "different number of parameter groups"),
        (rename, "losses is of type NoneType"),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused_and_nothing_is_written(tmp_path, change, message):
    options = {"frames_folder": record(tmp_path / "frames", "Pong", 160, 2, 200), "output": "out"}
    pretrain("shades", "Pong", **options)
    checkpoint = tmp_path / "logs/perception/out-0/checkpoint.pt"
    state = torch.load(checkpoint, weights_only=True)
    change(state)
    torch.save(state, checkpoint)
    (tmp_path / "out/config.json").unlink()
    (tmp_path / "out/model.safetensors").unlink()
    with pytest.raises(ValueError, match=rf"(?s)checkpoint.pt is damaged \(.*{message}") as error:
        pretrain("shades", "Pong", **options)
    assert "give another --log-folder" in str(error.value)
    assert not [*(tmp_path / "out").iterdir()]


def test_weights_and_gradients_are_logged_if_asked(tmp_path):
    record(tmp_path / "frames", "Pong", 160, 2, 200)
    plain = pretrain("shades", "Pong", output="plain", frames_folder=tmp_path / "frames")
    logged = pretrain("shades", "Pong", output="out", frames_folder=tmp_path / "frames", flow=True)
    a, b = (load_file(folder / "model.safetensors") for folder in (plain, logged))
    assert torch.equal(a["mean"], b["mean"])
    for name, expected in (("plain", []), ("out", ["weights/mean", "gradients/mean"])):
        events = EventAccumulator(str(tmp_path / f"logs/perception/{name}-0/tensorboard"))
        events.Reload()
        assert events.Tags()["histograms"] == expected


def test_a_model_is_found_in_the_family_that_has_it():
    assert issubclass(Shades, PerceptionModule)
    with pytest.raises(ValueError, match=r"Unknown perception model 'shadess'.*'shades'"):
        pretrain("shadess", "Pong")
