"""From cells to the pixels that they see."""

import pytest
import torch

from objwrappers.sb3.free_lunch.networks import ReceptiveField
from objwrappers.sb3.free_lunch.painting import enlarge, paint


def test_cells_are_enlarged_around_their_middles():
    cells = torch.tensor([[[1.0, 3.0], [5.0, 7.0]]])
    found = enlarge(cells, 6, 5, first=1, step=2)
    line = torch.tensor([1.0, 1.0, 2.0, 3.0, 3.0])
    expected = torch.stack([line, line, line + 2, line + 4, line + 4, line + 4])
    torch.testing.assert_close(found[0], expected)


@pytest.mark.parametrize(
    ("field", "cells", "low", "high"),
    [((36, 8, 0), 7, 1, 25), ((8, 4, 0), 20, 1, 4), ((13, 1, 6), 84, 49, 169)],
)
def test_uniform_attention_is_flat_only_if_divided_by_coverage(field, cells, low, high):
    uniform = torch.ones(1, cells, cells)
    published = paint(uniform, ReceptiveField(*field), 84, 84, "published")
    covered = paint(uniform, ReceptiveField(*field), 84, 84)
    assert published.shape == covered.shape == (1, 84, 84)
    assert (published.min(), published.max()) == (low, high)
    assert covered.max() / covered.min() < 1.01


def test_a_cell_is_painted_where_it_sees():
    attention = torch.zeros(1, 7, 7)
    attention[0, 2, 3] = 5
    published = paint(attention, ReceptiveField(36, 8, 0), 84, 84, "published")
    expected = torch.zeros(84, 84)
    expected[16:52, 24:60] = 5
    assert torch.equal(published[0], expected)
    # With a ring of zeros around the image all is seen one pixel further up and left.
    shifted = paint(attention, ReceptiveField(36, 8, 1), 84, 84, "published")
    assert torch.equal(shifted[0, :-1, :-1], expected[1:, 1:])
