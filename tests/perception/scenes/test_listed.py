"""Lists of objects as scenes."""

import numpy as np
import pytest
import torch

from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.listed import ENTRIES, ListedScene


def test_objects_go_into_the_rows_of_their_classes():
    scene = ListedScene(["ball", "wall"], [1, 3]).eval()
    assert {key: space.shape for key, space in scene.observation_space.spaces.items()} == {
        "boxes": (4, 4),
        "present": (4,),
        "what": (4, 2),
        "label": (4,),
    }
    listed = torch.zeros(2, 5, len(ENTRIES))
    listed[0, 0] = torch.tensor([0.5, -0.25, 0.1, 0.2, 1, 1])
    listed[0, 2] = torch.tensor([0.0, 0.125, 0.3, 0.4, 1, 0])
    listed[0, 3] = torch.tensor([-1.0, 1.0, 0.5, 0.6, 1, 1])
    percepts = scene(listed)
    np.testing.assert_allclose(
        percepts["boxes"][0].numpy(),
        [[0, 0.125, 0.3, 0.4], [0.5, -0.25, 0.1, 0.2], [-1, 1, 0.5, 0.6], [0, 0, 0, 0]],
        atol=1e-7,
    )
    assert percepts["present"].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]
    assert percepts["what"][0].tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    assert percepts["label"].tolist() == [[0, 1, 1, 1]] * 2


def test_what_tells_the_same_classes_whatever_they_are_called():
    scene = ListedScene(["ball", "wall"], [1, 3])
    other = scene.with_classifier(SceneClassifier.of_centroids(torch.eye(2), ["a", "b"], [2, 2]))
    assert other.digest == scene.digest and other.label_names == ("a", "b")
    assert ListedScene(["wall", "ball"], [1, 3]).digest != scene.digest


def test_frames_are_no_lists():
    with pytest.raises(ValueError, match=r"'ram' reads lists of objects.*shape \(1, 84, 84, 3\)"):
        ListedScene(["ball"], [1])(torch.zeros(1, 84, 84, 3, dtype=torch.uint8))
