"""Frames with a map of what moves, as motion-coverage keypoints learn from them.

A pixel moves where it differs both from the game's background
and from a frame shortly before or after. Scores, timers, lives and blinking scenery change too,
but they do not travel: where little of the foreground arrives from nearby, it is left out.
"""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.datasets.frames import Frames
from objwrappers.perception.layers import area_pool, per_object
from objwrappers.perception.scenes.subtraction import SCENE_CUT, THRESHOLD

__all__ = [
    "MotionFrames",
    "MotionMaps",
    "background",
    "scrolling_share",
    "travel_mask",
    "usual_colours",
]

LAGS = (2, 4)  # agent steps: what moves now
REST_LAGS = (8, 16)  # agent steps: what may rest now but moved, or will move
SEARCH_RADIUS = 5  # pixels of the small frame
LEAST_TRAVEL = 0.1  # share of the foreground that arrives
SELDOM = 0.02  # share of the frames with foreground: below, nothing is judged
NEIGHBOURHOOD = 10  # pixels of the small frame
OFTEN = 0.15  # share of the frames
CHUNK = 64  # frames at once, where maps are made of all
MOVES = 63  # of 255: a quarter of a cell
LEVELS = 8  # of each channel, where colours are counted


def difference(a: Tensor, b: Tensor) -> Tensor:
    """Largest difference over the channels, (..., h, w, 3) uint8 → (..., h, w) int16."""
    return (a.short() - b.short()).abs().amax(-1)


def background(frames: Frames, samples: int = 500, seed: int = 0) -> Tensor:
    """Finds the colour that each pixel has where nothing covers it.

    A pixel's most frequent colour is not enough: ice floes cover some pixels most of the time.
    Of the colours that a pixel often has, the background is the one most common around it.

    Args:
        frames: The recording.
        samples: Frames looked at.
        seed: Of the drawing.

    Returns:
        uint8 (h, w, 3).
    """
    shown = _drawn(frames, samples, seed)
    used, bins = _colours(shown).unique(return_inverse=True)
    own = _counts(bins, len(used)).float() / len(shown)
    around = F.avg_pool2d(own, 2 * NEIGHBOURHOOD + 1, stride=1, padding=NEIGHBOURHOOD)
    often = own >= torch.clamp(own.amax(0), max=OFTEN)
    chosen = torch.where(often, around, 0.0).argmax(0)
    of_chosen = (bins == chosen).unsqueeze(-1)
    sums = torch.where(of_chosen, shown.float(), 0.0).sum(0)
    return (sums / of_chosen.sum(0)).round().to(torch.uint8)


def usual_colours(
    frames: Frames, share: float, reach: int = 0, samples: int = 1000, seed: int = 0
) -> Tensor:
    """Finds the colours that each pixel has often, or a pixel near it.

    Where the camera moves there is no one background, but hills and the road still have few
    colours, and what comes and goes has others.

    Args:
        frames: The recording.
        share: Of the frames, from which on a colour is usual.
        reach: Pixels up, down and aside from where it is usual, in which it is so, too. The tops
            of hills pass a pixel so seldom that they would be things.
        samples: Frames looked at.
        seed: Of the drawing.

    Returns:
        bool (512, h, w), for each colour of eight levels a channel.
    """
    shown = _drawn(frames, samples, seed)
    usual = _counts(_colours(shown), LEVELS**3) >= share * len(shown)
    return F.max_pool2d(usual[None].float(), 2 * reach + 1, stride=1, padding=reach)[0] > 0


def _drawn(frames: Frames, samples: int, seed: int) -> Tensor:
    flat = frames.frames.flatten(0, 1)
    generator = torch.Generator().manual_seed(seed)
    return flat[torch.randperm(len(flat), generator=generator)[:samples]]


def _counts(colours: Tensor, number: int) -> Tensor:
    """How often each pixel has each of so many colours: (N, h, w) → int64 (number, h, w)."""
    height, width = colours.shape[1:]
    pixels = torch.arange(height * width, device=colours.device)
    each = colours.flatten(1) * height * width + pixels
    counts = torch.bincount(each.flatten(), minlength=number * height * width)
    return counts.view(number, height, width)


