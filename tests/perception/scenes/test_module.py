"""Scene models: rows of an observation, descriptions of frames, what they refuse."""

import json

import numpy as np
import pytest
import torch
from scenes import Blobs, frame_with, named_blobs

from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.module import Detections

FRAME = frame_with(
    ("red", 2, 3, 4, 6), ("blue", 51, 32, 8, 2), ("blue", 70, 71, 2, 4), ("blue", 12, 52, 2, 4)
)
# Of 80 pixels: a box of pixels [left, left + width) has its centre at left + width / 2.
RED = [(2 + 2) / 40 - 1, (3 + 3) / 40 - 1, 4 / 80, 6 / 80]


def batch(*frames):
    return torch.from_numpy(np.stack(frames))


def test_rows_of_a_class_hold_its_most_probable_objects():
    classifier = SceneClassifier.of_centroids(torch.tensor([[0.0], [1.0]]), ["a", "b"], [2, 3])
    model = Blobs()
    model.what_size = 1
    model.use_classifier(classifier)
    present = torch.tensor([[0.9, 0.6, 0.7, 0.5, 0.8], [0.1, 0.2, 0.3, 0.4, 0.5]])
    what = torch.tensor([0.9, 0.1, 0.2, 1.0, 0.0]).expand(2, 5)[..., None]
    boxes = torch.arange(5.0)[:, None].expand(2, 5, 4)
    rows = model.arrange(Detections(boxes, present, what))
    # Of class a are 1, 2 and 4, of class b is 0; 3 is not present enough.
    assert rows["boxes"][0, :, 0].tolist() == [4, 2, 0, 0, 0]
    np.testing.assert_allclose(rows["present"][0], [0.8, 0.7, 0.9, 0, 0])
    np.testing.assert_allclose(rows["what"][0, :, 0], [0.0, 0.2, 0.9, 0, 0])
    assert rows["label"][0].tolist() == [0, 0, 1, 1, 1]
    assert not rows["boxes"][1].any() and not rows["present"][1].any()
    more = model.offering(1).arrange(Detections(boxes, present, what))
    np.testing.assert_allclose(more["present"][0], [0.8, 0.7, 0.6, 0.9, 0, 0, 0])
    assert model.spare_rows == 0


def test_an_observation_is_in_its_space_and_boxes_are_where_they_were_drawn():
    model = named_blobs(rows=(1, 1, 2))
    percepts = {key: value[0].numpy() for key, value in model(batch(FRAME)).items()}
    percepts["label"] = percepts["label"].astype(np.uint8)
    assert model.observation_space.contains(percepts)
    np.testing.assert_allclose(percepts["boxes"][0], RED, atol=1e-6)
    assert percepts["present"].tolist() == [pytest.approx(0.9), 0, *[pytest.approx(0.9)] * 2]
    assert percepts["label"].tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize("of", [np.asarray, torch.from_numpy])
def test_a_description_names_all_objects_however_many_rows_there_are(of):
    model = named_blobs(rows=(1, 1, 1))
    (scene,) = model.scene_description(of(FRAME))
    assert [*scene] == ["red", "green", "blue"]
    assert {name: len(found["boxes"]) for name, found in scene.items()} == {
        "red": 1,
        "green": 0,
        "blue": 3,
    }
    np.testing.assert_allclose(scene["red"]["boxes"][0], RED, atol=1e-6)
    np.testing.assert_array_equal(scene["red"]["centres"], scene["red"]["boxes"][:, :2])
    assert scene["green"]["boxes"].shape == (0, 4) and scene["green"]["centres"].shape == (0, 2)
    assert scene["green"]["present"].shape == (0,)
    np.testing.assert_allclose(scene["blue"]["present"], 0.9)


def test_frames_are_described_at_once_and_an_empty_one_has_no_objects():
    model = named_blobs().train()
    calls = []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    described = model.scene_description(np.stack([FRAME, 0 * FRAME, FRAME]))
    assert model.training, "as it was"
    assert [len(scene["blue"]["boxes"]) for scene in described] == [3, 0, 3]
    (alone,) = model.scene_description(FRAME)
    for name, found in alone.items():
        for key, value in found.items():
            np.testing.assert_array_equal(described[2][name][key], value)


def test_a_description_is_the_same_whatever_the_frames_size():
    native = FRAME.repeat(3, 0).repeat(2, 1)  # 240×160
    for small, large in zip(
        named_blobs().scene_description(FRAME),
        named_blobs().scene_description(native),
        strict=True,
    ):
        for name in small:
            np.testing.assert_allclose(small[name]["boxes"], large[name]["boxes"], atol=1e-6)


def test_the_order_of_channels_is_told():
    model = named_blobs()
    (scene,) = model.scene_description(FRAME[..., ::-1], channel_order="BGR")
    (as_rgb,) = model.scene_description(FRAME[..., ::-1])
    assert [len(found["boxes"]) for found in scene.values()] == [1, 0, 3]
    assert [len(found["boxes"]) for found in as_rgb.values()] == [3, 0, 1]
    with pytest.raises(ValueError, match=r"channel_order must be 'RGB' or 'BGR', got 'GBR'"):
        model.scene_description(FRAME, channel_order="GBR")
    for wrong in (FRAME / 255, FRAME[..., 0], FRAME[..., :1]):
        with pytest.raises(ValueError, match="Frames must be uint8 of shape"):
            model.scene_description(wrong)


def test_weights_of_another_order_of_channels_are_refused(tmp_path):
    model = named_blobs()
    model.record = {"trained_on": {"task": "Pong", "noise": "none", "channels": "BGR"}}
    model.save_pretrained(tmp_path / "weights")
    with pytest.raises(ValueError, match="trained on BGR frames, but blobs reads RGB"):
        Blobs.from_pretrained(tmp_path / "weights")
    path = tmp_path / "weights" / "config.json"
    config = json.loads(path.read_text())
    config["trained_on"]["channels"] = "RGB"
    path.write_text(json.dumps(config))
    assert Blobs.from_pretrained(tmp_path / "weights").label_names == ("red", "green", "blue")


def test_a_classifier_is_stored_with_the_weights(tmp_path):
    model = named_blobs(rows=(1, 2, 3))
    model.save_pretrained(tmp_path / "weights")
    again = Blobs.from_pretrained(tmp_path / "weights")
    assert again.classifier.rows == (1, 2, 3)
    for key, value in model(batch(FRAME)).items():
        torch.testing.assert_close(again(batch(FRAME))[key], value, rtol=0, atol=0)


def test_another_classifier_leaves_the_model_as_it_was():
    model = named_blobs()
    centroids = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])
    other = model.with_classifier(SceneClassifier.of_centroids(centroids, ["r", "b"], [1, 5]))
    assert model.label_names == ("red", "green", "blue") and other.label_names == ("r", "b")
    assert other.observation_space["boxes"].shape == (6, 4)
    assert model.observation_space["boxes"].shape == (6, 4)
    assert other.threshold is model.threshold
    (scene,) = other.scene_description(FRAME)
    assert {name: len(found["boxes"]) for name, found in scene.items()} == {"r": 1, "b": 3}
    with pytest.raises(ValueError, match="reads a z_what of 2 numbers, but blobs gives 3"):
        model.with_classifier(SceneClassifier(2, ["r"], [1]))


def test_a_digest_is_of_what_z_what_hangs_on():
    model, other = named_blobs(), named_blobs(rows=(1, 1, 1))
    assert model.digest == other.digest and len(model.digest) == 64
    assert Blobs().digest == model.digest, "whatever its classifier"
    with torch.no_grad():
        other.threshold += 0.01
    assert other.digest != model.digest
