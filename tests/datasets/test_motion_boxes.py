"""Boxes of a made-up game: a red square travels over blue."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objwrappers.datasets.motion_boxes import cell_targets, motion_boxes
from objwrappers.datasets.recordings import Recording, RecordingWriter

STEPS, ENVS, HEIGHT, WIDTH = 120, 2, 50, 40


def positions(env):
    """Left and top of the red square, 4 pixels wide and 6 high."""
    there_and_back = (np.arange(STEPS) * 3 + 7 * env) % (2 * (WIDTH - 4))
    left = np.minimum(there_and_back, 2 * (WIDTH - 4) - there_and_back)
    return left, np.full(STEPS, 20 + 8 * env)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    frames = np.full((STEPS, ENVS, HEIGHT, WIDTH, 3), (0, 0, 160), np.uint8)
    for env in range(ENVS):
        for t, (x, y) in enumerate(zip(*positions(env), strict=True)):
            frames[t, env, y : y + 6, x : x + 4] = (200, 0, 0)
    starts = np.zeros((STEPS, ENVS), bool)
    starts[0] = True
    path = tmp_path_factory.mktemp("made_up")
    with RecordingWriter(path, {"task": "Pong"}) as writer:
        writer.append(frames[:70], starts[:70])
        writer.append(frames[70:], starts[70:])
    return path


def test_boxes_are_right_to_a_pixel_and_masks_are_the_square(folder):
    found = motion_boxes(Recording(folder))
    assert found.background.shape == (HEIGHT, WIDTH, 3)
    assert (found.background == (0, 0, 160)).all()
    assert (found.counts == 1).all()
    for env in range(ENVS):
        left, top = positions(env)
        expected = np.stack(
            [
                (left + 2) / WIDTH * 2 - 1,
                (top + 3) / HEIGHT * 2 - 1,
                np.full(STEPS, 4 / WIDTH),
                np.full(STEPS, 6 / HEIGHT),
            ],
            1,
        )
        np.testing.assert_allclose(found.boxes[:, env, 0], expected, atol=1e-6)
    mask = found.mask(np.array([90]), np.array([1]))[0]
    left, top = positions(1)
    assert mask.sum() == 24 and mask[top[90] : top[90] + 6, left[90] : left[90] + 4].all()


def test_what_was_kept_equals_what_is_made_and_damage_is_mended(folder):
    made = motion_boxes(Recording(folder), cache=False)
    motion_boxes(Recording(folder))
    (kept,) = (p for p in folder.glob(".motion-*") if p.is_dir())
    for damage in (b"", b"no array", None):
        if damage is not None:
            (kept / "boxes.npy").write_bytes(damage)
        again = motion_boxes(Recording(folder))
        for name in ("boxes", "counts", "masks", "background"):
            np.testing.assert_array_equal(getattr(again, name), getattr(made, name))


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(["boxes.npy", "counts.npy", "masks.npy", "background.npy", "digest.json"]),
    place=st.floats(0, 1),
    content=st.binary(max_size=40) | st.sampled_from([b"[]", b"null", b'{"content": 3}', b"{}"]),
    whole=st.booleans(),
)
def test_whatever_is_in_the_kept_files_is_what_was_made_or_is_made_anew(
    folder, name, place, content, whole
):
    # In memory: to cut off a file that is mapped is a bus error.
    made = motion_boxes(Recording(folder), cache=False)
    motion_boxes(Recording(folder))
    (kept,) = (p for p in folder.glob(".motion-*") if p.is_dir())
    before = (kept / name).read_bytes()
    start = int(place * len(before))
    damaged = content if whole else before[:start] + content + before[start + len(content) :]
    (kept / name).write_bytes(damaged)
    again = motion_boxes(Recording(folder))
    for key in ("boxes", "counts", "masks", "background"):
        np.testing.assert_array_equal(getattr(again, key), getattr(made, key))


def test_cells_take_the_box_of_their_centre_and_the_larger_of_two():
    boxes = torch.tensor(
        [
            [[-0.9, -0.9, 0.1, 0.1], [-0.8, -0.8, 0.2, 0.2], [0.3, -0.3, 0.5, 0.5]],
            [[1.0, 1.0, 0.1, 0.1], [0.0, 0.0, 0.9, 0.9], [0.0, 0.0, 0.0, 0.0]],
        ]
    )
    present, where = cell_targets(boxes, torch.tensor([3, 1]), grid=4)
    assert present[0].nonzero().flatten().tolist() == [0, 6]
    torch.testing.assert_close(where[0, 0], boxes[0, 1])
    torch.testing.assert_close(where[0, 6], boxes[0, 2])
    assert present[1].nonzero().flatten().tolist() == [15], "a centre on the border is inside"
    torch.testing.assert_close(where[1, 15], boxes[1, 0])
    assert where.sum() == pytest.approx(float(boxes[0, 1:].sum() + boxes[1, 0].sum()), abs=1e-6)
    empty, nowhere = cell_targets(torch.zeros(2, 0, 4), torch.tensor([0, 0]), grid=4)
    assert empty.shape == (2, 16) and empty.sum() == 0 and nowhere.sum() == 0
