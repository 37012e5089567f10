import numpy as np
import pytest
import torch

from objwrappers.perception.scenes.classes import cluster, find_classes
from objwrappers.perception.scenes.module import Detections, SceneModule


class Dots(SceneModule):
    """Each bright pixel is an object whose ``what`` is its colour."""

    name = "dots"

    def __init__(self):
        super().__init__()
        self.define(3, ("object",), (4,))
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def detections(self, frames):
        colours = frames.flatten(1, 2).float() / 255
        there = (colours.amax(-1) > 0.3).float()
        return Detections(torch.zeros(*there.shape, 4), there, colours)


@pytest.fixture(scope="module")
def frames():
    """Three red dots on each frame, a green one on half of them, twelve on a single one."""
    rng = np.random.default_rng(0)
    frames = np.zeros((400, 4, 5, 3), np.uint8)
    flat = frames.reshape(400, 20, 3)
    flat[:, :3, 0] = 230 + rng.integers(0, 10, (400, 3))
    flat[::2, 5, 1] = 200 + rng.integers(0, 10, 200)
    flat[7, 5:17, 1] = 200
    return torch.from_numpy(frames)


def test_classes_are_the_colours_by_number_with_rows_for_what_is_seen_at_once(frames):
    classifier = find_classes(Dots(), frames)
    assert classifier.labels == ("class 0", "class 1")
    assert classifier.rows == (3, 1), "a frame in 400 is fewer than one in 200"
    what = torch.tensor([[0.9, 0, 0], [0, 0.8, 0], [0.5, 0.1, 0.2]])
    assert classifier(what).argmax(-1).tolist() == [0, 1, 0]


def test_a_module_settles_on_the_classes_of_what_it_sees(frames):
    module = Dots()
    asked = []

    def draw(count):
        asked.append(count)
        return frames

    module.settle(draw)
    assert module.classifier.labels == ("class 0", "class 1") and asked == [1000]
    assert module.observation_space["boxes"].shape == (4, 4)
    assert module.arguments["rows"] == [3, 1]


def test_rows_are_at_most_64_in_all(frames):
    crowded = frames.new_zeros(100, 10, 20, 3)
    crowded[:, :8, :10, 0] = 200  # 80 red dots
    crowded[:, 9, :10, 1] = 200  # 10 green ones
    classifier = find_classes(Dots(), crowded)
    assert classifier.rows == (54, 10)


def test_without_objects_there_is_one_empty_class(frames):
    classifier = find_classes(Dots(), torch.zeros_like(frames[:5]))
    assert classifier.labels == ("class 0",) and classifier.rows == (1,)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_the_number_of_clusters_is_found(count):
    rng = np.random.default_rng(count)
    centres = 10 * np.eye(8)[:count]
    truth = rng.integers(0, count, 300)
    found = cluster(centres[truth] + rng.normal(0, 0.5, (300, 8)))
    assert found.max() + 1 == count
    assert len({*zip(truth.tolist(), found.tolist(), strict=True)}) == count


def test_points_that_are_all_alike_are_one_cluster():
    assert cluster(np.ones((50, 3))).tolist() == [0] * 50
    rng = np.random.default_rng(0)
    assert cluster(rng.normal(size=(300, 8))).max() == 0
