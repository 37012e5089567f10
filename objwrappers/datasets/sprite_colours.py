"""Which colours objects have, and how large they are: learned from objects that stand alone.

* :func:`blended_colours`: what max-pooling makes of a sprite and the background
* :func:`colour_groups`: colours that objects have alone, and those seen beside others only
* :func:`mixed_colours`: what max-pooling makes of two sprites
* :func:`group_palette`: the colour of each group
* :func:`usual_sizes`: how large the objects of a colour are
"""

from __future__ import annotations

import numpy as np

from objwrappers.perception.scenes.blobs import connected, find_blobs
from objwrappers.perception.scenes.subtraction import (
    ACCESSORY,
    GROUND,
    Pixels,
    Scenery,
    colour_codes,
)

__all__ = ["blended_colours", "colour_groups", "group_palette", "mixed_colours", "usual_sizes"]

LEAST_PIXELS = 1e-3  # share of the foreground's pixels: rarer colours have no group
MAIN = 0.3  # share of its blobs in which a colour is the most common: else it is an accessory
TOGETHER = 0.7  # share of blobs that two colours share: then they are of one object
MOST_GROUPS = 32
MOST_NUMBERS = 120  # groups and mixes
MOST_BLOBS = 0.5  # share of a group's blobs that are of the usual size: then all of them should be
NEAR = 0.25  # of the usual size


def blended_colours(pixels: Pixels, scenery_colours: np.ndarray) -> dict[int, int]:
    """Finds colours that are the maximum of an object's and the background's.

    Frames are the maximum of two raw frames. Where an object was drawn in only one of them, its
    colour is blended with what is behind it.

    Args:
        pixels: The foreground of some frames.
        scenery_colours: uint8 (K, 3), of the background.

    Returns:
        Code of a blend → code of the object's own colour.
    """
    codes, first, counts = np.unique(
        colour_codes(pixels.rgb), return_index=True, return_counts=True
    )
    rgb = pixels.rgb[first]
    blended = np.maximum(rgb[:, None], scenery_colours).reshape(-1, 3)
    becomes = colour_codes(blended).reshape(len(rgb), len(scenery_colours))
    known = {int(code): int(count) for code, count in zip(codes, counts, strict=True)}
    own: dict[int, int] = {}
    scenery = {*colour_codes(scenery_colours).tolist()}
    for code, results in zip(codes.tolist(), becomes, strict=True):  # colours, a few dozen
        for result in {*results.tolist()} - scenery - {code}:
            if result in known and known[code] > known.get(own.get(result, -1), 0):
                own[result] = code
    # A blend of a blend is a blend of the first.
    return {blend: own.get(code, code) for blend, code in own.items()}


def colour_groups(
    scenery: Scenery, pixels: Pixels, blends: dict[int, int], batch: int
) -> np.ndarray:
    """Sorts colours into groups; colours of one group are of the same objects.

    A colour of its own is one that often is the most common of a connected component. Others,
    the whites of eyes, say, appear beside those only. Two colours that nearly always appear in
    the same components are one group.

    Args:
        scenery: With a table of colours that knows the ground only.
        pixels: The foreground of ``batch`` frames.
        blends: :func:`blended_colours`.
        batch: Number of frames.

    Returns:
        uint8 (32768,), as :attr:`Scenery.colours`.
    """
    table = scenery.colours.copy()
    if not len(pixels.rgb):
        return table
    codes = colour_codes(pixels.rgb)
    for blend, code in blends.items():
        codes = np.where(codes == blend, code, codes)
    used, number, counts = np.unique(codes, return_inverse=True, return_counts=True)
    owner, _, boxes = connected(
        pixels.frame, pixels.y, pixels.x, batch, scenery.background.shape[:2]
    )
    areas = np.zeros((len(boxes), len(used)), np.int64)
    np.add.at(areas, (owner, number), 1)
    there = areas > 0
    often = counts >= LEAST_PIXELS * counts.sum()
    is_main = (areas.argmax(1)[:, None] == np.arange(len(used))).sum(0)
    own = often & (is_main >= MAIN * there.sum(0))
    groups = _merged(there, own)
    largest = np.argsort(-np.bincount(groups[own], counts[own], len(used)))[:MOST_GROUPS]
    for rank, group in enumerate(largest.tolist(), start=1):
        table[used[own & (groups == group)]] = rank
    for blend, code in blends.items():
        table[blend] = table[code] if table[blend] == ACCESSORY else table[blend]
    return table


