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

from objwrappers.agents.acting import Actor, load_actor
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

    The expert's recorded actions are taken again: its return is the recorded one, and its tracking
    cost is what context translation alone makes.

    Args:
        env_id: ``"IfO-reacher-hard-v0"``.
        algo: Of the imitator, ``"sac"``; ``"random"`` plays at random alone.
        folder: Log folders of its trainings, one or several.
        exp_id: Runs in each of them; 0 is the latest.
        episodes: Of each player, 50 at most by default; demonstrations are taken in their order,
            again and again if there are fewer.
        seed: Of the random policy, and of contexts that are drawn for each episode.
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
        ValueError: A damaged agent, no episode, agents of different demonstrations or contexts,
            or starts that are not the demonstrations'.
    """
    folders = [folder] if isinstance(folder, str | Path) else list(folder)
    runs = [exp_id] if isinstance(exp_id, int) else list(exp_id)
    given = {"device": device, **(env_kwargs or {})}
    wanted = [(place, run) for place in folders for run in runs] if algo != "random" else []
    actors = [
        load_actor(
            *(algo, env_id),
            folder=place,
            exp_id=run,
            load_best=load_best,
            device=device,
            env_kwargs=env_kwargs,
            trust=trust,
        )
        for place, run in wanted
    ]
    options = {**actors[0].env_kwargs, **given} if actors else given
    for actor in actors:
        if {**actor.env_kwargs, **given} != options:
            raise ValueError(
                f"{actor.path} and {actors[0].path} were trained with other env_kwargs, so that "
                "their expert is not the same: score them one by one."
            )
    if not options.get("at_start", True):
        raise ValueError("An expert is beside whom begins where it did: give at_start=True.")
    with contextlib.closing(gym.make(env_id, **options)) as env:
        guide: Guide = env.get_wrapper_attr("imitation").guide
        demonstrations: Any = guide.videos
        env.action_space.seed(seed)
        players: list[tuple[str, Choice]] = [
            ("expert", lambda _, episode, step: demonstrations.actions[episode, step]),
            *((str(actor.path), _choice(actor)) for actor in actors),
            ("random policy", lambda *_: env.action_space.sample()),
        ]
        table = [{"player": name, **_play(env, choose, episodes, seed)} for name, choose in players]
    for row in table:
        row["share"] = row["return"] / table[0]["return"] if table[0]["return"] else float("nan")
    return table


Choice = Callable[[Any, int, int], np.ndarray]
"""Observation, number of the demonstration, step → action."""


def _choice(actor: Actor) -> Choice:
    return lambda observation, *_: actor.act(observation)


def _play(env: gym.Env, choose: Choice, episodes: int | None, seed: int) -> dict[str, Any]:
    """Returns the row of who acts."""
    demonstrations: Any = env.get_wrapper_attr("imitation").guide.videos
    count = min(len(demonstrations), MOST_EPISODES) if episodes is None else episodes
    if count < 1:
        raise ValueError(f"episodes must be at least 1, got {count}.")
    physics = env.get_wrapper_attr("physics")
    returns, costs, errors, successes = [], [], [], []
    for number in range(count):
        chosen = number % len(demonstrations)
        observation, _ = env.reset(seed=seed + number, options={"demonstration": chosen})
        joints = _joints(demonstrations.physics[chosen], physics)
        step, done = 0, False
        while not done:
            action = choose(observation, chosen, step)
            observation, _, terminated, truncated, info = env.step(action)
            done, step = terminated or truncated, step + 1
            costs.append(info["track_cost"])
            errors.append(_apart(physics.data.qpos, joints[step], physics).mean())
        returns.append(info["env_return"])
        successes.append(info["is_success"])
    return {
        "return": float(np.mean(returns)),
        "success": float(np.mean(successes)),
        "joint_error": float(np.mean(errors)),
        "track_cost": float(np.mean(costs)),
        "episodes": count,
    }


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
