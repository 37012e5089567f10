"""From a recording to a scene model without a network, and to batches for one with."""

import copy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from made_up import BLUE, HEIGHT, RED, SIZE, STEPS, WIDTH, made_up_frame, positions, record

import objwrappers
from objwrappers.datasets.frames import read_frames
from objwrappers.datasets.motion_pictures import motion_pictures, motion_sheet
from objwrappers.datasets.motion_scenery import fit_scenery
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.loading import load_model
from objwrappers.pretraining.recipes import Ingredients
from objwrappers.pretraining.scene_recipes import motion_scene, single, stacks
from objwrappers.rendering.bars import draw_bars


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return record(tmp_path_factory.mktemp("made_up"))


@pytest.fixture(scope="module")
def weights(folder, tmp_path_factory):
    home = tmp_path_factory.mktemp("trained")
    return objwrappers.pretrain(
        "motion",
        "MadeUp",
        family="scenes",
        frames_folder=folder,
        output=home / "weights",
        log_folder=home / "logs",
        device="cpu",
    )


@pytest.fixture(scope="module")
def model(weights):
    return load_model("motion", "MadeUp", weights=weights, device="cpu", family="scenes")


def boxes_of(percepts, label):
    chosen = (percepts["label"] == label) & (percepts["present"] > 0.5)
    boxes = percepts["boxes"][chosen]
    return (boxes + torch.tensor([1, 1, 0, 0])) * torch.tensor(
        [WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT]
    )


def test_the_lamp_is_no_object_and_the_sprites_are_two_classes_even_where_they_cross(model):
    assert model.classifier.labels == ("class 0", "class 1") and model.classifier.rows == (1, 1)
    crossings = 0
    for env in range(4):
        times = range(STEPS)
        frames = np.stack([made_up_frame(t, env) for t in times])
        percepts = model(torch.from_numpy(frames))
        found = [boxes_of(percepts, label) for label in (0, 1)]
        expected = np.array([positions(t, env) for t in times], float)  # (T, 2, 2)
        crossings += (np.abs(expected[:, 0] - expected[:, 1]) < SIZE).all(1).sum()
        centres = [
            torch.from_numpy(expected[:, k]).float() + torch.tensor(SIZE) / 2 for k in (0, 1)
        ]
        order = (0, 1) if torch.equal(found[0][:1, :2], centres[0][:1]) else (1, 0)
        for label, k in zip((0, 1), order, strict=True):
            torch.testing.assert_close(found[label][:, :2], centres[k], atol=1e-4, rtol=0)
            size = torch.tensor(SIZE).float().expand(len(times), 2)
            torch.testing.assert_close(found[label][:, 2:], size, atol=1e-4, rtol=0)
    assert crossings > 5, "they do cross"


def test_what_is_perceived_does_not_hang_on_the_batch(model):
    frames = torch.from_numpy(np.stack([made_up_frame(t, 1) for t in range(20)]))
    together = model(frames)
    for i in range(20):
        for key, value in model(frames[i : i + 1]).items():
            assert torch.equal(value[0], together[key][i]), key
    for key, value in together.items():
        space = model.observation_space[key]
        assert space.contains(value[0].numpy().astype(space.dtype)), key


def test_batches_are_alike_however_much_is_seen_and_the_smallest_are_left_out(model):
    crowd = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    for number in range(100):  # 100 dots, 12 of them large
        top, left = 2 + number // 10 * 6, number % 10 * 5
        size = 3 if number % 8 == 0 and number < 96 else 2
        crowd[0, top : top + size, left : left + 2] = (40, 160, 90)
    model = copy.deepcopy(model)
    everywhere = np.ones((HEIGHT, WIDTH), np.uint8)
    model.set_scenery(replace(model.scenery(), travels=everywhere))
    found = model.detections(torch.from_numpy(crowd))
    empty = model.detections(torch.zeros(1, HEIGHT, WIDTH, 3, dtype=torch.uint8))
    assert found.boxes.shape == empty.boxes.shape == (1, 96, 4)
    assert found.present.sum() == 96 and empty.present.sum() == 0
    assert (found.boxes[0, :, 3] > 2.5 / HEIGHT).sum() == 12
    frames = np.concatenate([crowd, made_up_frame(30, 0)[None]])
    together = model.detections(torch.from_numpy(frames))
    assert torch.equal(together.boxes[1:], model.detections(torch.from_numpy(frames[1:])).boxes)


