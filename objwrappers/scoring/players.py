"""Is the player who the roles say it is? Against the console's memory, in random play.

* :func:`score_player`: one game's row of a table, beside a guess that knows nothing of actions
* :data:`PLAYER_HEADS`: its columns
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from objwrappers.envs.raw import raw_frames_of
from objwrappers.games import check_game
from objwrappers.metrics.ram import pooled, sprites
from objwrappers.metrics.ram_classes import PLAYERS
from objwrappers.scoring.keypoints import FIRST_SEED
from objwrappers.scoring.moments import SKIPPED_STEPS
from objwrappers.wrappers.tracks import moves, oldest_row

__all__ = ["PLAYER_HEADS", "WITHIN_PX", "Watched", "figures", "score_player", "watch"]

WITHIN_PX = 4.0
"""Distance of the player's row from its sprite at most, native pixels."""

PLAYER_HEADS = {
    "steps": "steps",
    "found": "within 4",
    "centre_error": "centre px",
    "moving_found": "moving:",
    "moving_error": "centre px",
}
"""Key of a row → head of its column; ``moving`` is the class that moves most."""


@dataclass(frozen=True)
class Watched:
    """T steps of one env, R rows each.

    Attributes:
        centres: float (T, R, 2), native pixels.
        age: int (T, R), steps that the row has held its object; 0 for none.
        label: int (R,), class of each row.
        player: bool (T, R), True in the row that is called the player.
        truth: float (T, 2), centre of the player's sprite, native pixels; NaN where it is not on
            the screen.
    """

    centres: np.ndarray
    age: np.ndarray
    label: np.ndarray
    player: np.ndarray
    truth: np.ndarray


def score_player(
    game: str,
    model: str = "motion",
    *,
    noise: str = "none",
    weights: str | None = None,
    roles: str | Path | None = None,
    steps: int = 2000,
    seed: int = FIRST_SEED,
    device: str = "auto",
) -> dict[str, Any]:
    """Compares the row that is called the player with the player's sprite.

    Args:
        game: ``"MsPacman"``.
        model: Of scenes.
        noise: Bars on the frames.
        weights: Of the model; by default those that are found.
        roles: Of its classes; by default those that are found.
        steps: Of uniformly random play.
        seed: Of the play; by default one that learning does not see.
        device: Of perception.

    Returns:
        ``game``, ``model`` and :data:`PLAYER_HEADS`' keys: steps with the sprite on the screen;
        the share of these in which the row lies within 4 native pixels of it, and its mean error
        there; and the same for the class that moves most: of each its oldest row is looked at, as
        the view does with the player's.

    Raises:
        FileNotFoundError: There are no weights or roles; the message says how to make them.
        ValueError: No such game, model or noise, no steps, or a game without a known player.
    """
    game = check_game(game)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}.")
    if game not in PLAYERS:
        raise ValueError(
            f"Memory does not tell where the player of {game} is; it does in {', '.join(PLAYERS)}."
        )
    env = gym.make(
        f"ObjScene-{game}-v0",
        model=model,
        weights=weights,
        roles=True if roles is None else str(roles),
        noise=noise,
        device=device,
        relations=True,
        raw_frames=True,
    )
    with closing(env):
        return {"game": game, "model": model, **figures(watch(env, game, steps, seed))}


def watch(env: gym.Env, game: str, steps: int, seed: int) -> Watched:
    """Plays at random.

    Args:
        env: With relations, which keeps its raw frames.
        game: That it plays, one with a known player.
        steps: T; the first of an episode are not counted, in which colours may vary.
        seed: Of the actions and of the games.
    """
    rng = np.random.default_rng(seed)
    raw = raw_frames_of(env)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("centres", "age", "player", "truth")}
    env.reset(seed=seed)
    taken = 0
    while len(kept["age"]) < steps:
        action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        _, _, terminated, truncated, _ = env.step(action)
        taken += 1
        if terminated or truncated:
            env.reset()
            taken = 0
        if taken <= SKIPPED_STEPS:
            continue
        percepts = env.get_wrapper_attr("percepts")
        height, width = raw.pair.shape[1:3]
        kept["centres"].append((percepts["boxes"][:, :2] + 1) * np.array([width, height]) / 2)
        kept["age"].append(percepts["age"].astype(int))
        kept["player"].append(percepts["player"] > 0)
        kept["truth"].append(_sprite(game, *raw.memory))
    return Watched(
        label=percepts["label"].astype(int),
        **{name: np.stack(values) for name, values in kept.items()},
    )


def figures(watched: Watched) -> dict[str, Any]:
    """Returns the figures of :data:`PLAYER_HEADS`; an error of nothing found is NaN."""
    there = np.isfinite(watched.truth).all(-1)
    moving = _moves_most(watched)
    row: dict[str, Any] = {"steps": int(there.sum())}
    for found, error, called in (
        ("found", "centre_error", watched.player),
        ("moving_found", "moving_error", moving),
    ):
        seen = there & called.any(-1)
        place = watched.centres[seen, called[seen].argmax(-1)]
        away = np.linalg.norm(place - watched.truth[seen], axis=-1)
        near = away[away <= WITHIN_PX]
        row[found] = len(near) / row["steps"] if row["steps"] else np.nan
        row[error] = float(near.mean()) if len(near) else np.nan
    return row


def _moves_most(watched: Watched) -> np.ndarray:
    """Marks the oldest row of the class for which those go furthest in all, bool (T, R)."""
    moved, followed = moves(watched.centres, watched.age)
    path = np.where(followed, np.linalg.norm(moved, axis=-1), 0)
    steps = np.arange(len(watched.age))
    chosen, furthest = np.zeros_like(watched.player), -1.0
    for kind in range(int(watched.label.max()) + 1):
        row, there = oldest_row(watched.age, np.flatnonzero(watched.label == kind))
        oldest = np.zeros_like(chosen)
        oldest[steps, row] = there
        gone = float(path[oldest[:-1]].sum())
        if gone > furthest:
            chosen, furthest = oldest, gone
    return chosen


def _sprite(game: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the frame shows the player, float (2,), native pixels; NaN where it does not."""
    shown = pooled(sprites(game, after, before), sprites(game, before))
    for sprite in shown:
        if sprite.label == PLAYERS[game] and sprite.scored:
            return np.array([sprite.x, sprite.y])
    return np.full(2, np.nan)
