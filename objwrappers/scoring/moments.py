"""Random play with the objects that the console knows, to score perception by.

* :func:`play`: moments of it, some steps apart
* :func:`play_through`: whole episodes, step by step
* :func:`with_bars`, :func:`views_with_bars`: the same under distractor bars
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from objwrappers.envs.atari import make_atari
from objwrappers.envs.distractors import Distractors
from objwrappers.envs.raw import raw_frames_of
from objwrappers.metrics.ram import Sprite, drawn, pooled, sprites
from objwrappers.rendering.bars import bar_cells, draw_bars

SKIPPED_STEPS = 8  # attract colours
SAMPLE_EVERY = 5  # agent steps
SAMPLES_PER_EPISODE = 100


@dataclass(frozen=True)
class View:
    """A frame and what is in it.

    Attributes:
        frame: uint8 (210, 160, 3).
        objects: All that memory knows.
        shown: Those that flicker has not hidden from the frame.
        columns: bool (160,), covered by a vertical bar.
        rows: bool (210,), covered by a horizontal bar.
        pooled: The shown objects, as large as the maximum of the last two raw frames shows them.
    """

    frame: np.ndarray
    objects: list[Sprite]
    shown: list[Sprite]
    columns: np.ndarray
    rows: np.ndarray
    pooled: list[Sprite] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """Three views in succession, an agent step apart; keypoints are scored on ``now``."""

    before: View
    now: View
    after: View


def play(game: str, count: int, seed: int) -> list[Moment]:
    """Plays at random and returns ``count`` sampled moments.

    Frames are what the envs give: maximum of the last two raw frames, frame skip 4, no sticky
    actions.

    Raises:
        ValueError: A count below 1.
    """
    if count < 1:
        raise ValueError(f"--frames must be at least 1, got {count}.")
    moments: list[Moment] = []
    while len(moments) < count:
        episode = _episode(game, seed)
        moments += [moment for _, moment in zip(range(SAMPLES_PER_EPISODE), episode, strict=False)]
        seed += 1
    return moments[:count]


def play_through(game: str, steps: int, seed: int) -> list[list[View]]:
    """Plays at random and returns ``steps`` successive views, cut into episodes.

    Raises:
        ValueError: Less than one step.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}.")
    episodes: list[list[View]] = []
    while steps > 0:
        views = islice(_views(game, seed), SKIPPED_STEPS, SKIPPED_STEPS + steps)
        episodes.append([*views])
        steps -= len(episodes[-1])
        seed += 1
    return episodes


def _episode(game: str, seed: int) -> Iterator[Moment]:
    views: list[View] = []
    for step, view in enumerate(_views(game, seed), start=1):
        views = [*views[-2:], view]
        if step - 1 > SKIPPED_STEPS and (step - 1) % SAMPLE_EVERY == 0:
            yield Moment(*views)


def _views(game: str, seed: int) -> Iterator[View]:
    env = make_atari(game, raw_frames=True, repeat_action_probability=0.0)
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    no_columns, no_rows = np.zeros(160, bool), np.zeros(210, bool)
    while True:
        action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        frame, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.close()
            return
        raw = raw_frames_of(env)
        before, after = raw.memory
        objects = sprites(game, after, before)
        shown = [s for s in objects if drawn(s, raw.pair)]
        both = pooled(shown, sprites(game, before))
        yield View(frame, objects, shown, no_columns, no_rows, both)


def with_bars(moments: list[Moment], noise: str, motion: str, seed: int) -> list[Moment]:
    """Returns the moments with distractor bars on their frames."""
    if noise == "none":
        return moments
    distractors = Distractors(noise, motion, len(moments))
    everyone = np.arange(len(moments))
    distractors.seed(seed + everyone, everyone)
    views = []
    for name in ("before", "now", "after"):
        distractors.advance(everyone)
        clean: list[View] = [getattr(moment, name) for moment in moments]
        frames = draw_bars(np.stack([v.frame for v in clean]), *distractors.positions())
        across, down = distractors.positions()
        columns, rows = bar_cells(across, 160), bar_cells(down, 210)
        noisy = zip(clean, frames, columns, rows, strict=True)
        views.append([replace(v, frame=f, columns=c, rows=r) for v, f, c, r in noisy])
    return [Moment(*three) for three in zip(*views, strict=True)]


def views_with_bars(views: list[View], noise: str, motion: str, seed: int) -> list[View]:
    """Returns the successive views of an episode with distractor bars on their frames."""
    if noise == "none":
        return views
    distractors = Distractors(noise, motion)
    distractors.seed([seed], np.zeros(1, int))
    noisy = []
    for view in views:
        distractors.advance(np.zeros(1, int))
        across, down = distractors.positions()
        frame = draw_bars(view.frame[None], across, down)[0]
        columns, rows = bar_cells(across, 160)[0], bar_cells(down, 210)[0]
        noisy.append(replace(view, frame=frame, columns=columns, rows=rows))
    return noisy