def test_frames_of_another_size_are_refused(model):
    with pytest.raises(ValueError, match=r"\(60, 48, 3\).*shape \(84, 84, 3\)"):
        model(torch.zeros(1, 84, 84, 3, dtype=torch.uint8))


def test_an_empty_frame_has_no_object(model):
    percepts = model(torch.zeros(2, HEIGHT, WIDTH, 3, dtype=torch.uint8))
    assert percepts["present"].sum() == 0 and percepts["boxes"].abs().sum() == 0


def test_trained_for_bars_it_looks_past_them(folder):
    from objwrappers.perception.scenes.motion import MotionScene

    frames = np.stack([made_up_frame(t, 0) for t in range(40, 60)])
    noisy = draw_bars(frames, np.arange(20.0) * 3, np.full(20, np.nan))
    counts = {}
    for noise in ("none", "vertical"):
        model = MotionScene()
        frames_at_84 = read_frames(folder, 84)
        options = {"noise": noise, "recordings": (Recording(folder),)}
        given = Ingredients.of(frames_at_84, {"batch_size": 4}, **options)
        motion_scene(model, given)
        seen = model.detections(torch.from_numpy(noisy)).boxes[..., 3]
        counts[noise] = int((seen > 0.75).sum())  # a bar is as high as what is looked at
    assert counts["none"] > 5 and counts["vertical"] == 0


def test_several_games_have_no_common_background(folder):
    from objwrappers.perception.scenes.motion import MotionScene

    both = (Recording(folder), Recording(folder))
    given = Ingredients.of(read_frames(folder, 84), {"batch_size": 4}, recordings=both)
    with pytest.raises(ValueError, match="one game's, got 2 recordings"):
        motion_scene(MotionScene(), given)


class Cells:
    """What the recipes ask of a model."""

    stack_length, grid = 4, 8

    def set_background(self, image):
        self.background = image


def test_stacks_have_the_targets_of_their_frames_in_training_and_in_validation(folder):
    frames = read_frames(folder, 48)
    given = Ingredients.of(frames, {"batch_size": 16}, recordings=(Recording(folder),))
    module = Cells()
    training, validation = stacks(module, given)
    assert module.background.shape == (HEIGHT, WIDTH, 3) and module.background.max() == 0
    flat = frames.frames.flatten(0, 1)
    for batch in (training[0], training[7], validation[0]):
        assert batch["visible"].min() == 1 and batch["frames"].shape == (16, 48, 48, 3)
        for i, frame in enumerate(batch["frames"]):
            (number,) = (flat == frame).flatten(1).all(1).nonzero()[:1].flatten().tolist()
            t, env = divmod(number, 4)
            expected = {
                ((top + 4) * 8 // HEIGHT) * 8 + (left + 3) * 8 // WIDTH
                for left, top in positions(t, env)
            }
            assert {*batch["motion_present"][i].nonzero().flatten().tolist()} == expected
            colours = frame[batch["motion_mask"][i] > 0]
            assert len(colours) and (colours.amax(-1) > 0).all()
    assert single(module, given)[0][0]["motion_where"].shape == (16, 64, 4)


def test_pictures_show_each_step(folder):
    recording = Recording(folder)
    pictures = motion_pictures(fit_scenery(recording), made_up_frame(20, 0), grid=8, size=40)
    assert list(pictures)[:2] == ["frame", "background"]
    (left, top), _ = positions(20, 0)
    assert (pictures["mask"][top : top + 8, left : left + 6] == 255).all()
    assert (pictures["boxes"] == (0, 255, 0)).all(-1).sum() > 40
    assert not (pictures["travels"][2:8, 20:24] == 255).any(), "a lamp does not travel"
    assert pictures["targets"].shape == (80, 80, 3)
    assert {RED, BLUE} <= {*map(tuple, pictures["frame"].reshape(-1, 3).tolist())}
    assert motion_sheet(recording, 2).ndim == 3
