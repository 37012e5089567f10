"""A Gymnasium vector env as a Stable-Baselines3 VecEnv, terminal observations included."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnv,
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)

from objwrappers.actions import check_actions

__all__ = ["GymVecEnv"]


class GymVecEnv(VecEnv):
    """Plays a Gymnasium vector env as SB3 expects: an env that is done shows its next episode.

    SB3 wants the terminal observation in ``info["terminal_observation"]`` and the first one of
    the next episode as the observation. Gymnasium's next-step autoreset gives the terminal one
    and would spend the next step on the reset. So done envs are reset at once, by a partial
    reset; the others stay as they are.

    Example:
        >>> import gymnasium as gym, objwrappers
        >>> env = GymVecEnv(gym.make_vec("ObjFrames-Pong-v0", num_envs=4))
        >>> env.reset().shape
        (4, 4, 84, 84)

    Args:
        env: A vector env with next-step autoreset or none, that understands
            ``reset(options={"reset_mask": mask})``: those of this package, Gymnasium's
            SyncVectorEnv and AsyncVectorEnv.

    Raises:
        ValueError: It is no vector env, or has another autoreset mode.
    """

    def __init__(self, env: VectorEnv) -> None:
        if not isinstance(env, VectorEnv):
            raise ValueError(
                f"GymVecEnv takes a vector env, got {env!r}: make one by gym.make_vec(id, "
                "num_envs=4)."
            )
        mode = env.metadata.get("autoreset_mode")
        if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED):
            raise ValueError(
                f"GymVecEnv needs a vector env with next-step or disabled autoreset, got {mode}."
            )
        self.env = env
        self.spec = env.spec
        self._actions: np.ndarray | None = None
        self._env_checks = self._layer_with("checks_actions") is not None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        """Resets all envs with the seeds of :meth:`seed`, if it was called since the last reset.

        Returns:
            An array (N, ...), or a dict of them.

        Raises:
            ValueError: :meth:`set_options` gave the envs different options.
        """
        if any(options != self._options[0] for options in self._options):
            raise ValueError("A vector env is reset with the same options for all its envs.")
        seed = self._seeds[0]
        observation, infos = self.env.reset(
            # A vector env counts up from the first seed, as VecEnv.seed() does.
            seed=None if seed is None else int(seed),
            options=self._options[0] or None,
        )
        self.reset_infos = _split_infos(infos, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Takes the actions of the next step, (N, ...).

        Raises:
            ValueError: Actions of another shape, of a wrong kind, or beyond a Discrete space; of
                envs that check their actions themselves, :meth:`step_wait` raises it.
        """
        if not self._env_checks:
            actions = check_actions(actions, self.action_space, self.num_envs, bounded=False)
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Steps all envs and resets those that are done.

        Returns:
            Observations (N, ...), rewards float32 (N,), dones bool (N,), one info for each env.
        """
        assert self._actions is not None, "step_wait() comes after step_async()"
        observation, rewards, terminated, truncated, step_infos = self.env.step(self._actions)
        dones = terminated | truncated
        infos = _split_infos(step_infos, self.num_envs)
        for info, timeout in zip(infos, (truncated & ~terminated).tolist(), strict=True):
            info["TimeLimit.truncated"] = timeout
        if dones.any():
            envs = np.flatnonzero(dones).tolist()
            for i in envs:
                infos[i]["terminal_observation"] = _copy_of_one(observation, i)
            observation, reset_infos = self.env.reset(options={"reset_mask": dones.copy()})
            fresh = _split_infos(reset_infos, self.num_envs)
            for i in envs:
                self.reset_infos[i] = fresh[i]
        return observation, np.asarray(rewards, np.float32), dones, infos

    def close(self) -> None:
        """Closes the vector env."""
        self.env.close()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Sets the seeds of the next reset: ``seed``, ``seed + 1``, ...; numpy integers too."""
        return super().seed(None if seed is None else int(seed))

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Returns one uint8 (H, W, 3) picture for each env; needs ``render_mode="rgb_array"``."""
        if self.render_mode != "rgb_array":
            warnings.warn(
                f'Pictures need render_mode="rgb_array", but the env has {self.render_mode!r}.',
                stacklevel=2,
            )
            return [None] * self.num_envs
        pictures: Any = self.env.render()
        return list(pictures)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Returns an attribute of each env, or of the vector env, which all its envs share.

        Raises:
            AttributeError: Neither has it.
        """
        chosen = self._get_indices(indices)
        layer = self._layer_with(attr_name)
        if layer is not None:
            return [getattr(layer, attr_name) for _ in chosen]
        if hasattr(self.env.unwrapped, "get_attr"):
            values = self.env.unwrapped.get_attr(attr_name)
            return [values[i] for i in chosen]
        raise AttributeError(f"{self.env} has no attribute {attr_name!r}.")

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of the vector env, for all its envs at once.

        Raises:
            ValueError: Only some of the envs are meant.
            AttributeError: The vector env has no such attribute.
        """
        if len(set(self._get_indices(indices))) != self.num_envs:
            raise ValueError(
                f"The envs of {self.env} share the attribute {attr_name!r}; "
                "it cannot be set for some of them only."
            )
        layer = self._layer_with(attr_name)
        if layer is not None:
            setattr(layer, attr_name, value)
        elif hasattr(self.env.unwrapped, "set_attr"):
            self.env.unwrapped.set_attr(attr_name, [value] * self.num_envs)
        else:
            raise AttributeError(f"{self.env} has no attribute {attr_name!r}.")

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Calls a method of the vector env once, or of its envs, and returns a result for each env.

        Raises:
            AttributeError: There is no such method.
        """
        chosen = self._get_indices(indices)
        layer = self._layer_with(method_name)
        if layer is not None:
            results = getattr(layer, method_name)(*method_args, **method_kwargs)
        elif hasattr(self.env.unwrapped, "call"):
            results = self.env.unwrapped.call(method_name, *method_args, **method_kwargs)
        else:
            raise AttributeError(f"{self.env} has no method {method_name!r}.")
        if isinstance(results, tuple | list | np.ndarray) and len(results) == self.num_envs:
            return [results[i] for i in chosen]
        return [results for _ in chosen]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Tells for each env whether a wrapper is around it, or around the whole vector env."""
        if any(isinstance(layer, wrapper_class) for layer in self._layers()):
            return [True for _ in self._get_indices(indices)]
        envs: list[gym.Env] | None = getattr(self.env.unwrapped, "envs", None)
        return [
            envs is not None and is_wrapped(envs[i], wrapper_class)
            for i in self._get_indices(indices)
        ]

    def _layers(self) -> Iterator[VectorEnv]:
        layer = self.env
        while isinstance(layer, VectorWrapper):
            yield layer
            layer = layer.env
        yield layer

    def _layer_with(self, name: str) -> VectorEnv | None:
        return next((layer for layer in self._layers() if hasattr(layer, name)), None)


def _copy_of_one(observation: Any, index: int) -> Any:
    """Returns one env's observation as arrays, in memory of its own."""
    if isinstance(observation, dict):
        return {key: _copy_of_one(value, index) for key, value in observation.items()}
    one = observation[index]
    return np.array(one) if isinstance(one, np.ndarray | np.generic) else one.cpu().numpy().copy()


def _split_infos(infos: dict[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """Turns Gymnasium's dict of arrays, with its ``_key`` masks, into one dict for each env."""
    split: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    for key, values in infos.items():
        if key.startswith("_") and key[1:] in infos:
            continue
        mask = infos.get(f"_{key}")
        for i, value in _rows(values, num_envs):
            if mask is None or mask[i]:
                split[i][key] = value
    return split


def _rows(values: Any, num_envs: int) -> Iterable[tuple[int, Any]]:
    if isinstance(values, dict):
        return enumerate(_split_infos(values, num_envs))
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return enumerate(values.tolist())
    if isinstance(values, np.ndarray | list | tuple) and len(values) == num_envs:
        return enumerate(values)
    return ((i, values) for i in range(num_envs))
