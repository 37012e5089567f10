"""The tasks of dm_control's suite by the names of their ids, without importing dm_control.

* :data:`TASKS`: name → domain and task
* :func:`check_task`: the error for a name that there is not
* :func:`default_camera`: from which published agents look
"""

from __future__ import annotations

from objwrappers.names import unknown_name

__all__ = ["TASKS", "check_task", "default_camera"]

_DOMAINS = {
    "acrobot": "swingup swingup_sparse",
    "ball_in_cup": "catch",
    "cartpole": "balance balance_sparse swingup swingup_sparse two_poles three_poles",
    "cheetah": "run",
    "dog": "stand walk trot run fetch",
    "finger": "spin turn_easy turn_hard",
    "fish": "upright swim",
    "hopper": "stand hop",
    "humanoid": "stand walk run run_pure_state",
    "humanoid_CMU": "stand walk run",
    "lqr": "lqr_2_1 lqr_6_2",
    "manipulator": "bring_ball bring_peg insert_ball insert_peg",
    "pendulum": "swingup",
    "point_mass": "easy hard",
    "quadruped": "walk run escape fetch",
    "reacher": "easy hard",
    "stacker": "stack_2 stack_4",
    "swimmer": "swimmer6 swimmer15",
    "walker": "stand walk run",
}

TASKS: dict[str, tuple[str, str]] = {
    f"{domain}-{task}".replace("_", "-"): (domain, task)
    for domain, tasks in _DOMAINS.items()
    for task in tasks.split()
}
"""Name in ids (``"finger-turn-easy"``) → domain and task (``("finger", "turn_easy")``)."""

_CAMERAS = {"quadruped": 2}


def check_task(name: str) -> tuple[str, str]:
    """Returns the domain and the task of a name; underscores are understood, too.

    Raises:
        ValueError: No such task; the message offers the nearest name.
    """
    plain = str(name).replace("_", "-")
    if plain not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[plain]


def default_camera(domain: str) -> int:
    """Returns the camera that DrQ-v2 looks from: 0, and 2 for the quadruped."""
    return _CAMERAS.get(domain, 0)
