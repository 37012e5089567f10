"""Imitators beside their expert and a random policy, from the same starts, as many steps.

:func:`score_imitation`: an agent of an ``IfO`` id → rows of a table
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from objwrappers.agents.acting import load_actor
from objwrappers.agents.evaluation import FIRST_SEED
from objwrappers.agents.runs import LOG_FOLDER
from objwrappers.wrappers.guides import Guide

__all__ = ["IMITATION_HEADS", "score_imitation"]

IMITATION_HEADS = {
    "return": "return",
    "share": "share",
    "success": "success",
    "joint_error": "joint rad",
    "track_cost": "cost",
    "episodes": "episodes",
}
"""Key of a row → head of its column."""

MOST_EPISODES = 50


def score_imitation(
    env_id: str,
    algo: str = "random",
    *,
    folder: str | Path | Sequence[str | Path] = LOG_FOLDER,
    exp_id: int | Sequence[int] = 0,
    episodes: int | None = None,
    seed: int = FIRST_SEED,
    load_best: bool = False,
    device: str = "auto",
    env_kwargs: dict[str, Any] | None = None,
    trust: bool = False,
) -> list[dict[str, Any]]:
    """Plays each demonstration's episode by an imitator and by a random policy.

    The expert is the demonstration itself: what it got in the steps that were recorded.

    Args:
        env_id: ``"IfO-reacher-hard-v0"``.
        algo: Of the imitator, ``"sac"``; ``"random"`` plays at random alone.
        folder: Log folders of its trainings, one or several.
        exp_id: Runs in each of them; 0 is the latest.
        episodes: Of each player, 50 at most by default; demonstrations are taken in their order,
            again and again if there are fewer.
        seed: Of the random policy, and of starts that are not demonstrations'.
        load_best: The best agents of the evaluations instead of the last ones.
        device: Of context translation and of the policy.
        env_kwargs: On top of those of the training: ``split="held-out"``, say, and
            ``num_demonstrations=None``.
        trust: See :func:`~objwrappers.agents.loading.load_agent`.

    Returns:
        A row for the expert, each imitator and the random policy: ``player``; ``return``, the mean
        of the task's own; ``share``, of the expert's; ``success``, the share of episodes whose last
        step is rewarded; ``joint_error``, radians (or metres, of slides) from the demonstration's
        joints, the mean over steps; ``track_cost``, likewise; ``episodes``.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: A damaged agent, or no episode.
    """
    folders = [folder] if isinstance(folder, str | Path) else list(folder)
    runs = [exp_id] if isinstance(exp_id, int) else list(exp_id)
    given = {"device": device, **(env_kwargs or {})}
    rows: list[dict[str, Any]] = []
    random: tuple[dict[str, Any], dict[str, Any]] | None = None
    for place in folders if algo != "random" else folders[:1]:
        for run in runs if algo != "random" else runs[:1]:
            options, act, name = given, None, "random policy"
            if algo != "random":
                actor = load_actor(
                    *(algo, env_id),
                    folder=place,
                    exp_id=run,
                    load_best=load_best,
                    device=device,
                    env_kwargs=env_kwargs,
                    trust=trust,
                )
                options = {**actor.env_kwargs, **given}
                act, name = actor.act, str(actor.path)
            with contextlib.closing(gym.make(env_id, **options)) as env:
                expert, played = _play(env, act, episodes, seed)
                if random is None:
                    random = (expert, _play(env, None, episodes, seed)[1])
            if act is not None:
                rows.append({"player": name, **played})
    assert random is not None
    expert = {"player": "expert", **random[0]}
    table = [expert, *rows, {"player": "random policy", **random[1]}]
    for row in table:
        row["share"] = row["return"] / expert["return"] if expert["return"] else float("nan")
    return table


def _play(
    env: gym.Env, act: Callable[[Any], np.ndarray] | None, episodes: int | None, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the rows of the expert and of who acts; None acts at random."""
    guide: Guide = env.get_wrapper_attr("imitation").guide
    demonstrations: Any = guide.videos
    count = min(len(demonstrations), MOST_EPISODES) if episodes is None else episodes
    if count < 1:
        raise ValueError(f"episodes must be at least 1, got {count}.")
    physics = env.get_wrapper_attr("physics")
    env.action_space.seed(seed)
    returns, costs, errors, successes = [], [], [], []
    chosen = np.arange(count) % len(demonstrations)
    for number, demonstration in enumerate(chosen.tolist()):
        observation, _ = env.reset(seed=seed + number, options={"demonstration": demonstration})
        joints = _joints(demonstrations.physics[demonstration], physics)
        done = False
        step = 0
        while not done:
            action = env.action_space.sample() if act is None else act(observation)
            observation, _, terminated, truncated, info = env.step(action)
            done, step = terminated or truncated, step + 1
            costs.append(info["track_cost"])
            errors.append(_apart(physics.data.qpos, joints[step], physics).mean())
        returns.append(info["env_return"])
        successes.append(info["is_success"])
    rewards = demonstrations.rewards[chosen, : guide.horizon]
    expert = {
        "return": float(rewards.sum(1).mean()),
        "success": float((rewards[:, -1] > 0).mean()),
        "joint_error": 0.0,
        "track_cost": 0.0,
        "episodes": count,
    }
    played = {
        "return": float(np.mean(returns)),
        "success": float(np.mean(successes)),
        "joint_error": float(np.mean(errors)),
        "track_cost": float(np.mean(costs)),
        "episodes": count,
    }
    return expert, played


def _joints(states: np.ndarray, physics: Any) -> np.ndarray:
    """Returns the joints' positions of recorded states, (T + 1, nq): they follow the time."""
    return states[:, 1 : 1 + physics.model.nq]


def _apart(joints: np.ndarray, others: np.ndarray, physics: Any) -> np.ndarray:
    """Returns how far joints are apart; a hinge is where it was after a whole turn."""
    away = np.abs(joints - others)
    if physics.model.nq == physics.model.njnt:
        hinges = physics.model.jnt_type == _HINGE
        away[hinges] = np.abs((away[hinges] + np.pi) % (2 * np.pi) - np.pi)
    return away


_HINGE = 3
"""``mujoco.mjtJoint.mjJNT_HINGE``."""
