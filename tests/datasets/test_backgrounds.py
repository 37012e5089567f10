import sys
from pathlib import Path

import numpy as np
import pytest

from objwrappers.datasets.backgrounds import flowing, median_background, mode_background
from objwrappers.datasets.motion_boxes import motion_boxes
from objwrappers.datasets.motion_scenery import MotionSettings
from objwrappers.datasets.recordings import Recording, RecordingWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "pretraining"))
from made_up import HEIGHT, WIDTH, positions, record

A, B, C = (10, 200, 30), (10, 20, 30), (250, 20, 30)


def test_the_mode_is_of_whole_colours_and_the_median_of_channels():
    frames = np.array([A, B, C, A, C, A], np.uint8).reshape(6, 1, 1, 3)
    assert mode_background(frames)[0, 0].tolist() == [*A]
    # Sorted: 10 10 10 10 250 250; 20 20 20 200 200 200; 30s.
    assert median_background(frames)[0, 0].tolist() == [10, 20, 30]
    assert median_background(frames[:5])[0, 0].tolist() == [10, 20, 30]
    assert median_background(np.array([A, A, C], np.uint8).reshape(3, 1, 1, 3)).tolist() == [[[*A]]]


def test_each_pixel_has_its_own_mode():
    rng = np.random.default_rng(0)
    palette = np.array([A, B, C], np.uint8)
    number = rng.integers(0, 3, (9, 4, 5))
    expected = np.array(
        [[np.bincount(number[:, y, x], minlength=3) for x in range(5)] for y in range(4)]
    )
    clear = (expected == expected.max(-1, keepdims=True)).sum(-1) == 1
    assert clear.sum() > 5
    found = mode_background(palette[number])
    np.testing.assert_array_equal(found[clear], palette[expected.argmax(-1)][clear])


def test_flow_is_where_something_moves():
    before = np.zeros((60, 80, 3), np.uint8)
    now = before.copy()
    texture = np.random.default_rng(0).integers(80, 255, (10, 10, 3)).astype(np.uint8)
    for picture, left in ((before, 20), (now, 23)):
        picture[25:35, left : left + 10] = texture
        picture[5:15, 60:70] = texture  # rests
    flows = flowing(before, now)
    assert flows[27:33, 25:31].all() and not flows[5:15, 62:70].any()


@pytest.mark.parametrize("name", ["mode", "median"])
def test_the_background_of_the_settings_is_used(name, tmp_path):
    recording = Recording(record(tmp_path))
    found = motion_boxes(recording, MotionSettings(background=name), cache=False)
    assert (found.background == 0).all() and (found.counts == 2).all()
    (left, top), _ = positions(50, 1)
    x, y = (found.boxes[50, 1, :2, :2] + 1).T / 2 * np.array([[WIDTH], [HEIGHT]])
    assert np.isclose([x, y], [[left + 3], [top + 4]]).all(0).any()


def test_against_a_trail_what_stands_still_is_background_but_not_against_the_whole_game(tmp_path):
    frames = np.zeros((100, 1, HEIGHT, WIDTH, 3), np.uint8)
    for t in range(100):
        left = min(t, 30)  # comes and stays
        frames[t, 0, 10:18, left : left + 6] = 200, 0, 0
        frames[t, 0, 30:38, (2 * t) % 40 : (2 * t) % 40 + 6] = 0, 0, 200
    starts = np.zeros((100, 1), bool)
    starts[0] = True
    with RecordingWriter(tmp_path, {"task": "Pong"}) as writer:
        writer.append(frames, starts)
    trail = motion_boxes(Recording(tmp_path), MotionSettings(trail=20, split=False), cache=False)
    assert (trail.counts[85:] == 1).all(), "only what still moves"
    assert (trail.counts[5:19] == 2).all(), "at first there is no trail"
    flow = motion_boxes(Recording(tmp_path), MotionSettings(flow=True, split=False), cache=False)
    # Where the blue one begins anew nothing flows.
    assert (flow.boxes[85:, 0, 0, 1] > 0).mean() > 0.9, "the red one stands"


def test_settings_are_read_and_checked():
    given = {"motion_background": "median", "motion_trail": 26, "motion_split": False, "other": 1}
    assert MotionSettings.of(given) == MotionSettings(False, "median", 26, False)
    with pytest.raises(ValueError, match="medain"):
        MotionSettings(background="medain")
    with pytest.raises(ValueError, match="got -1"):
        MotionSettings(trail=-1)
    with pytest.raises(ValueError, match=r"a number of frames.*got 2\.5"):
        MotionSettings(trail=2.5)
