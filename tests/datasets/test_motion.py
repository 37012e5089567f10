"""A made-up game: a red square travels over blue, a white score counts in place."""

import pytest
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion import (
    MotionFrames,
    MotionMaps,
    background,
    scrolling_share,
    travel_mask,
    usual_colours,
)

BLUE, RED, WHITE = (
    torch.tensor(c, dtype=torch.uint8) for c in ((0, 0, 160), (200, 0, 0), (255,) * 3)
)
STEPS = 200


@pytest.fixture(scope="module")
def recording():
    frames = BLUE.repeat(STEPS, 1, 84, 84, 1)
    generator = torch.Generator().manual_seed(0)
    for t in range(STEPS):
        x = t * 3 % 76
        frames[t, 0, 40:44, x : x + 4] = RED
        # A digit that stays for twenty steps: each of its eight cells is on or off.
        if t % 20 == 0:
            digit = torch.rand(8, generator=generator) < 0.5
        for cell in digit.nonzero().flatten().tolist():
            row, column = 70 + cell // 2 * 2, 10 + cell % 2 * 2
            frames[t, 0, row : row + 2, column : column + 2] = WHITE
    starts = torch.zeros(STEPS, 1, dtype=torch.bool)
    starts[0] = True
    return Frames(frames, starts)


def test_background_is_what_nothing_covers(recording):
    still = background(recording)
    assert (still[:68] == BLUE).all()


