"""A short random play, and what is kept of it.

* :class:`Play`: objects, actions, rewards and lives of each step, and some frames
* :func:`watch_play`: plays
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import VectorEnv

from objwrappers.wrappers.base import VectorTransformFrames, pictures_of

__all__ = ["FRAME_EVERY", "Play", "watch_play"]

FRAME_EVERY = 20
"""Steps from one kept frame to the next."""

CHANGE_OF_MIND = 0.25  # chance of another action at a step: one that is held shows what it does


@dataclass(frozen=True)
class Play:
    """What was seen in T steps of N envs, R rows each; step t is before action t.

    Attributes:
        boxes: float32 (T, N, R, 4), see :class:`~objwrappers.wrappers.tracking.Tracker`.
        age: int (T, N, R), steps that the row has held its object; 0 for none.
        found: bool (T, N, R), True where it is not coasting.
        label: int (R,), the class of each row.
        action: int (T, N).
        reward: float32 (T, N), of the action.
        harmed: bool (T, N), True where the action cost a life; a game without lives, which ends by
            points or by the clock, does no harm.
        first: bool (T, N), True where an episode begins.
        frames: uint8 (F, N, H, W, 3), native, of every :data:`FRAME_EVERY`-th step.
        num_actions: Actions that there are.
    """

    boxes: np.ndarray
    age: np.ndarray
    found: np.ndarray
    label: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    harmed: np.ndarray
    first: np.ndarray
    frames: np.ndarray
    num_actions: int

    @property
    def centres(self) -> np.ndarray:
        """float32 (T, N, R, 2), native pixels."""
        height, width = self.frames.shape[2:4]
        return (self.boxes[..., :2] + 1) * np.array([width / 2, height / 2], np.float32)

    @property
    def sizes(self) -> np.ndarray:
        """float32 (T, N, R, 2), width and height, native pixels."""
        height, width = self.frames.shape[2:4]
        return self.boxes[..., 2:] * np.array([width, height], np.float32)


def watch_play(
    env: VectorEnv,
    steps: int,
    seed: int = 0,
    report: Callable[[], object] | None = None,
) -> Play:
    """Plays at random, each action held for a few steps.

    Args:
        env: Whose outermost layer tracks objects and keeps native frames.
        steps: T.
        seed: Of the actions and of the games.
        report: Called at each step.
    """
    assert isinstance(env, VectorTransformFrames)
    rng = np.random.default_rng(seed)
    count: int = env.single_action_space.n  # type: ignore[attr-defined]
    _, info = env.reset(seed=seed)
    action = rng.integers(count, size=env.num_envs)
    kept: dict[str, list[np.ndarray]] = {
        name: []
        for name in ("boxes", "age", "found", "action", "reward", "harmed", "first", "frames")
    }
    first, ended = np.ones(env.num_envs, bool), np.zeros(env.num_envs, bool)
    for step in range(steps):
        percepts = env.percepts
        kept["boxes"].append(percepts["boxes"].copy())
        kept["age"].append(percepts["age"].astype(np.int32))
        kept["found"].append((percepts["age"] > 0) & (percepts["missed"] == 0))
        kept["first"].append(first)
        if step % FRAME_EVERY == 0:
            pictures = pictures_of(env)
            assert pictures is not None
            kept["frames"].append(pictures.copy())
        other = rng.random(env.num_envs) < CHANGE_OF_MIND
        action = np.where(other, rng.integers(count, size=env.num_envs), action)
        lives = np.asarray(info["lives"])
        _, reward, terminated, truncated, info = env.step(action)
        kept["action"].append(action.copy())
        kept["reward"].append(np.asarray(reward, np.float32))
        kept["harmed"].append((np.asarray(info["lives"]) < lives) | (terminated & (lives > 0)))
        # The step after an episode's end is a reset, whatever the action.
        first, ended = ended, terminated | truncated
        if report is not None:
            report()
    arrays = {name: np.stack(values) for name, values in kept.items()}
    return Play(label=percepts["label"][0].astype(int), num_actions=count, **arrays)
