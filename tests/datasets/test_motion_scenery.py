"""Recordings that tell little of a game: nothing moves in them, or frames are independent."""

import sys
from pathlib import Path

import numpy as np
import pytest

from objwrappers.datasets.motion_boxes import motion_boxes
from objwrappers.datasets.motion_pictures import motion_sheet
from objwrappers.datasets.motion_scenery import MotionSettings, fit_scenery
from objwrappers.datasets.recordings import Recording, RecordingWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "pretraining"))
from made_up import record

HEIGHT, WIDTH = 50, 40


@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.parametrize("split", [True, False])
def test_where_nothing_moves_there_is_no_box(tmp_path, steps, split):
    frames = np.full((steps, 2, HEIGHT, WIDTH, 3), (0, 0, 160), np.uint8)
    with RecordingWriter(tmp_path, {"task": "Pong"}) as writer:
        writer.append(frames, np.arange(steps)[:, None].repeat(2, 1) == 0)
    recording = Recording(tmp_path)
    found = motion_boxes(recording, MotionSettings(split=split), cache=False)
    assert (found.counts == 0).all() and not found.masks.any()
    assert (found.background == (0, 0, 160)).all()
    assert motion_sheet(recording, 1).shape[2] == 3


def test_independent_frames_have_boxes_too_and_do_not_know_what_stays(tmp_path):
    folder = record(tmp_path / "in succession")
    with RecordingWriter(tmp_path / "independent", {"task": "Pong"}) as writer:
        for block in Recording(folder):
            writer.append(block.frames, np.ones_like(block.starts))
    expected = motion_boxes(Recording(folder), cache=False)
    found = motion_boxes(Recording(tmp_path / "independent"), cache=False)
    np.testing.assert_array_equal(found.background, expected.background)
    assert (expected.counts == 2).all()
    lamp = found.counts - expected.counts
    assert (
        set(np.unique(lamp)) == {0, 1} and (lamp[:8, 0] == 1).all() and (lamp[8:20, 0] == 0).all()
    )


def test_beside_a_lamp_that_never_travels_nothing_is_looked_for(tmp_path):
    travels = fit_scenery(Recording(record(tmp_path))).travels
    # The lamp is in rows 2 to 9, and nothing moves above row 14.
    assert not travels[2:10].any()
    assert travels[14:].all()
