"""Which objects and which detections count, by hand; play, step by step."""

import math

import numpy as np
import pytest
import torch
from colour_scene import named_colours

from objwrappers.metrics.box_baselines import difference_boxes, grid_boxes
from objwrappers.metrics.detection import found
from objwrappers.metrics.sprite import Sprite
from objwrappers.rendering.bars import COLOUR
from objwrappers.scoring.moments import play_through, views_with_bars
from objwrappers.scoring.scene_tracks import follow
from objwrappers.scoring.scene_truth import SETS, Seen, Truth, boxes_in_pixels, look, truths_of

GHOST, HIDDEN = Sprite("sue", 50, 50, 8, 10), Sprite("inky", 100, 50, 8, 10)
SHOT = Sprite("shot", 80, 80, 1, 8, scored=False)
SCORE = Sprite("score", 80, 190, 20, 8, scored=False)
FRAME = Truth([GHOST, HIDDEN, SHOT], [GHOST, SHOT], [SCORE], (0, 160, 0, 172))


@pytest.mark.parametrize(
    ("which", "judged", "hits", "objects"),
    [("relevant", 2, 1, 1), ("moving", 5, 2, 2), ("all", 5, 3, 3)],
)
def test_each_set_judges_other_detections(which, judged, hits, objects):
    boxes = [(s.x, s.y, s.width, s.height) for s in (GHOST, HIDDEN, SHOT, SCORE)]
    boxes.append((20, 20, 8, 8))  # on nothing
    pooled = found([FRAME.judge(Seen.of_boxes(np.array(boxes, float)), which)])
    assert (pooled.judged, pooled.hits, pooled.objects) == (judged, hits, objects)


def test_unknown_sets_are_named():
    with pytest.raises(ValueError, match=r"Unknown set of objects 'some'\. There are relevant"):
        FRAME.sought("some")
    assert SETS == ("relevant", "moving", "all")


def test_boxes_of_percepts_in_pixels():
    boxes = np.array([[(0, 0, 1, 1), (-1, 1, 0.1, 0.2)]])
    expected = [[(80, 105, 160, 210), (0, 210, 16, 42)]]
    np.testing.assert_allclose(boxes_in_pixels(boxes, 210, 160), expected)


def test_episodes_are_played_step_by_step():
    episodes = play_through("Pong", 30, 3)
    assert [len(views) for views in episodes] == [30]
    balls = [s.x for view in episodes[0] for s in view.objects if s.name == "ball"]
    assert len(balls) > 5 and np.abs(np.diff(balls)).max() < 16  # but for a new serve
    again = play_through("Pong", 30, 3)[0]
    assert all((a.frame == b.frame).all() for a, b in zip(episodes[0], again, strict=True))
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        play_through("Pong", 0, 3)


def test_bars_are_drawn_where_the_views_say():
    clean = play_through("Pong", 6, 3)[0]
    assert views_with_bars(clean, "none", "iid", 0) is clean
    noisy = views_with_bars(clean, "both", "iid", 0)
    for view, before in zip(noisy, clean, strict=True):
        covered = view.rows[:, None] | view.columns[None]
        assert (view.frame[covered] == COLOUR).all() and covered.any()
        assert (view.frame[~covered] == before.frame[~covered]).all()
        assert view.objects == before.objects
    assert len({view.columns.tobytes() for view in noisy}) > 3


def test_a_model_that_knows_the_colours_finds_what_memory_knows():
    (views,) = play_through("Pong", 40, 3)
    seen, truths = look(named_colours(), [v.frame for v in views]), truths_of("Pong", views)
    pooled = found([t.judge(s, "relevant") for t, s in zip(truths, seen, strict=True)])
    assert pooled.f1 > 0.97 and pooled.centre_error < 2
    assert {name for one in seen for name in one.label} == {"player", "enemy", "ball"}


class Swapped(torch.nn.Module):
    """Puts Pong's paddles into each other's rows at every second frame."""

    def __init__(self, model):
        super().__init__()
        self.model, self.classifier = model, model.classifier

    def offering(self, spare):
        return self

    def forward(self, frames):
        percepts = self.model.offering(2)(frames)
        rows = torch.arange(9).expand(len(frames), -1).clone()
        rows[1::2, [0, 3]] = rows[1::2, [3, 0]]
        return {
            key: value[torch.arange(len(frames))[:, None], rows] for key, value in percepts.items()
        }


def test_switches_are_counted_on_the_rows_that_the_tracker_gives():
    episodes = play_through("Pong", 40, 3)
    truths = [truths_of("Pong", views) for views in episodes]
    model = named_colours()
    steady = follow(model, episodes, truths, "none", "iid", 0)
    assert steady["relevant"].switches == 0 and steady["relevant"].matched > 60
    # Pong's objects all count, and the model does not see what stands still.
    assert steady["relevant"] == steady["moving"] == steady["all"]
    assert {counts.steps for counts in steady.values()} == {40}
    # The tracker's gate lets an object change its row only where it lost it before.
    assert follow(Swapped(model), episodes, truths, "none", "iid", 0)["moving"].switches >= 3


def test_baselines_of_boxes():
    boxes = grid_boxes(4, (8, 10), 100, 100)
    assert boxes.tolist() == [[25, 25, 8, 10], [75, 25, 8, 10], [25, 75, 8, 10], [75, 75, 8, 10]]
    before, frame = np.zeros((2, 100, 100, 3), np.uint8)
    frame[10:20, 30:34] = 9
    frame[50:54, 60:65] = 200
    frame[80, 80] = 1  # a pixel is no box
    boxes, confidence = difference_boxes(frame, before)
    assert boxes.tolist() == [[32, 15, 4, 10], [62.5, 52, 5, 4]]
    assert confidence.tolist() == [1, 0.5]
    assert len(difference_boxes(frame, frame)[0]) == 0
    assert math.isclose(difference_boxes(frame, before)[1].max(), 1)