def test_background_survives_an_object_that_covers_a_pixel_most_of_the_time(recording):
    frames = recording.frames.clone()
    frames[: STEPS * 7 // 10, 0, 20:25, 20:32] = WHITE
    still = background(Frames(frames, recording.starts))
    assert (still[:68] == BLUE).all()


def test_what_counts_in_place_is_masked_and_what_travels_is_not(recording):
    travels = travel_mask(recording, background(recording))
    assert (travels[71:77, 10:13] == 0).all()
    assert (travels[40:44, 8:68] == 1).all()
    assert (travels[:30] == 1).all(), "nothing is judged where nothing happens"


def test_walls_of_other_rooms_are_no_reason_to_leave_out_what_passes_them(recording):
    frames = recording.frames.clone()
    other_room = frames[STEPS * 3 // 5 :, 0, :56]
    other_room[(other_room == BLUE).all(-1)] = WHITE  # where the square passes, too
    rooms = Frames(frames, recording.starts)
    still = background(rooms)
    assert (still[:56] == BLUE).all()
    strict, judged_by_changes = travel_mask(rooms, still), travel_mask(rooms, still, least_left=0.7)
    assert strict.mean() < 0.7
    assert not strict[:36].any() and not strict[36:50, 20:60].all()
    assert judged_by_changes[38:46, 12:64].all()
    # Where enough is left, there is one background.
    assert torch.equal(travel_mask(recording, still), travel_mask(recording, still, 0.7))


def test_motion_is_the_square_and_only_the_square(recording):
    still = background(recording)
    travels = torch.ones(84, 84)
    travels[68:] = 0
    batch = MotionFrames(recording, 16, still, travels)[0]
    assert batch["frames"].shape == (16, 84, 84, 3)
    red = (batch["frames"] == RED).all(-1).float()
    expected = torch.nn.functional.avg_pool2d(red[:, None], 2)[:, 0]
    assert (batch["objects"] - expected).abs().max() == 0
    # The square leaves its place within two steps.
    torch.testing.assert_close(batch["motion"], expected)


def test_batches_repeat_by_step_and_differ_by_rank(recording):
    still = background(recording)
    mask = torch.ones(84, 84)
    first = MotionFrames(recording, 4, still, mask, seed=2)
    again = MotionFrames(recording, 4, still, mask, seed=2)
    other = MotionFrames(recording, 4, still, mask, seed=2, rank=1)
    assert torch.equal(first[5]["frames"], again[5]["frames"])
    assert not torch.equal(first[5]["frames"], other[5]["frames"])


def test_colours_that_a_pixel_has_often_do_not_move(recording):
    frames = recording.frames.clone()
    frames[::4, 0, :10] = WHITE  # a sky that flashes
    flashing = Frames(frames, recording.starts)
    still, travels = background(flashing), torch.ones(84, 84)
    usual = usual_colours(flashing, share=0.15)
    red, green, blue = (int(c) // 32 for c in BLUE)
    assert usual[(red * 8 + green) * 8 + blue].all(), "the sea is blue"
    assert usual[511, :10].all() and not usual[511, 10:68].any()
    near = usual_colours(flashing, share=0.15, reach=2)[511]
    assert near[:12].all() and not near[12:66].any()
    plain = MotionFrames(flashing, 16, still, travels)[0]["motion"]
    masked = MotionFrames(flashing, 16, still, travels, usual=usual)[0]["motion"]
    assert plain[:, :5].max() == 1 and masked[:, :5].max() == 0
    assert torch.equal(plain[:, 5:34], masked[:, 5:34]) and masked[:, 5:34].max() == 1


def test_what_is_as_wide_as_half_the_frame_is_scenery_that_scrolls(recording):
    still, travels = background(recording), torch.ones(84, 84)
    assert scrolling_share(recording, still, travels) == 0
    frames = recording.frames.clone()
    for t in range(STEPS):
        top = 20 + t * 2 % 8
        frames[t, 0, top : top + 2, :] = WHITE  # a line of 42 cells runs down, a digit blinks
    line = scrolling_share(Frames(frames, recording.starts), still, travels)
    # Beside the line's 42 cells move the square's four to nine and the digit's eight at most.
    assert 42 / 59 < line < 42 / 46
    frames[:, 0, 20:28, 40:] = BLUE  # 20 of 42 cells are left
    assert scrolling_share(Frames(frames, recording.starts), still, travels) == 0
    assert scrolling_share(Frames(0 * frames, recording.starts), 0 * still, travels) == 0


def test_nothing_moves_where_the_scene_changes(recording):
    frames = recording.frames.clone()
    frames[100:] = frames[100:].flip(-1)  # blue turns red and red blue
    batch = MotionFrames(
        Frames(frames, recording.starts), 64, BLUE.expand(84, 84, 3), torch.ones(84, 84)
    )[0]
    other_scene = (batch["frames"][:, 0, 0] != BLUE).any(-1)
    assert 0 < other_scene.sum() < 64
    near = batch["objects"][other_scene].mean((1, 2))
    assert near.max() < 0.05, "where the square was and will be, not the whole frame"
    assert batch["motion"][~other_scene].amax((1, 2)).min() > 0


def test_maps_made_once_are_those_made_for_a_batch(recording):
    still = background(recording)
    travels = travel_mask(recording, still)
    small = recording.frames[..., ::2, ::2, :]
    at_once = MotionMaps(recording, small, (42, 42), 16, still, travels, seed=3)
    each = MotionFrames(recording, 16, still, travels, seed=3)
    for step in (0, 5):
        got, expected = at_once[step], each[step]
        assert torch.equal(got["frames"], expected["frames"][..., ::2, ::2, :])
        for key in ("motion", "objects"):
            assert (got[key] - expected[key]).abs().max() <= 0.5 / 255 + 1e-6
            assert expected[key].max() > 0
        assert (got["weight"] - expected["weight"]).abs().max() < 0.01


def test_other_cells_are_means_by_area(recording):
    still = background(recording)
    maps = MotionMaps(recording, recording.frames, (21, 12), 8, still, torch.ones(84, 84))
    fine = MotionMaps(recording, recording.frames, (84, 84), 8, still, torch.ones(84, 84))
    means = fine[0]["objects"].view(8, 21, 4, 12, 7).mean((2, 4))
    assert (maps[0]["objects"] - means).abs().max() <= 0.5 / 255 + 1e-6


def test_things_that_move_are_counted():
    frames = BLUE.repeat(60, 1, 84, 84, 1)
    for t in range(60):
        frames[t, 0, 20:24, t : t + 4] = RED
        frames[t, 0, 50:54, 80 - t : 84 - t] = WHITE
        if t >= 30:
            frames[t, 0, 70:74, t : t + 4] = RED
    starts = torch.zeros(60, 1, dtype=torch.bool)
    starts[0] = True
    still = BLUE.repeat(84, 84, 1)
    maps = MotionMaps(Frames(frames, starts), frames, (42, 42), 4, still, torch.ones(84, 84))
    counts = maps.things()
    assert len(counts) == 60 - 2 * 16
    assert counts[0] == 2 and counts[-1] == 3
    assert {*counts.tolist()} == {2, 3}