def _colours(frames: Tensor) -> Tensor:
    """Numbers the colours, uint8 (..., 3) → int64 (...) below 512."""
    red, green, blue = (frames // (256 // LEVELS)).long().unbind(-1)
    return (red * LEVELS + green) * LEVELS + blue


def travel_mask(
    frames: Frames, still: Tensor, least_left: float = 0.0, samples: int = 600, seed: int = 0
) -> Tensor:
    """Finds where foreground travels rather than changes in place.

    Foreground arrives at a pixel if it was not there some steps (:data:`LAGS`) ago but
    foreground of its colour was nearby. Around a score little of the foreground arrives; where
    sprites pass, much does.

    Args:
        frames: The recording.
        still: uint8 (h, w, 3), its background.
        least_left: Share of the frame. Where less of it is left, it has several backgrounds, of
            which but one is known: rooms, mazes, times of day. Walls of the others rest and are
            no reason to leave things out that pass there; only what changes in place is, then.
        samples: Frames looked at.
        seed: Of the drawing.

    Returns:
        float32 (h, w), 0 where what changes does not travel, else 1.
    """
    inside = frames.runs(max(LAGS))
    generator = torch.Generator().manual_seed(seed)
    t, n = inside[torch.randperm(len(inside), generator=generator)[:samples]].T
    covered = torch.zeros(still.shape[:2], device=still.device)
    arrived = torch.zeros(len(LAGS), *still.shape[:2], device=still.device)
    changed = torch.zeros_like(arrived)
    for part in torch.arange(len(t)).split(100):
        now = frames.frames[t[part], n[part]]
        foreground = difference(now, still) > THRESHOLD
        covered += foreground.sum(0)
        for i, lag in enumerate(LAGS):
            before = frames.frames[t[part] - lag, n[part]]
            moved = foreground & (difference(now, before) > THRESHOLD)
            was_foreground = difference(before, still) > THRESHOLD
            arrived[i] += _arrived(moved, now, before, was_foreground).sum(0)
            changed[i] += moved.sum(0)
    covered, arrived, changed = (
        F.avg_pool2d(counts, 5, stride=1, padding=2).amax(0) / len(t)
        for counts in (covered[None], arrived, changed)
    )
    stays = (covered > SELDOM) & (arrived < LEAST_TRAVEL * covered)
    if (~stays).float().mean() < least_left:
        stays &= arrived < LEAST_TRAVEL * changed
    return (~stays).float()


def _arrived(moved: Tensor, now: Tensor, before: Tensor, was_foreground: Tensor) -> Tensor:
    """Of the pixels that moved, those of whose colour foreground was within the radius before.

    Few pixels move, and each is asked for no longer than it takes to find one.
    """
    r = SEARCH_RADIUS
    colours = before.short()
    colours[~was_foreground] = -1000
    padded = F.pad(colours, (0, 0, r, r, r, r), value=-1000)
    height, width = padded.shape[1:3]
    frame, y, x = moved.nonzero(as_tuple=True)
    corner = (frame * height + y) * width + x  # of the window around it
    colour = now[moved].short()
    flat = padded.flatten(0, 2)
    arrived = torch.zeros_like(moved)
    for dy in range(2 * r + 1):
        found = torch.zeros(len(corner), dtype=torch.bool, device=moved.device)
        for dx in range(2 * r + 1):
            found |= difference(flat[corner + dy * width + dx], colour) <= THRESHOLD
        arrived[frame[found], y[found], x[found]] = True
        frame, y, x, corner, colour = (of[~found] for of in (frame, y, x, corner, colour))
    return arrived


def scrolling_share(frames: Frames, still: Tensor, travels: Tensor, samples: int = 400) -> float:
    """Tells how much of what moves is scenery, before which the camera moves.

    Args:
        frames: The recording.
        still: uint8 (h, w, 3), its background.
        travels: float32 (h, w), :func:`travel_mask`.
        samples: Frames looked at.

    Returns:
        The share of the moving cells that lie in connected things as wide, or as high, as half of
        the frame; 0 where nothing moves.
    """
    motion = MotionFrames(frames, samples, still, travels)[0]["motion"]
    half = [side // 2 for side in motion.shape[1:]]
    large = every = 0
    for moving in (motion > MOVES / 255).byte().cpu().numpy():
        _, _, facts, _ = cv2.connectedComponentsWithStats(moving, connectivity=8)
        height, width, cells = facts[
            1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_AREA]
        ].T
        large += int(cells[(height >= half[0]) | (width >= half[1])].sum())
        every += int(cells.sum())
    return large / max(1, every)


class MotionFrames(torch.utils.data.Dataset):
    """Batches of frames and their motion maps; item s is the same whenever it is asked for.

    Args:
        frames: The recording.
        batch_size: Frames in a batch, B.
        still: uint8 (h, w, 3), its background.
        travels: float32 (h, w), :func:`travel_mask`.
        seed: Of the drawing.
        rank: Of this process among several.
        usual: bool (512, h, w), :func:`usual_colours`, which are background, too.
    """

    def __init__(
        self,
        frames: Frames,
        batch_size: int,
        still: Tensor,
        travels: Tensor,
        seed: int = 0,
        rank: int = 0,
        usual: Tensor | None = None,
    ) -> None:
        self._frames = frames
        self._batch_size = batch_size
        self._still, self._travels, self._usual = still, travels, usual
        self._seed = (seed, rank)
        self._inside = frames.runs(max(REST_LAGS), max(REST_LAGS))

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns a batch.

        Returns:
            ``frames`` and, the same, ``clean``, uint8 (B, h, w, 3); maps float32 (B, h/2, w/2):
            ``motion`` in [0, 1], what moves now; ``objects`` in [0, 1], that and what moves
            within REST_LAGS; ``weight``, :func:`per_object` of the motion.
        """
        t, n = self._inside[self._draw(step)].T
        now, motion, resting = self._maps(t, n)
        return {
            "frames": now,
            "clean": now,
            "motion": motion,
            "objects": resting,
            "weight": per_object(motion),
        }

    def _draw(self, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(hash((*self._seed, step)))
        return torch.randint(len(self._inside), (self._batch_size,), generator=generator)

    def _maps(self, t: Tensor, n: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frames; what moves now, and within REST_LAGS, in [0, 1], nothing in another scene."""
        now = self._frames.frames[t, n]
        foreground = difference(now, self._still)
        if self._usual is not None:
            foreground[self._usual.gather(0, _colours(now))] = 0
        change = torch.zeros_like(foreground)
        for lag in (*LAGS, *REST_LAGS):
            for other in (t - lag, t + lag):
                torch.maximum(change, difference(now, self._frames.frames[other, n]), out=change)
            if lag == LAGS[-1]:
                motion = self._pool(torch.minimum(foreground, change))
        resting = self._pool(torch.minimum(foreground, change))
        same_scene = (resting.mean((1, 2)) < SCENE_CUT).float()[:, None, None]
        return now, motion * same_scene, resting * same_scene

    def _pool(self, moved: Tensor) -> Tensor:
        moves = (moved > THRESHOLD).float() * self._travels
        return F.avg_pool2d(moves[:, None], 2)[:, 0]


class MotionMaps(MotionFrames):
    """Batches as those of :class:`MotionFrames`, of maps that are made once, for all frames.

    All lies where the frames lie, on a GPU, say; so do the batches.

    Attributes:
        moments: int64 (M, 2), the steps t and envs n that have maps.
        objects: uint8 (M, rows, columns), what moves there within REST_LAGS, 255 for all of a cell.

    Args:
        frames: The recording, as it is watched for motion.
        shown: uint8 (T, N, h', w', 3), the same frames, as a model looks at them.
        cells: Rows and columns of the maps, of any size: cells are means by area.
        batch_size: Frames in a batch, B.
        still: uint8 (h, w, 3), the background.
        travels: float32 (h, w), :func:`travel_mask`.
        seed: Of the drawing.
        rank: Of this process among several.
        usual: bool (512, h, w), :func:`usual_colours`, which are background, too.
    """

    def __init__(
        self,
        frames: Frames,
        shown: Tensor,
        cells: tuple[int, int],
        batch_size: int,
        still: Tensor,
        travels: Tensor,
        seed: int = 0,
        rank: int = 0,
        usual: Tensor | None = None,
    ) -> None:
        self._shown, self._cells = shown, cells
        super().__init__(frames, batch_size, still, travels, seed, rank, usual)
        made = [self._maps(*part.T)[1:] for part in self._inside.split(CHUNK)]
        self.moments = self._inside
        self._motion, self.objects = (
            torch.cat([(maps * 255).round().byte() for maps in kind])
            for kind in zip(*made, strict=True)
        )

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns a batch; see :class:`MotionFrames`. Maps are rounded to 1/255."""
        chosen = self._draw(step)
        t, n = self._inside[chosen].T
        now = self._shown[t, n]
        chosen = chosen.to(now.device)
        motion, objects = (maps[chosen].float() / 255 for maps in (self._motion, self.objects))
        weight = per_object(motion)
        return {"frames": now, "clean": now, "motion": motion, "objects": objects, "weight": weight}

    def things(self) -> Tensor:
        """Returns int64 (M,), in how many separate things each frame moves."""
        counts = [
            cv2.connectedComponents(moving, connectivity=4)[0] - 1
            for moving in (self._motion > MOVES).byte().cpu().numpy()
        ]
        return torch.tensor(counts)

    def _pool(self, moved: Tensor) -> Tensor:
        return area_pool((moved > THRESHOLD).float() * self._travels, *self._cells)
