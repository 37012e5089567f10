"""Layout: pixels by hand."""

import numpy as np
import pytest

from objwrappers.rendering import saliency
from objwrappers.rendering.layout import below, beside, fitted, sheet, titled


def flat(height, width, *colour):
    return np.full((height, width, 3), colour, np.uint8)


def test_pictures_are_put_together():
    one, other = np.full((2, 3, 3), 1, np.uint8), np.full((4, 1, 3), 2, np.uint8)
    row = beside([one, other])
    assert row.shape == (4, 4, 3) and (row[2:, :3] == 0).all() and (row[:, 3] == 2).all()
    column = below([one, other])
    assert column.shape == (6, 3, 3) and (column[2:, 1:] == 0).all() and (column[2:, 0] == 2).all()
    assert (titled(one, "a")[-2:] == one).all()


def test_former_place():
    assert (saliency.below, saliency.beside, saliency.titled) == (below, beside, titled)


def test_what_grows_is_repeated_and_what_shrinks_is_averaged():
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    repeated = picture.repeat(3, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(fitted(picture, 12, 12), repeated)
    halved = picture.reshape(2, 2, 3, 2, 3).mean((1, 3))
    assert np.abs(fitted(picture, 2, 3) - halved).max() <= 0.5
    grey = picture[..., 0]
    np.testing.assert_array_equal(fitted(grey, 4, 6), grey[..., None].repeat(3, -1))


def test_a_sheet_without_words_is_a_grid():
    red, green, blue = flat(4, 6, 255, 0, 0), flat(4, 6, 0, 255, 0), flat(2, 3, 0, 0, 255)
    drawn = sheet([[red, green], [None, blue], [red]], gap=2)
    assert drawn.shape == (3 * 4 + 2 * 2, 2 * 6 + 2, 3)
    assert (drawn[:4, :6] == red).all() and (drawn[:4, 8:] == green).all()
    assert (drawn[6:10, :6] == 255).all(), "None leaves the cell white"
    assert (drawn[6:10, 8:] == [0, 0, 255]).all(), "a small picture fills its cell"
    assert (drawn[12:, :6] == red).all() and (drawn[12:, 8:] == 255).all()
    assert (drawn[4:6] == 255).all() and (drawn[:, 6:8] == 255).all()


def test_words_stand_beside_and_above_the_cells():
    dark = flat(60, 90, 0, 0, 90)
    plain = sheet([[dark, dark], [dark, dark]])
    drawn = sheet([[dark, dark], [dark, dark]], ["one", "another\nof two"], ["first", "x" * 40])
    top, left = drawn.shape[0] - plain.shape[0], drawn.shape[1] - plain.shape[1]
    np.testing.assert_array_equal(drawn[top:, left:], plain)
    assert (drawn[:top, :left] == 255).all()
    for words in (drawn[top : top + 60, :left], drawn[top + 64 :, :left]):
        assert words.min() < 80 and (words[:, -4:] == 255).all(), "labels end before the cells"
    for j in (0, 1):
        head = drawn[:top, left + j * 94 : left + j * 94 + 90]
        assert head.min() < 200 and head[:, :-2].max() == 255
    assert (drawn[:top, left + 90 : left + 94] == 255).all(), "long heads are written smaller"


def test_a_cell_size_of_ones_own():
    drawn = sheet([[flat(2, 2, 9, 9, 9)] * 3], cell=(10, 20), gap=0)
    assert drawn.shape == (10, 60, 3) and (drawn == 9).all()


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "at least one picture, got 0 rows"),
        ([[None]], {}, "at least one picture"),
        ([[flat(2, 2, 0, 0, 0)]], {"labels": ["a", "b"]}, r"must be 1 labels, got 2: \['a', 'b'\]"),
        ([[flat(2, 2, 0, 0, 0)] * 2], {"heads": ["a"]}, "must be 2 heads, got 1"),
        ([[np.zeros((2, 2, 3))]], {}, "got float64"),
        ([[np.zeros((2, 2, 4), np.uint8)]], {}, r"shape \(2, 2, 4\)"),
    ],
)
def test_bad_sheets(rows, options, message):
    with pytest.raises(ValueError, match=message):
        sheet(rows, **options)