def mixed_colours(table: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Finds colours that are the maximum of two objects' colours: both are there.

    Args:
        table: uint8 (32768,), groups of colours.
        pixels: The foreground of some frames.

    Returns:
        The table, with a number of its own for each mix; uint8 (256, 2), of each number the two
        groups that it stands for, twice itself where it is no mix.
    """
    table, stands_for = table.copy(), np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, 1)
    codes, first, counts = np.unique(
        colour_codes(pixels.rgb), return_index=True, return_counts=True
    )
    rgb, group = pixels.rgb[first], table[codes]
    common = (group != ACCESSORY) & (counts >= LEAST_PIXELS * counts.sum())
    one, other = np.triu_indices(len(codes), 1)
    different = common[one] & common[other] & (group[one] != group[other])
    one, other = one[different], other[different]
    mix = colour_codes(np.maximum(rgb[one], rgb[other]))
    number = int(group.max(initial=0))
    for code, a, b in zip(mix.tolist(), one.tolist(), other.tolist(), strict=True):
        # A mix is rarer than what it is mixed of.
        own = counts[codes == code].sum()
        if code in (codes[a], codes[b]) or not 0 < own < min(counts[a], counts[b]):
            continue
        if number == MOST_NUMBERS or stands_for[table[code], 0] != table[code]:
            continue
        number += 1
        table[code] = number
        stands_for[number] = group[a], group[b]
    return table, stands_for


def group_palette(table: np.ndarray, pixels: Pixels) -> np.ndarray:
    """Returns the most frequent colour of each group, uint8 (255, 3)."""
    palette = np.zeros((GROUND, 3), np.uint8)
    codes, first, counts = np.unique(
        colour_codes(pixels.rgb), return_index=True, return_counts=True
    )
    by_count = np.argsort(counts, kind="stable")
    groups = table[codes[by_count]]
    palette[groups[groups != GROUND]] = pixels.rgb[first[by_count]][groups != GROUND]
    return palette


def _merged(there: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Gives colours that nearly always appear together the number of the first of them."""
    seen = there.astype(np.float64)
    together = seen.T @ seen
    share = together / np.maximum(np.diag(together)[:, None], 1)
    same = (np.minimum(share, share.T) >= TOGETHER) & own & own[:, None]
    groups = np.arange(len(own))
    for colour in np.flatnonzero(own).tolist():
        groups[same[colour]] = groups[colour]
    return groups


def usual_sizes(scenery: Scenery, pixels: Pixels, batch: int) -> np.ndarray:
    """Finds how large objects of each group of colours are.

    Args:
        scenery: With its table of colours.
        pixels: The foreground of ``batch`` frames.
        batch: Number of frames.

    Returns:
        float32 (254, 4), as :attr:`Scenery.sizes`.
    """
    sizes = np.zeros((GROUND - 1, 4), np.float32)
    blobs = find_blobs(scenery, pixels, batch)
    areas = np.bincount(blobs.owner[blobs.owner >= 0], minlength=len(blobs.boxes))
    for group in np.unique(blobs.group[blobs.group != ACCESSORY]).tolist():
        of_group = blobs.group == group
        measures = np.column_stack([blobs.boxes[of_group, 2:], areas[of_group]])
        # Small pieces are many where objects come apart; the usual one is that of most pixels.
        usual = _weighted_median(measures, measures[:, 2])
        near = (np.abs(measures[:, :2] - usual[:2]) <= np.maximum(1, NEAR * usual[:2])).all(1)
        share = measures[near, 2].sum() / measures[:, 2].sum()
        sizes[group - 1] = *usual, share >= MOST_BLOBS
    return sizes


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The median of each column, (K, D) → (D,)."""
    order = np.argsort(values, axis=0)
    cumulative = np.cumsum(weights[order], axis=0)
    middle = (cumulative < cumulative[-1] / 2).sum(0)
    return np.take_along_axis(values, np.take_along_axis(order, middle[None], 0), 0)[0]
