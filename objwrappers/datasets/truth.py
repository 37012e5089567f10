"""What is really in a recorded frame: boxes and labels of its objects, from the console's memory.

A recording with truth has, beside ``action`` and ``reward``, arrays of K rows for each frame:
``boxes`` float32 (t, N, K, 4) as (cx, cy, w, h), centres in [-1, 1] with ±1 at the frame's border,
sides as shares of the frame's; ``label`` uint8 (t, N, K); ``identity`` int16 (t, N, K), which stays
with an object from step to step; ``present``, ``moving`` and ``relevant`` bool (t, N, K). Rows
without an object are zero. Its fact ``truth`` names the labels and K.

* :func:`truth_facts`, :func:`truth_arrays`: what a game's recording gets
* :func:`labels_of`: what the numbers in ``label`` are called
* :func:`truth_pictures`: frames with their boxes and labels, for people
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from objwrappers.datasets.recordings import Recording
from objwrappers.games import check_game
from objwrappers.metrics.ram import RAM_GAMES
from objwrappers.metrics.scenery import STILL
from objwrappers.metrics.sprite import Sprite
from objwrappers.rendering.overlay import draw_percepts

__all__ = ["LABELS", "MOST_OBJECTS", "labels_of", "truth_arrays", "truth_facts", "truth_pictures"]

MOST_OBJECTS = 64
"""K; Space Invaders begins with 36 invaders and a dozen other objects."""

SETTLING_STEPS = 8  # after a reset: attract colours, and sprites that are not drawn yet
NUMBERS = 256  # of one class, at most: an identity is class · 256 + number

LABELS: dict[str, tuple[str, ...]] = {
    "Asterix": ("player", "enemy", "consumable", "reward"),
    "BattleZone": ("tank", "red vehicle"),
    "Boxing": ("player", "enemy"),
    "Breakout": ("paddle", "ball"),
    "Enduro": ("player", "car"),
    "Frostbite": ("player", "bear", "bird", "crab", "clam", "fish", "floe"),
    "MsPacman": ("player", "sue", "inky", "pinky", "blinky", "edible", "eyes", "fruit"),
    "Pong": ("player", "enemy", "ball"),
    "Riverraid": (
        *("player", "shot", "enemy jet", "helicopter", "ship", "bridge", "house"),
        "fuel depot",
    ),
    "Seaquest": (
        *("player", "submarine", "shark", "torpedo", "diver", "surface submarine"),
        "player torpedo",
    ),
    "Skiing": ("player", "tree", "mogul", "flag"),
    "SpaceInvaders": ("cannon", "alien", "ufo", "bomb", "shot"),
    "Tennis": ("player", "enemy", "ball", "shadow"),
}
"""Game → labels of what moves, in an order that recordings keep."""


def truth_facts(game: str) -> dict[str, Any]:
    """Returns what a recording with truth states of it: ``{"truth": {"labels", "objects"}}``.

    Raises:
        ValueError: No such game, or one whose memory is not known.
    """
    return {"truth": {"labels": list(_labels(game)), "objects": MOST_OBJECTS}}


def truth_arrays(
    game: str,
    moving: Sequence[Sequence[Sprite]],
    still: Sequence[Sequence[Sprite]],
    size: tuple[int, int],
    settled: np.ndarray,
) -> dict[str, np.ndarray]:
    """Returns the arrays of one step of N envs.

    Args:
        game: ``"MsPacman"``.
        moving: Of each env, the sprites in its frame, native pixels.
        still: Of each env, scores, lives and so on.
        size: Height and width of the frame, pixels.
        settled: bool (N,), False where the frame is too close to a reset: nothing in it is
            relevant, for or against a detector.

    Returns:
        Name → (N, K, ...), as the module says.

    Raises:
        ValueError: More objects than K in a frame, or one of an unknown label.
    """
    labels = _labels(game)
    count, (height, width) = len(moving), size
    arrays: dict[str, np.ndarray] = {
        "boxes": np.zeros((count, MOST_OBJECTS, 4), np.float32),
        "label": np.zeros((count, MOST_OBJECTS), np.uint8),
        "identity": np.zeros((count, MOST_OBJECTS), np.int16),
        **{name: np.zeros((count, MOST_OBJECTS), bool) for name in _FLAGS},
    }
    for env, (sprites, others) in enumerate(zip(moving, still, strict=True)):
        objects = [*sprites, *others]
        if not objects:
            continue
        if len(objects) > MOST_OBJECTS:
            raise ValueError(
                f"{len(objects)} objects in a frame of {game}, at most {MOST_OBJECTS}."
            )
        rows = slice(len(objects))
        centres = np.array([(2 * s.x / width - 1, 2 * s.y / height - 1) for s in objects])
        sides = np.array([(s.width / width, s.height / height) for s in objects])
        arrays["boxes"][env, rows] = np.concatenate([centres, sides], axis=1)
        arrays["label"][env, rows] = [labels.index(s.label) for s in objects]
        arrays["identity"][env, rows] = [labels.index(s.name) * NUMBERS + s.number for s in objects]
        arrays["present"][env, rows] = True
        arrays["moving"][env, : len(sprites)] = True
        relevant = [s.scored and bool(settled[env]) for s in sprites]
        arrays["relevant"][env, : len(sprites)] = relevant
    return arrays


def labels_of(recording: Recording) -> tuple[str, ...]:
    """Returns what the numbers in ``label`` are called.

    Raises:
        ValueError: The recording has no truth, or a damaged one.
    """
    truth = recording.facts.get("truth")
    if truth is None:
        raise ValueError(
            f"{recording.folder} has no truth: record it with zoo/collect.py --truth "
            "(objwrappers.collect(..., truth=True))."
        )
    labels = truth.get("labels") if isinstance(truth, dict) else None
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise ValueError(f"{recording.folder} does not name its labels, but has {truth!r:.80}.")
    return tuple(labels)


def truth_pictures(recording: Recording, count: int = 16) -> Iterator[tuple[str, np.ndarray]]:
    """Yields frames with their boxes and labels drawn, spread over the recording.

    Yields:
        A name, ``"step-00042-env-1"``, and a picture uint8 (3·H, 3·W, 3).

    Raises:
        ValueError: The recording has no truth.
    """
    labels = labels_of(recording)
    wanted = np.linspace(0, recording.num_frames - 1, min(count, recording.num_frames)).astype(int)
    first = 0
    for block in recording:
        steps, envs = block.starts.shape
        for number in wanted[(wanted >= first) & (wanted < first + steps * envs)]:
            t, env = divmod(int(number) - first, envs)
            seen = {key: block.arrays[key][t, env] for key in ("boxes", "label", "present")}
            picture = draw_percepts(block.frames[t, env], seen, names=labels)
            yield f"step-{first // envs + t:05d}-env-{env}", picture
        first += steps * envs


_FLAGS = ("present", "moving", "relevant")


def _labels(game: str) -> tuple[str, ...]:
    name = check_game(game)
    if name not in LABELS:
        raise ValueError(
            f"Objects of {name} are not known from RAM; known are {', '.join(RAM_GAMES)}."
        )
    still = (region[0] for region in STILL.get(name, ()))
    return tuple(dict.fromkeys([*LABELS[name], *still]))
