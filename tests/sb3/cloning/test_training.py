"""A policy learns what was done; a training that was cut off ends as one that was not."""

import math
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from objwrappers.datasets.atari_head.synthetic import (
    SyntheticTrial,
    synthetic_frame,
    synthetic_rows,
)
from objwrappers.metrics.gaze_maps import GazeSamples
from objwrappers.sb3.cloning.data import Demonstrations
from objwrappers.sb3.cloning.training import Imitation, Settings, predict
from objwrappers.sb3.policies import GazePolicy
from objwrappers.wrappers.resizing import prepare_frames

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)
TRIAL = SyntheticTrial(101)


@pytest.fixture(scope="module")
def play():
    """80 frames of a square that walks, and what moves it on."""
    native = np.stack([synthetic_frame(TRIAL, number) for number in range(1, 81)])
    frames = prepare_frames(native, 84, 84, True).transpose(0, 3, 1, 2)
    rows = [line.split(",") for line in synthetic_rows(TRIAL, 81)][:80]
    known = [-1 if row[5] == "null" else int(row[5]) for row in rows]
    samples = [[] if row[6] == "null" else [float(x) for x in row[6:]] for row in rows]
    offsets = np.cumsum([0, *(len(one) // 2 for one in samples)])
    points = np.array([x for one in samples for x in one], np.float32).reshape(-1, 2)
    steps = np.arange(80)
    data = Demonstrations(
        {"": frames},
        steps % 4,
        np.array(known),
        np.full(80, -1),
        np.full(80, -1),
        stack=4,
        axes={"": 0},
        gaze=GazeSamples(torch.from_numpy(points), torch.from_numpy(offsets)),
    )
    return data, steps[np.array(known) >= 0]


def policy_of(method="plain", seed=0):
    torch.manual_seed(seed)
    kwargs = {"method": method, "features_dim": 64}
    return GazePolicy(
        PIXELS, gym.spaces.Discrete(6), lambda _: 0.0, features_extractor_kwargs=kwargs
    )


def accuracy(policy, data, steps):
    return (predict(policy, data, steps).argmax(1) == data.actions[steps]).mean()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("plain", {"balance": "weights"}),
        ("cgl", {"balance": "sampling"}),
        ("gabril", {"n_timesteps": 200}),
        pytest.param(
            "plain",
            {"optimizer": "adadelta", "learning_rate": 1.0, "n_timesteps": 500},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_80_frames_are_learned_by_heart(play, tmp_path, method, options):
    data, steps = play
    settings = Settings(
        **{"n_timesteps": 125, "batch_size": 32, "learning_rate": 1e-3, "eval_freq": 25, **options}
    )
    policy = policy_of(method)
    training = Imitation(policy, play, play, settings, tmp_path, {})
    training.fit()
    assert accuracy(policy, data, steps) > 0.99
    assert training.best["accuracy"] > 0.99 and training.best["nll"] < 0.1
    assert ("attention" in training.best) == (method != "plain")


def test_a_training_that_was_cut_off_ends_as_one_that_was_not(play, tmp_path, monkeypatch):
    settings = Settings(n_timesteps=8, batch_size=16, eval_freq=2)
    data, steps = play
    whole = Imitation(policy_of("gabril"), play, play, settings, tmp_path / "a", {"x": 1})
    whole.fit()
    parts = Imitation(policy_of("gabril"), play, play, settings, tmp_path / "b", {"x": 1})
    step = parts._train_step

    def cut():
        if parts.step == 5:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(parts, "_train_step", cut)
    with pytest.raises(KeyboardInterrupt):
        parts.fit()
    again = Imitation(policy_of("gabril", 1), play, play, settings, tmp_path / "b", {"x": 1})
    assert again.step == 4
    again.fit()
    np.testing.assert_array_equal(
        predict(again._policy, data, steps), predict(whole._policy, data, steps)
    )
    assert again.best == whole.best
    again.close()
    assert not [*(tmp_path / "b").iterdir()]


def test_validation_that_does_not_improve_ends_the_training(play, tmp_path):
    """Validated on wrong actions, the loss rises once the policy learns: the first one is kept."""
    data, steps = play
    wrong = Demonstrations(**{**vars(data), "actions": np.full(80, 1)})
    settings = Settings(n_timesteps=90, batch_size=32, learning_rate=1e-3, eval_freq=5, patience=3)
    policy = policy_of()
    training = Imitation(policy, play, (wrong, steps), settings, tmp_path, {}, tmp_path / "curves")
    training.fit()
    assert training.step == training.best["step"] + 15 < 90
    assert training.finished
    nll = -np.log(predict(policy, wrong, steps)[:, 1]).mean()
    assert nll == pytest.approx(training.best["loss"], rel=1e-4)
    (events,) = (tmp_path / "curves").iterdir()
    curves = EventAccumulator(str(events)).Reload()
    values = [event.value for event in curves.Scalars("validation/loss")]
    assert len(values) == training.step // 5 and min(values) == pytest.approx(training.best["loss"])


def test_checkpoints_of_others_and_damaged_ones_are_refused(play, tmp_path):
    settings = Settings(n_timesteps=2, batch_size=8, eval_freq=2)
    Imitation(policy_of(), play, play, settings, tmp_path, {"x": 1}).fit()
    with pytest.raises(ValueError, match="other settings"):
        Imitation(policy_of(), play, play, settings, tmp_path, {"x": 2})
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"checkpoint.pt is damaged .* Remove"):
        Imitation(policy_of(), play, play, settings, tmp_path, {"x": 1})


def test_a_loss_that_is_no_number_ends_with_the_rate_that_made_it(play, tmp_path):
    settings = Settings(n_timesteps=4, batch_size=8, eval_freq=4, learning_rate=1e30)
    with pytest.raises(ValueError, match=r"give a lower learning_rate, it was 1e\+30"):
        Imitation(policy_of(), play, play, settings, tmp_path, {}).fit()


def test_there_must_be_something_to_learn_and_to_validate(play, tmp_path):
    data, steps = play
    nothing = data, steps[:0]
    for training, validation, message in (
        (nothing, play, "to learn from"),
        (play, nothing, "to validate on"),
    ):
        with pytest.raises(ValueError, match=message):
            Imitation(policy_of(), training, validation, Settings(), Path(tmp_path), {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'. Did you mean 'adam'"),
        ({"balance": "weight"}, "Unknown balance 'weight'. Did you mean 'weights'"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"patience": 1.5}, "patience must be an integer"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"learning_rate": "1e-3"}, "learning_rate must be a number above 0, got '1e-3'"),
        ({"weight_decay": -1.0}, "weight_decay must be a number at least 0, got -1.0"),
        ({"gaze_weight": math.nan}, "gaze_weight must be a number at least 0, got nan"),
    ],
)
def test_hyperparameters_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        Settings(**options)
