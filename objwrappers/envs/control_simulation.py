"""A task of dm_control's suite whose state can be read and set.

* :class:`Simulation`: physics and task of one env

It asks dm_control's physics and tasks themselves: the env that dm_control puts around them, and
shimmy's around that, hides the place in the episode and gives no observation after a state was set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from dm_control import suite

from objwrappers.names import check_name

__all__ = ["Simulation"]

_TASK_FIELDS = (
    *("body_pos", "body_quat", "geom_pos", "geom_size", "geom_rgba", "site_pos", "site_size"),
    *("site_rgba", "light_pos", "dof_damping", "wrap_prm", "hfield_data"),
)
"""Arrays of a model that the suite's tasks write when an episode begins."""
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
_KEYS = ("physics", "task", "steps")


class Simulation:
    """One task, stepped by its control timestep.

    Args:
        domain: ``"reacher"``.
        task: ``"hard"``.

    Attributes:
        physics: dm_control's.
        model: The compiled ``mujoco.MjModel``.
        data: Its ``mujoco.MjData``.
        seconds_per_step: The control timestep.
        max_steps: Control timesteps in an episode; None without a limit.
        steps: Control timesteps since the episode began.
    """

    def __init__(self, domain: str, task: str) -> None:
        # The springs of "lqr" are drawn when it is compiled: they are always the same.
        self._random = np.random.RandomState(0)
        env = suite.load(domain, task, task_kwargs={"random": self._random})
        self._random.seed()
        self.physics = env.physics
        self._task = env.task
        if env.physics.model.nhfield:
            _make_blind(env.physics)
        self.model, self.data = env.physics.model.ptr, env.physics.data.ptr
        self.seconds_per_step = float(env.control_timestep())
        self._substeps = round(self.seconds_per_step / self.physics.timestep())
        limit = env._step_limit  # no other way to ask for it
        self.max_steps = None if np.isinf(limit) else int(np.ceil(limit))
        self.steps = 0
        self.action_spec = env.action_spec()
        self._fields = [
            array for name in _TASK_FIELDS if (array := np.asarray(getattr(self.model, name))).size
        ]
        self._state_size = mujoco.mj_stateSize(self.model, _STATE)

    def seed(self, seed: int) -> None:
        """Seeds what begins episodes, as dm_control's ``random=seed`` does."""
        self._random.seed(seed % 2**32)

    def reset(self) -> None:
        """Begins an episode."""
        with self.physics.reset_context():
            self._task.initialize_episode(self.physics)
        self.steps = 0

    def step(self, action: np.ndarray) -> tuple[float, bool]:
        """Simulates one control timestep.

        Args:
            action: float64 (A,).

        Returns:
            The reward, and whether the task ended the episode for good.
        """
        self._task.before_step(action, self.physics)
        self.physics.step(self._substeps)
        self._task.after_step(self.physics)
        self.steps += 1
        discount = self._task.get_termination(self.physics)
        return float(self._task.get_reward(self.physics) or 0.0), discount == 0.0

    def observation(self) -> np.ndarray:
        """Returns the task's own observation, float32 (n,): its parts, in its order."""
        parts = self._task.get_observation(self.physics).values()
        return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)

    def get_state(self) -> dict[str, np.ndarray]:
        """Returns all that the future depends on, beside actions.

        Returns:
            ``physics`` float64 (p,), MuJoCo's integration state and its sensors; ``task`` float64
            (t,), what the task made of the model, such as the target's place; ``steps`` int64 ().
            Their shapes are the task's, the same for all of its states.
        """
        state = np.empty(self._state_size)
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return {
            "physics": np.concatenate([state, self.data.sensordata]),
            "task": np.concatenate([field.ravel() for field in self._fields], dtype=np.float64),
            "steps": np.array(self.steps),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes to a state; the same actions then lead to the same states, bit by bit.

        Raises:
            ValueError: A state of another task, unknown or missing keys, or values not finite.
        """
        physics, task, steps = self._check(state)
        begin = 0
        for field in self._fields:
            field[...] = task[begin : begin + field.size].reshape(field.shape)
            begin += field.size
        mujoco.mj_setState(self.model, self.data, physics[: self._state_size], _STATE)
        warmstart = self.data.qacc_warmstart.copy()
        mujoco.mj_forward(self.model, self.data)
        # These two are of the step that led here; mj_forward makes them anew.
        self.data.qacc_warmstart[:] = warmstart
        self.data.sensordata[:] = physics[self._state_size :]
        self.steps = int(steps)

    def _check(self, state: Mapping[str, Any]) -> list[np.ndarray]:
        if not isinstance(state, Mapping):
            raise ValueError(f"A state is a dict with {', '.join(_KEYS)}, got {type(state)}.")
        for key in state:
            check_name("key of a state", key, _KEYS)
        if missing := [key for key in _KEYS if key not in state]:
            raise ValueError(f"There is no {', '.join(missing)} in the state.")
        arrays = []
        for key, own in self.get_state().items():
            array = np.asarray(state[key])
            if array.shape != own.shape or array.dtype.kind not in "iuf":
                raise ValueError(
                    f"{key!r} of a state of this task is {own.dtype} {own.shape}, got "
                    f"{array.dtype} {array.shape}: is it of another task?"
                )
            if not np.isfinite(array).all() or (key == "steps" and array < 0):
                raise ValueError(f"{key!r} of a state must be finite, steps at least 0.")
            arrays.append(array)
        return arrays


def _make_blind(physics: Any) -> None:
    """Keeps a task from opening dm_control's own OpenGL to tell it of a new terrain."""
    kind = type(physics)
    physics.__class__ = type(kind.__name__, (kind,), {"contexts": None})
