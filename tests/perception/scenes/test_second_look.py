"""A second look: what is under a keypoint, and what is not."""

import numpy as np
import pytest
import torch
from torch import Tensor

from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.loading import load_model
from objwrappers.perception.scenes.second_look import REACH_PX, SecondLook, UnderKeypoints

GAME = "Pong"


class Pointing(KeypointModule):
    """Points where it is told, native pixels."""

    name = "pointing"

    def __init__(self, places=((0.0, 0.0),), present=(1.0,)) -> None:
        super().__init__()
        self.define(len(places), 0.1, channels=2, cells=42)
        self.places, self.present = torch.tensor(places), torch.tensor(present)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch = len(images)
        where = self.places / torch.tensor([80.0, 105.0]) - 1
        keypoints = (where * 42 / 41).expand(batch, -1, -1)
        return keypoints, self.present.expand(batch, -1), torch.zeros(batch, 2, 42, 42)


@pytest.fixture(scope="module")
def scene():
    return load_model("motion", GAME, family="scenes")


def frame_of(scene) -> np.ndarray:
    """The background with the player's paddle of 4×16 pixels at (140, 100) and the ball."""
    frame = scene.scenery().background.copy()
    frame[100:116, 140:144] = 92, 186, 92
    frame[60:64, 70:72] = 236, 236, 236
    return frame


def pixels(points: Tensor) -> list[list[float]]:
    return ((points + 1) * torch.tensor([80.0, 105.0])).round(decimals=2).tolist()


def test_a_keypoint_goes_to_the_middle_of_what_it_lies_on(scene):
    places = ((139.0, 104.0), (74.0, 59.0), (30.0, 180.0))
    model = SecondLook(Pointing(places, (0.9, 0.8, 0.3)), scene).eval()
    frames = torch.from_numpy(frame_of(scene))[None]
    percepts = model(frames)
    assert pixels(percepts["keypoints"][0]) == [[142, 108], [71, 62], [30, 180]]
    torch.testing.assert_close(percepts["present"][0], torch.tensor([0.9, 0.8, 0.3]))
    assert {*percepts} == {*model.observation_space}


def test_reach_is_measured_from_the_box(scene):
    for gap, found in ((REACH_PX - 0.5, True), (REACH_PX + 0.5, False)):
        model = SecondLook(Pointing(((140.0 - gap, 110.0),)), scene).eval()
        (place,) = pixels(model(torch.from_numpy(frame_of(scene))[None])["keypoints"][0])
        assert (place == [142, 108]) is found


def test_objects_without_a_keypoint_are_left_out_and_doubles_are_one(scene):
    places = ((139.0, 104.0), (143.0, 112.0), (30.0, 180.0))
    model = UnderKeypoints(Pointing(places, (0.7, 0.9, 0.9)), scene).eval()
    frames = torch.from_numpy(frame_of(scene))[None]
    found = model.detections(frames)
    (shown,) = (found.present[0] > 0.5).nonzero(as_tuple=True)
    assert len(shown) == 1
    assert found.present[0, shown].item() == pytest.approx(0.9)
    assert pixels(found.boxes[0, shown, :2]) == [[142, 108]]
    whole = scene.detections(frames)
    assert (whole.present[0] > 0.5).sum() == 2
    torch.testing.assert_close(found.what, whole.what)
    assert model.digest == scene.digest and model.label_names == scene.label_names


def test_absent_keypoints_claim_nothing(scene):
    model = UnderKeypoints(Pointing(((142.0, 108.0),), (0.2,)), scene).eval()
    percepts = model(torch.from_numpy(frame_of(scene))[None])
    assert percepts["present"].sum() == 0


def test_frames_do_not_mix(scene):
    model = UnderKeypoints(Pointing(((142.0, 108.0), (71.0, 62.0)), (1.0, 1.0)), scene).eval()
    empty = scene.scenery().background
    frames = torch.from_numpy(np.stack([empty, frame_of(scene), empty]))
    assert (model.detections(frames).present > 0.5).sum(1).tolist() == [0, 2, 0]
