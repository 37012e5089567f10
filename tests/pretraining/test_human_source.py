"""Trials of human play, from the dataset's files to weights."""

import json

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import objwrappers
from objwrappers.datasets.atari_head.finding import read_trials
from objwrappers.datasets.atari_head.recording import human_recording
from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, write_synthetic
from objwrappers.perception.base import FrameFormat
from objwrappers.perception.loading import load_model
from objwrappers.pretraining.human_source import HumanSource
from objwrappers.pretraining.sources import find_source

pytestmark = pytest.mark.filterwarnings("ignore:Not all of a trial could be used")
SETTINGS = {"n_timesteps": 4, "batch_size": 4, "eval_freq": 2, "checkpoint_every": 2}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def dataset(tmp_path):
    return write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:2], frames=60)


def test_trials_lie_one_after_the_other(dataset):
    source = find_source("MsPacman", trials=dataset)
    assert (source.tasks, source.name, source.noise) == (("MsPacman",), "MsPacman", "none")
    source.prepare(1)
    first, second = (human_recording(trial) for trial in read_trials(dataset))
    assert source.num_frames == len(first) + len(second)
    frames = source.read(FrameFormat(84, 84, grayscale=True, stack=4))
    assert frames.frames.shape == (source.num_frames, 1, 84, 84, 1)
    assert torch.equal(
        frames.frames[len(first) :, 0, ..., 0], torch.from_numpy(second.small_frames)
    )
    assert frames.starts[0] and frames.starts[len(first)]
    assert HumanSource(dataset).digest == source.digest
    alone = write_synthetic("alone", trials=SYNTHETIC_TRIALS[:1], frames=60)
    assert HumanSource(alone).digest != source.digest


def test_weights_of_gaze_models_from_the_datasets_files(dataset, tmp_path):
    options = {"hyperparams": SETTINGS, "device": "cpu", "flow": True}
    folder = objwrappers.pretrain("deconv", trials=dataset, **options)
    assert folder.name == "gaze-deconv-MsPacman"
    config = json.loads((folder / "config.json").read_text())
    assert config["trained_on"] == {"task": "MsPacman", "noise": "none", "channels": "grey"}
    assert set(config["training"]["validation"]) == {"loss", "correlation"}
    model = load_model("deconv", "MsPacman", device="cpu", family="gaze")
    percepts = model(torch.zeros(1, 4, 210, 160, 1, dtype=torch.uint8))
    assert percepts["heatmap"].sum().item() == pytest.approx(1)
    events = EventAccumulator(str(tmp_path / f"logs/perception/{folder.name}-0/tensorboard"))
    events.Reload()
    assert "gradients/encoder.0.0.weight" in events.Tags()["histograms"]
    picture = events.Images("frame 0")[-1]
    # The frame, people's density, and what the model perceives, three times as large.
    assert (picture.width, picture.height) == (3 * 252, 252)
    # A trial's recording is as good as the trial; its gaze is found in it.
    recording = human_recording(read_trials(dataset)[0])
    options["frames_folder"] = recording.folder
    folder = objwrappers.pretrain("motion", "MsPacman", family="gaze", **options)
    assert load_model("motion", "MsPacman", device="cpu", family="gaze").mean > 0


def test_backgrounds_are_learned_from_what_people_reached(tmp_path):
    trial = write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:1], frames=60)
    folder = objwrappers.pretrain("motion", "MsPacman", family="scenes", trials=trial, device="cpu")
    config = json.loads((folder / "config.json").read_text())
    assert config["trained_on"]["task"] == "MsPacman"
    model = load_model("motion", "MsPacman", device="cpu", family="scenes")
    frames = human_recording(read_trials(trial)[0]).frames()
    ends = model(torch.from_numpy(frames[[0, -1]]))
    # The square that walks is what differs from the background.
    assert (ends["present"].sum(-1) > 0).all()


def test_what_is_no_trial_of_one_game_is_refused(dataset, tmp_path):
    with pytest.raises(ValueError, match="give nothing beside"):
        find_source("MsPacman", images=tmp_path, trials=dataset)
    with pytest.raises(ValueError, match="one game at a time, got Pong, MsPacman"):
        find_source(["Pong", "MsPacman"], trials=dataset)
    write_synthetic(dataset, "seaquest", SYNTHETIC_TRIALS[2:3], frames=8)
    with pytest.raises(ValueError, match="has trials of MsPacman, Seaquest: give one of these"):
        HumanSource(dataset)
    assert HumanSource(dataset, ["seaquest"]).tasks == ("Seaquest",)
    torn = write_synthetic(tmp_path / "torn", trials=SYNTHETIC_TRIALS[:2], frames=8, form="tar")
    first, second = sorted(torn.glob("*/*.tar.bz2"))
    first.unlink()
    with pytest.warns(UserWarning, match=f"Without frames or labels: {first.name[:20]}"):
        assert HumanSource(torn).num_frames == 7
    second.unlink()
    with (
        pytest.warns(UserWarning, match="Without frames"),
        pytest.raises(ValueError, match=r"No trial in .* has both frames and labels"),
    ):
        HumanSource(torn)
