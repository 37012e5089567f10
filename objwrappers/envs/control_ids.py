"""Entry points of ``Control-<task>-v0``: tasks of dm_control's suite in any visual context.

* :func:`make_control`, :func:`make_control_vec`
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from objwrappers.envs.checked import VectorCheckedEnv
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.options import CONTROL, CONTROL_CURES, check_names, check_numbers
from objwrappers.envs.singles import Singles

__all__ = ["make_control", "make_control_vec"]


def make_control(task: str, render_mode: str | None = None, **options: Any) -> gym.Env:
    """Entry point of ``Control-<task>-v0``; see :class:`ControlEnv` for the options.

    Raises:
        ValueError: An option that there is not; else what :class:`ControlEnv` raises.
    """
    check_names(options, CONTROL, CONTROL_CURES)
    return ControlEnv(task, render_mode, **options)


def make_control_vec(
    task: str, num_envs: int = 1, render_mode: str | None = None, **options: Any
) -> VectorEnv:
    """Vector entry point of ``Control-<task>-v0``: envs that take turns in one process.

    See :func:`make_control`. Autoreset is next-step, or at once by ``reset_mask``.
    """
    check_names(options, CONTROL, CONTROL_CURES)
    check_numbers({"num_envs": num_envs})
    return VectorCheckedEnv(Singles([partial(ControlEnv, task, render_mode, **options)] * num_envs))


# Where the creator tells its render modes, Gymnasium shows "human" in a window by itself.
make_control.metadata = ControlEnv.metadata  # type: ignore[attr-defined]
