"""Episodes that begin where demonstrations do.

* :class:`DemonstratedEpisodes`: around one :class:`~objwrappers.envs.control.ControlEnv`
"""

from __future__ import annotations

from typing import Any, Protocol

import gymnasium as gym
import mujoco
import numpy as np

from objwrappers.envs.control import ControlEnv
from objwrappers.envs.options import check_seed
from objwrappers.names import check_name

__all__ = ["DemonstratedEpisodes", "Starts", "proprioception"]

_OPTIONS = ("demonstration", "context")
_SPEED_SCALE = 0.1
"""Of joints' velocities, which are a few radians a second."""


class Starts(Protocol):
    """Demonstrations, as far as their beginnings go."""

    def __len__(self) -> int:
        """Returns how many there are."""

    def state(self, episode: int, step: int = 0) -> dict[str, np.ndarray]:
        """Returns a moment as :meth:`ControlEnv.set_state` takes it."""


class DemonstratedEpisodes(gym.Wrapper):
    """Chooses a demonstration for each episode, and begins where it began.

    Observations are a dict: ``pixels`` and ``state`` of the env, and ``proprio``, float32 (p,), of
    :func:`proprioception`. The info of a reset names the ``demonstration``; steps have the task's
    own ``env_reward``, the ``env_return`` so far, and ``is_success``, whether the last step was
    rewarded.

    Args:
        env: A :class:`ControlEnv` with ``observe="both"``, whose episodes are as long as the
            demonstrations.
        demonstrations: Of the same task.
        at_start: Begin where the demonstration did; else, anywhere the task begins.
    """

    env: ControlEnv

    def __init__(self, env: ControlEnv, demonstrations: Starts, at_start: bool = True) -> None:
        super().__init__(env)
        self._demonstrations, self._at_start = demonstrations, at_start
        self._random = np.random.default_rng()
        self._return = 0.0
        count = len(proprioception(env.physics))
        inner = env.observation_space
        assert isinstance(inner, gym.spaces.Dict)
        proprio = gym.spaces.Box(-np.inf, np.inf, (count,), np.float32)
        self.observation_space = gym.spaces.Dict({**inner.spaces, "proprio": proprio})

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: Of the choice, too.
            options: ``demonstration``, the number of one; ``context``, as ``ControlEnv`` takes it.

        Raises:
            ValueError: A bad seed, an option that there is not, or no such demonstration.
        """
        check_seed(seed, several=False)
        options = dict(options or {})
        for key in options:
            check_name("option of reset()", key, _OPTIONS)
        if seed is not None:
            self._random = np.random.default_rng(int(seed))
        count = len(self._demonstrations)
        chosen = options.pop("demonstration", None)
        if chosen is None:
            chosen = int(self._random.integers(count))
        elif not isinstance(chosen, int | np.integer) or chosen not in range(count):
            raise ValueError(f"demonstration must be a number below {count}, got {chosen!r}.")
        if self._at_start:
            options["state"] = self._demonstrations.state(int(chosen))
        observation, info = self.env.reset(seed=seed, options=options)
        self._return = 0.0
        return self._with_joints(observation), {**info, "demonstration": int(chosen)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Steps the env."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._return += reward
        own = {
            "env_reward": reward,
            "env_return": self._return,
            "is_success": reward > 0,
        }
        return self._with_joints(observation), reward, terminated, truncated, {**info, **own}

    def _with_joints(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {**observation, "proprio": proprioception(self.env.physics)}


def proprioception(physics: Any) -> np.ndarray:
    """Returns where the model's joints are, those of a body and of what it handles; no target.

    Args:
        physics: dm_control's.

    Returns:
        float32: cosine and sine of each hinge, the place along each slide, the rest as it is; and
        a tenth of each velocity.
    """
    model, data = physics.model, physics.data
    parts: list[np.ndarray] = []
    for joint in range(model.njnt):
        begin, kind = model.jnt_qposadr[joint], model.jnt_type[joint]
        if kind == mujoco.mjtJoint.mjJNT_HINGE:
            angle = data.qpos[begin]
            parts.append(np.array([np.cos(angle), np.sin(angle)]))
        else:
            parts.append(data.qpos[begin : begin + _WIDTHS[int(kind)]])
    parts.append(_SPEED_SCALE * data.qvel)
    return np.concatenate(parts).astype(np.float32)


_WIDTHS = {
    int(mujoco.mjtJoint.mjJNT_FREE): 7,
    int(mujoco.mjtJoint.mjJNT_BALL): 4,
    int(mujoco.mjtJoint.mjJNT_SLIDE): 1,
}
"""Numbers in a position, by kind of joint."""
