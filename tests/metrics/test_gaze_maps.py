"""Gaze samples and their maps against scipy, and against single frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from objwrappers.metrics.gaze_maps import AUTHORS, GazeSamples, blur, sigma_cells


def samples(*frames: list[tuple[float, float]]) -> GazeSamples:
    points = torch.tensor([point for frame in frames for point in frame]).reshape(-1, 2).float()
    sizes = torch.tensor([0, *(len(frame) for frame in frames)])
    return GazeSamples(points, sizes.cumsum(0))


def test_samples_are_counted_in_the_cells_that_they_are_in() -> None:
    gaze = samples(
        [(81.0, 96.0), (81.9, 96.2), (0, 0)],  # 81 · 84 / 160 = 42.5, 96 · 84 / 210 = 38.4
        [],
        [(159.99, 209.99), (160, 5), (5, 210), (-0.01, 5), (5, -0.01), (float("nan"), 5)],
    )
    counts = gaze.counts()
    assert counts.shape == (3, 84, 84) and counts.dtype == torch.float32
    assert counts[0, 38, 42] == 2 and counts[0, 0, 0] == 1 and counts[0].sum() == 3
    assert counts[1].sum() == 0
    # Beside the screen is nowhere, and least of all on the other side.
    assert counts[2, 83, 83] == 1 and counts[2].sum() == 1
    assert gaze.on_screen.tolist() == [True] * 4 + [False] * 5
    assert gaze.frame.tolist() == [0] * 3 + [2] * 6


def test_a_point_becomes_the_authors_gaussian() -> None:
    maps, weight = samples([(80.0, 105.0)], [(-3.0, 5.0)], []).maps()
    assert weight.tolist() == [1, 0, 0]
    assert maps[1:].abs().max() == 0
    assert maps[0].sum().item() == pytest.approx(1, abs=1e-6)
    row, column = divmod(int(maps[0].argmax()), 84)
    assert (row, column) == (int(105 / 210 * 84), int(80 / 160 * 84))
    cells = torch.arange(84.0)
    down, across = maps[0].sum(1), maps[0].sum(0)
    # The Gaussian ends at 4 σ.
    assert (down @ (cells - 42) ** 2).sqrt().item() == pytest.approx(2.85, abs=0.01)
    assert (across @ (cells - 42) ** 2).sqrt().item() == pytest.approx(2.926, abs=0.01)


def test_x_and_y_are_not_swapped() -> None:
    maps, _ = samples([(20.0, 180.0)]).maps()
    assert divmod(int(maps[0].argmax()), 84) == (72, 10)


@pytest.mark.parametrize("sigma", ["authors", 1, 0.5, (1.5, 6.0), (30.0, 30.0)])
def test_the_blur_is_scipys(sigma) -> None:
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([160.0, 210.0])
    gaze = GazeSamples(torch.rand(300, 2, generator=generator) * size, torch.arange(0, 301, 50))
    maps, weight = gaze.maps(sigma)
    expected = gaussian_filter(gaze.counts().numpy(), (0, *sigma_cells(sigma)), mode="reflect")
    expected /= expected.sum((1, 2), keepdims=True)
    assert weight.tolist() == [1] * 6
    np.testing.assert_allclose(maps.numpy(), expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(maps.numpy() / expected.max(), expected / expected.max(), atol=1e-5)


def test_a_blur_of_other_sizes_and_dtypes() -> None:
    maps = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    expected = gaussian_filter(maps.numpy(), (0, 0, 2.0, 1.0), mode="reflect")
    np.testing.assert_allclose(blur(maps, (2.0, 1.0)).numpy(), expected, atol=1e-12)


def test_sigma_in_degrees_and_by_the_authors() -> None:
    assert sigma_cells("authors") == pytest.approx((2.85, 2.926), abs=1e-3)
    assert sigma_cells("authors", 210, 160) == pytest.approx((210 * AUTHORS[0], 160 * AUTHORS[1]))
    assert sigma_cells(2) == pytest.approx((5.9, 3.76))
    assert sigma_cells(1, 42, 42) == pytest.approx((1.475, 0.94))
    for wrong in ("author", 0, -1.0, (1.0, 0.0), (1.0,), float("nan"), True):
        with pytest.raises(ValueError, match="sigma must be 'authors', degrees above 0"):
            sigma_cells(wrong)


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 12), st.just(2)), elements=st.floats(width=32)),
    st.lists(st.integers(0, 12), max_size=4),
)
def test_any_numbers_give_densities_frame_by_frame(points: np.ndarray, cuts: list[int]) -> None:
    inner = sorted(min(cut, len(points)) for cut in cuts)
    gaze = GazeSamples(torch.from_numpy(points), torch.tensor([0, *inner, len(points)]))
    maps, weight = gaze.maps(height=6, width=4)
    assert torch.isfinite(maps).all() and (maps >= 0).all()
    torch.testing.assert_close(maps.sum((1, 2)), weight)
    assert gaze.counts(6, 4).sum() == gaze.on_screen.sum()
    order = torch.arange(len(gaze)).flip(0)
    again, kept = gaze[order].maps(height=6, width=4)
    torch.testing.assert_close(again, maps.flip(0))
    assert torch.equal(kept, weight.flip(0))


def test_frames_are_chosen_by_number_or_slice() -> None:
    gaze = samples([(1, 1)], [], [(2, 2), (3, 3)], [(4, 4)])
    chosen = gaze[torch.tensor([2, 0, 2])]
    assert chosen.points[:, 0].tolist() == [2, 3, 1, 2, 3]
    assert chosen.offsets.tolist() == [0, 2, 3, 5]
    assert gaze[1:3].points[:, 0].tolist() == [2, 3] and len(gaze[1:3]) == 2
    assert len(gaze[:0]) == 0 and gaze[:0].counts().shape == (0, 84, 84)


def test_other_shapes_are_refused() -> None:
    points = torch.zeros(3, 2)
    for offsets in ([0, 2], [1, 3], [0, 2, 1, 3]):
        with pytest.raises(ValueError, match="offsets must rise from 0 to 3"):
            GazeSamples(points, torch.tensor(offsets))
    with pytest.raises(ValueError, match=r"points must be \(P, 2\), got \(3, 3\)"):
        GazeSamples(torch.zeros(3, 3), torch.tensor([0, 3]))
    with pytest.raises(
        ValueError, match=r"offsets must be integers \(B \+ 1,\), got torch.float32"
    ):
        GazeSamples(points, torch.tensor([0.0, 3.0]))
