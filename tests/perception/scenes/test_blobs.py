"""Sprites on black: told from the background, from each other, and boxed."""

import numpy as np
import pytest

from objwrappers.perception.scenes.blobs import find_blobs
from objwrappers.perception.scenes.motion_objects import find_objects
from objwrappers.perception.scenes.subtraction import (
    GROUND,
    NUM_CODES,
    Scenery,
    colour_codes,
    foreground_pixels,
)

RED, BLUE, WHITE, GREEN = (200, 0, 0), (0, 0, 200), (240, 240, 240), (0, 160, 0)
VIOLET = (200, 0, 200)  # the maximum of red and blue
HEIGHT, WIDTH = 40, 60


def scenery(**changes):
    colours = np.zeros(NUM_CODES, np.uint8)
    for number, colour in enumerate((RED, BLUE, VIOLET), start=1):
        colours[colour_codes(np.array(colour, np.uint8))] = number
    colours[colour_codes(np.array(GREEN, np.uint8))] = GROUND
    sizes = np.zeros((GROUND - 1, 4), np.float32)
    sizes[:2] = (6, 8, 48, 1)
    palette = np.zeros((GROUND, 3), np.uint8)
    palette[1:3] = RED, BLUE
    stands_for = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, 1)
    stands_for[3] = 1, 2
    facts = {
        "background": np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        "travels": np.ones((HEIGHT, WIDTH), np.uint8),
        "colours": colours,
        "sizes": sizes,
        "palette": palette,
        "stands_for": stands_for,
    }
    return Scenery(**{**facts, **changes})


def frame(*sprites):
    """Sprites (left, top, width, height, colour) are drawn one after the other."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for left, top, width, height, colour in sprites:
        picture[top : top + height, left : left + width] = colour
    return picture


def boxes_of(*frames):
    known = scenery()
    blobs = find_blobs(known, foreground_pixels(known, np.stack(frames)), len(frames))
    return [sorted(map(tuple, blobs.boxes[blobs.frame == f].tolist())) for f in range(len(frames))]


def test_a_sprite_at_each_border_is_boxed_to_the_pixel():
    corners = [(0, 0), (WIDTH - 6, 0), (0, HEIGHT - 8), (WIDTH - 6, HEIGHT - 8), (27, 16)]
    found = boxes_of(*[frame((x, y, 6, 8, RED)) for x, y in corners])
    assert found == [[(x, y, 6, 8)] for x, y in corners]


def test_frames_do_not_touch_each_other():
    below, above = frame((20, HEIGHT - 8, 6, 8, RED)), frame((20, 0, 6, 8, RED))
    assert boxes_of(below, above, below) == [
        [(20, HEIGHT - 8, 6, 8)],
        [(20, 0, 6, 8)],
        [(20, HEIGHT - 8, 6, 8)],
    ]


def test_touching_sprites_of_two_colours_are_two_and_eyes_are_none():
    two = frame((10, 10, 6, 8, RED), (16, 13, 6, 8, BLUE), (12, 12, 2, 2, WHITE))
    assert boxes_of(two) == [[(10, 10, 6, 8), (16, 13, 6, 8)]]


def test_a_colour_that_two_sprites_make_together_belongs_to_both():
    overlapping = frame((10, 10, 6, 8, RED), (13, 14, 6, 8, BLUE), (13, 14, 3, 4, VIOLET))
    assert boxes_of(overlapping) == [[(10, 10, 6, 8), (13, 14, 6, 8)]]
    assert boxes_of(frame((10, 10, 6, 8, VIOLET))) == [[(10, 10, 6, 8), (10, 10, 6, 8)]]


@pytest.mark.parametrize(
    ("first", "second"), [((10, 10), (15, 15)), ((15, 10), (10, 15)), ((10, 10), (16, 10))]
)
def test_two_of_a_colour_are_split_in_their_corners(first, second):
    found = boxes_of(frame((*first, 6, 8, RED), (*second, 6, 8, RED)))
    assert found == [sorted([(*first, 6, 8), (*second, 6, 8)])]


def test_what_is_larger_but_of_no_fixed_size_is_one():
    known = scenery(sizes=scenery().sizes * np.array([1, 1, 1, 0], np.float32))
    pixels = foreground_pixels(known, frame((10, 10, 12, 16, RED))[None])
    assert find_blobs(known, pixels, 1).boxes.tolist() == [[10, 10, 12, 16]]


def test_pieces_of_one_colour_close_by_are_one():
    assert boxes_of(frame((10, 10, 6, 3, RED), (10, 15, 6, 3, RED))) == [[(10, 10, 6, 8)]]


def test_ground_that_shows_and_places_where_nothing_travels_are_no_objects():
    travels = np.ones((HEIGHT, WIDTH), np.uint8)
    travels[:, 30:] = 0
    known = scenery(travels=travels)
    there = frame((5, 5, 6, 8, GREEN), (40, 5, 6, 8, RED), (27, 20, 6, 8, BLUE))
    pixels = foreground_pixels(known, there[None])
    assert {*pixels.x.tolist()} == {27, 28, 29} and {*pixels.group.tolist()} == {2}


def test_another_scene_has_no_objects():
    assert boxes_of(frame((0, 0, WIDTH, 13, RED)), frame((0, 0, WIDTH, 11, RED))) == [
        [],
        [(0, 0, WIDTH, 11)],
    ]


def test_what_is_found_in_a_frame_does_not_hang_on_the_others():
    rng = np.random.default_rng(0)
    frames = np.stack(
        [
            frame(*[(*rng.integers(0, 30, 2).tolist(), 6, 8, c) for c in (RED, BLUE, RED, WHITE)])
            for _ in range(20)
        ]
    )
    together = find_objects(scenery(), frames)
    assert together.counts.min() >= 1 and together.counts.max() >= 3
    for i, each in enumerate(frames):
        alone = find_objects(scenery(), each[None])
        count = alone.counts[0]
        assert together.counts[i] == count
        np.testing.assert_array_equal(together.boxes[i, :count], alone.boxes[0, :count])
        np.testing.assert_array_equal(together.looks[i, :count], alone.looks[0, :count])
        np.testing.assert_array_equal(together.masks[i], alone.masks[0])


def test_looks_are_colour_size_fill_and_quarters():
    found = find_objects(scenery(), frame((10, 10, 6, 8, RED), (10, 10, 3, 4, (0, 0, 0)))[None])
    (by_red,) = found.looks[0]
    np.testing.assert_allclose(by_red[:3], np.array(RED) / 255, atol=1e-6)
    np.testing.assert_allclose(by_red[3:6], [np.log(6), np.log(8), 36 / 48], rtol=1e-6)
    np.testing.assert_allclose(by_red[6:], [0, 1 / 3, 1 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(
        found.boxes[0, :1], [[13 / WIDTH * 2 - 1, 14 / HEIGHT * 2 - 1, 6 / WIDTH, 8 / HEIGHT]]
    )


def test_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"\(40, 60, 3\).*got uint8 of shape \(40, 61, 3\)"):
        find_objects(scenery(), np.zeros((2, HEIGHT, WIDTH + 1, 3), np.uint8))


def test_no_frame_and_an_empty_frame_have_no_objects():
    found = find_objects(scenery(), frame()[None])
    assert found.boxes.shape == (1, 0, 4) and found.counts.tolist() == [0]
    assert find_objects(scenery(), np.zeros((0, HEIGHT, WIDTH, 3), np.uint8)).counts.shape == (0,)
