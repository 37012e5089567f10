"""Experts that need no training.

* :func:`scripted_expert`: acts by what the physics tells, not by what is observed
* :data:`SCRIPTED`: the tasks that have one
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["SCRIPTED", "scripted_expert"]

Script = Callable[[Any], np.ndarray]
"""dm_control's physics → an action, float32 (A,)."""

_PROPORTIONAL, _DERIVATIVE = 1.5, 0.2
"""Torque for a radian, and for a radian a second; at twice as much the arm swings."""
_LINK_M = 0.12
"""Of both links, from joint to joint."""
_WRIST_RANGE = math.radians(160)


def scripted_expert(task: str) -> Script:
    """Returns the script of a task.

    Raises:
        ValueError: It has none.
    """
    if task not in SCRIPTED:
        raise ValueError(
            f"There is no script for {task!r}, only for {', '.join(SCRIPTED)}: let an agent "
            "demonstrate, --algo sac (expert=)."
        )
    return SCRIPTED[task]


def _reach(physics: Any) -> np.ndarray:
    """Turns both joints to where the target is: of the two ways to get there, the shorter one."""
    goal = physics.named.data.geom_xpos["target", :2]
    # What lies out of reach is pointed at.
    bend = np.clip(np.dot(goal, goal) / (2 * _LINK_M**2) - 1, -1, 1)
    direction = math.atan2(goal[1], goal[0])
    ways = []
    for elbow in (math.acos(bend), -math.acos(bend)):
        shoulder = direction - math.atan2(
            _LINK_M * math.sin(elbow), _LINK_M * (1 + math.cos(elbow))
        )
        wrist = min(max(elbow, -_WRIST_RANGE), _WRIST_RANGE)
        ways.append((_turned(shoulder - physics.data.qpos[0]), wrist - physics.data.qpos[1]))
    error = np.array(min(ways, key=lambda way: np.hypot(*way)))
    torque = _PROPORTIONAL * error - _DERIVATIVE * physics.data.qvel
    return np.clip(torque, -1, 1).astype(np.float32)


def _turned(angle: float) -> float:
    """Returns the same direction as an angle in [-π, π]."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


SCRIPTED: dict[str, Script] = {"reacher-easy": _reach, "reacher-hard": _reach}
"""Task → script."""
