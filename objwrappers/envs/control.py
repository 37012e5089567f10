"""Tasks of dm_control's suite in any visual context.

* :class:`ControlEnv`: one env
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from objwrappers.actions import check_action
from objwrappers.envs.control_contexts import Context, draw_context, read_context
from objwrappers.envs.control_gl import prepare_mujoco
from objwrappers.envs.control_tasks import check_task, default_camera
from objwrappers.envs.options import check_numbers, check_seed
from objwrappers.names import check_name, unknown_name
from objwrappers.wrappers.base import check_render_mode
from objwrappers.wrappers.stacks import FrameStack

__all__ = ["ControlEnv"]

MAX_SIDE_PX = 2048
OBSERVED = ("pixels", "state", "both")

Size = int | tuple[int, int]


class ControlEnv(gym.Env):
    """A task of dm_control's suite, seen or measured.

    Rewards are the task's own, summed over repeated actions. An episode is 1,000 control timesteps
    long, then truncated; very few tasks end one before.

    Args:
        task: ``"reacher-hard"``, see :data:`~objwrappers.envs.control_tasks.TASKS`.
        render_mode: ``None`` or ``"rgb_array"``.
        observe: ``"pixels"``, uint8 (3·S, h, w), RGB and the newest last; ``"state"``, float32
            (n,), the task's own observation; or ``"both"``, a dict of the two.
        image_size: h and w in pixels, or one number for both.
        stack_num: Frames in a stack, S.
        camera: Index or name of a camera; None is the one that published agents look from.
        action_repeat: Control timesteps that an action lasts.
        horizon: Steps after a reset at which an episode is truncated; None leaves the suite's
            limit.
        context: How the task looks: a name (``"default"``, ``"light"``, ``"full"``, ...), a
            :class:`~objwrappers.envs.control_contexts.Context`, a dict of its attributes, or a
            JSON file. Names of random contexts draw one for each episode.
        context_seed: Draws one context for good.
        render_size: Of rendered pictures, in pixels.
        supersampling: How many times as large, along each axis, observed pictures are drawn before
            their pixels are averaged. Drawn as they are, with 1, small pictures have thin bodies
            jump by whole pixels, so that slow movements are not to be seen.

    Attributes:
        context: The :class:`~objwrappers.envs.control_contexts.Context` of the episode.

    Raises:
        FileNotFoundError: There is no such context file.
        ModuleNotFoundError: dm_control is not installed; the message says how to.
        RuntimeError: Pictures are wanted and cannot be drawn; the message says what to install.
        ValueError: No such task, camera or context, or an option outside its range.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 25}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        render_mode: str | None = None,
        observe: str = "pixels",
        image_size: Size = 84,
        stack_num: int = 3,
        camera: int | str | None = None,
        action_repeat: int = 2,
        horizon: int | None = None,
        context: str | Path | Mapping[str, Any] | Context = "default",
        context_seed: int | None = None,
        render_size: Size = 256,
        supersampling: int = 1,
    ) -> None:
        domain, name = check_task(task)
        self.render_mode = check_render_mode(render_mode)
        check_name("observe", observe, OBSERVED)
        check_numbers(
            {
                "action_repeat": action_repeat,
                "stack_num": stack_num,
                "supersampling": supersampling,
                **({} if horizon is None else {"horizon": horizon}),
            }
        )
        check_seed(context_seed)
        self._size = _size("image_size", image_size)
        self._render_size = _size("render_size", render_size)
        height, width = self._size
        self._drawn = supersampling * height, supersampling * width
        if max(self._drawn) > MAX_SIDE_PX:
            raise ValueError(
                f"image_size times supersampling must be at most {MAX_SIDE_PX} pixels, got "
                f"{image_size!r} times {supersampling}."
            )
        look = read_context(context)
        self._look = (
            look
            if context_seed is None
            else draw_context(look, np.random.default_rng(context_seed))
        )
        prepare_mujoco(pictures=observe != "state" or render_mode is not None)
        # What imports mujoco comes after what makes sure that it can be imported.
        from objwrappers.envs.control_rendering import Renderer
        from objwrappers.envs.control_simulation import Simulation

        self._simulation = Simulation(domain, name)
        side_px = max(*self._drawn, *(() if render_mode is None else self._render_size))
        self._renderer = Renderer(
            f"{domain}-{name}", self._simulation.model, self._simulation.data, side_px
        )
        self._camera = self._find_camera(default_camera(domain) if camera is None else camera)
        self._observe, self._repeat, self._horizon = observe, action_repeat, horizon
        self._stack = FrameStack(stack_num, num_envs=1)
        self._steps = 0
        self._ready = False
        self.context = Context()
        seconds = self._simulation.seconds_per_step * action_repeat
        self.metadata = {**self.metadata, "render_fps": round(1 / seconds)}
        self._make_spaces(stack_num)

    def _make_spaces(self, stack_num: int) -> None:
        spec = self._simulation.action_spec
        self.action_space = gym.spaces.Box(
            spec.minimum.astype(np.float32), spec.maximum.astype(np.float32), dtype=np.float32
        )
        pixels = gym.spaces.Box(0, 255, (3 * stack_num, *self._size), np.uint8)
        numbers = self._simulation.observation().shape
        state = gym.spaces.Box(-np.inf, np.inf, numbers, np.float32)
        spaces: dict[str, gym.Space] = {"pixels": pixels, "state": state}
        self.observation_space = spaces.get(self._observe) or gym.spaces.Dict(spaces)

    @property
    def physics(self) -> Any:
        """dm_control's physics, to be read: ``env.unwrapped.physics.data.qpos``."""
        return self._simulation.physics

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: Of this episode and those that follow, and of their contexts.
            options: ``state``, as :meth:`get_state` returned it, where the episode is to begin;
                ``context``, like the env's own, for this episode alone.

        Raises:
            ValueError: A seed that is no integer of at least 0, an option that there is not, or a
                state of another task.
        """
        check_seed(seed, several=False)
        options = options or {}
        for key in options:
            if key not in ("state", "context"):
                raise unknown_name("option of reset()", key, ("state", "context"))
        look = read_context(options["context"]) if "context" in options else self._look
        super().reset(seed=seed)
        if seed is not None:
            self._simulation.seed(int(seed))
        self._simulation.reset()
        self.context = draw_context(look, self.np_random)
        if "state" in options:
            self._simulation.set_state(options["state"])
        self._renderer.new_terrain()
        self._steps, self._ready = 0, True
        return self._see(fresh=True), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Repeats an action, and looks.

        Args:
            action: float32 (A,).

        Raises:
            gymnasium.error.ResetNeeded: There was no reset.
            ValueError: The action is not in the action space.
        """
        if not self._ready:
            raise gym.error.ResetNeeded("step() needs a reset() before it.")
        taken = check_action(action, self.action_space).astype(np.float64)
        simulation, reward, terminated, ended = self._simulation, 0.0, False, False
        for _ in range(self._repeat):
            gained, terminated = simulation.step(taken)
            reward += gained
            ended = simulation.max_steps is not None and simulation.steps >= simulation.max_steps
            if terminated or ended:
                break
        self._steps += 1
        ended = ended or self._steps == self._horizon
        return self._see(fresh=False), reward, terminated, ended and not terminated, {}

    def get_state(self) -> dict[str, np.ndarray]:
        """Returns ``physics``, ``task`` and ``steps``: all that the future depends on.

        They can be stacked with those of other episodes of the task, and stored; see
        :meth:`~objwrappers.envs.control_simulation.Simulation.get_state`.
        """
        return self._simulation.get_state()

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes to a state in the midst of an episode; a stack keeps the frames that it has.

        Raises:
            ValueError: A state of another task.
        """
        self._simulation.set_state(state)
        self._renderer.new_terrain()

    def frame(
        self,
        context: str | Mapping[str, Any] | Context | None = None,
        size: Size | None = None,
        camera: int | str | None = None,
    ) -> np.ndarray:
        """Returns a picture of the present state, in whatever context; nothing else changes.

        Args:
            context: By default the episode's; names of random contexts draw one.
            size: In pixels; by default it is drawn as observations are.
            camera: By default the env's.

        Returns:
            uint8 (h, w, 3).
        """
        look = self.context
        if context is not None:
            look = draw_context(read_context(context), self.np_random)
        picture = self._renderer.frame(
            self._drawn if size is None else _size("size", size),
            self._camera if camera is None else self._find_camera(camera),
            look,
        )
        return _averaged(picture, self._size) if size is None else picture

    @property
    def action_repeat(self) -> int:
        """Control timesteps that an action lasts."""
        return self._repeat

    @property
    def camera(self) -> int:
        """Index of the camera that the env looks from."""
        return self._camera

    def camera_index(self, camera: int | str) -> int:
        """Returns the index of a camera of the task.

        Raises:
            ValueError: There is no such camera.
        """
        return self._find_camera(camera)

    def state_observation(self) -> np.ndarray:
        """Returns the task's own observation of the present state, float32 (n,)."""
        return self._simulation.observation()

    @property
    def picture(self) -> np.ndarray | None:
        """What :meth:`render` shows; None without a render mode, and before a reset."""
        wanted = self._ready and self.render_mode is not None
        return self.frame(size=self._render_size) if wanted else None

    def render(self) -> Any:
        """Returns uint8 (H, W, 3), the present picture, or None without a mode."""
        if self.render_mode is None:
            gym.logger.warn('render() needs render_mode="rgb_array" given to gym.make.')
            return None
        if not self._ready:
            raise gym.error.ResetNeeded("render() needs a reset() before it.")
        return self.picture

    def close(self) -> None:
        """Frees what OpenGL holds."""
        self._renderer.close()

    def _see(self, fresh: bool) -> Any:
        if self._observe == "state":
            return self._simulation.observation()
        frame = self.frame().transpose(2, 0, 1)
        stack = self._stack.push(frame[None], np.zeros(1, int), np.array([fresh]))
        pixels = stack.reshape(-1, *self._size)
        if self._observe == "pixels":
            return pixels
        return {"pixels": pixels, "state": self._simulation.observation()}

    def _find_camera(self, camera: int | str) -> int:
        model = self._simulation.model
        names = [model.camera(index).name for index in range(model.ncam)]
        if isinstance(camera, str):
            check_name("camera", camera, names)
            return names.index(camera)
        if isinstance(camera, bool) or camera not in range(len(names)):
            raise ValueError(
                f"camera must be a name or an index below {len(names)}, got {camera!r}. "
                f"There are {', '.join(names)}."
            )
        return int(camera)


def _averaged(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    if picture.shape[:2] == size:
        return picture
    tiles = picture.reshape(height, len(picture) // height, width, -1, 3)
    return np.rint(tiles.mean((1, 3), dtype=np.float32)).astype(np.uint8)


def _size(name: str, size: Any) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    whole = all(isinstance(side, int | np.integer) and side is not True for side in sides)
    good = len(sides) == 2 and whole and all(1 <= side <= MAX_SIDE_PX for side in sides)
    if not good:
        raise ValueError(
            f"{name} must be one or two integers from 1 to {MAX_SIDE_PX}, got {size!r}."
        )
    return int(sides[0]), int(sides[1])
