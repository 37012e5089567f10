"""What a perception model sees, as observations: one forward pass per step, however many envs.

* :class:`Perceive`: the transform, frames → model → named arrays
* :class:`DeviceStack`: the last frames of each env, where the model runs
* :class:`PerceptionObservation`, :class:`VectorPerceptionObservation`: around one env, around a
  vector env
"""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from objwrappers.memory import keep_freed_memory
from objwrappers.perception.base import (
    PerceptionModel,
    PerceptionModule,
    frame_format_of,
    torch_dtype,
)
from objwrappers.perception.runtime import Network, check_runtime, is_frozen, running
from objwrappers.rendering.overlay import draw_percepts
from objwrappers.wrappers.base import (
    FrameTransform,
    Observation,
    TransformFrames,
    VectorTransformFrames,
)
from objwrappers.wrappers.resizing import prepare_frames

__all__ = ["DeviceStack", "Perceive", "PerceptionObservation", "VectorPerceptionObservation"]


class Perceive(FrameTransform):
    """Calls a perception model on the frames of all envs: one transfer in, one out.

    Frames of the size that the model reads are passed to it as they are; others are resized.
    Where it wants several, the earlier ones stay on its device.

    Args:
        model: Its parameters' device, or its buffers', is where it runs; a model without either
            runs on the processor. A network is put into evaluation mode; of a frozen one, as
            :func:`~objwrappers.perception.loading.load_model` gives it, a copy runs in which batch
            norms are folded.
        num_envs: Envs whose frames are stacked, where the model wants more than one frame.
        runtime: Of a frozen network, see :func:`~objwrappers.perception.runtime.running`.
        on_device: Give torch tensors where the model runs, not NumPy arrays.

    Raises:
        ValueError: No such runtime, or one that this model has not.
    """

    def __init__(
        self,
        model: PerceptionModel,
        num_envs: int = 1,
        runtime: str = "auto",
        on_device: bool = False,
    ) -> None:
        self.model = model.eval() if isinstance(model, torch.nn.Module) else model
        self.single_observation_space = model.observation_space
        tensors: Any = ()
        if isinstance(model, torch.nn.Module):
            tensors = itertools.chain(model.parameters(), model.buffers())
        first = next(iter(tensors), None)
        self._device = torch.device("cpu") if first is None else first.device
        self._format = frame_format_of(model)
        keep_freed_memory()
        self._network: Network = self.model
        if is_frozen(model):
            assert isinstance(model, PerceptionModule)
            self._network = running(model, runtime)
        elif check_runtime(runtime) == "onnx":
            raise ValueError("runtime='onnx' is for frozen PerceptionModules: pass runtime='auto'.")
        self._on_device = on_device
        self._staging: Tensor | None = None
        self._arrived: torch.cuda.Event | None = None
        size = self._format.stack
        self._stack = DeviceStack(size, num_envs) if size > 1 else None

    @property
    def digests(self) -> dict[str, str]:
        """Those of the model; nothing is known of one that is no :class:`PerceptionModule`."""
        return self.model.digests if isinstance(self.model, PerceptionModule) else {}

    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> dict[str, Any]:
        """Returns the model's arrays, (n, ...) each, those beside the observation among them."""
        # What learns from tensors of inference mode would fail.
        with torch.no_grad() if self._on_device else torch.inference_mode():
            return self._perceive(frames, envs, fresh)

    def _perceive(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> dict[str, Any]:
        wanted = self._format
        frames = prepare_frames(frames, wanted.height, wanted.width, wanted.grayscale)
        on_device = self._sent(np.ascontiguousarray(frames))
        if self._stack is not None:
            on_device = self._stack.push(on_device, envs, fresh)
        percepts = self._network(on_device)
        spaces = self.model.observation_space.spaces
        dtypes = {key: spaces[key].dtype if key in spaces else np.float32 for key in percepts}
        if self._on_device:
            return {key: value.to(torch_dtype(dtypes[key])) for key, value in percepts.items()}
        if self._device.type == "cpu":
            return {
                key: np.array(value.float().numpy(), dtypes[key]) for key, value in percepts.items()
            }
        flat = torch.cat([value.flatten(1).float() for value in percepts.values()], dim=1)
        values = flat.cpu().numpy()
        arrays: dict[str, np.ndarray] = {}
        start = 0
        for key, value in percepts.items():
            end = start + value[0].numel()
            part = values[:, start:end].reshape(value.shape)
            arrays[key] = np.ascontiguousarray(part, dtypes[key])
            start = end
        return arrays

    def _sent(self, frames: np.ndarray) -> Tensor:
        """The frames where the model runs; on their way to a GPU they lie in pinned memory."""
        given = torch.from_numpy(frames)
        if self._device.type != "cuda":
            return given.to(self._device)
        if self._staging is None or self._staging.shape != given.shape:
            self._staging = torch.empty_like(given, pin_memory=True)
        elif self._arrived is not None:
            self._arrived.synchronize()
        self._staging.copy_(given)
        sent = self._staging.to(self._device, non_blocking=True)
        self._arrived = torch.cuda.Event()
        self._arrived.record(torch.cuda.current_stream(self._device))
        return sent

    def choose(self, percepts: Observation) -> Observation:
        """Returns the percepts that the model's observation space has."""
        assert isinstance(percepts, dict)
        return {key: percepts[key] for key in self.model.observation_space}

    def draw(self, frame: np.ndarray, percepts: Observation) -> np.ndarray:
        """Returns the frame with the percepts drawn on it, and the names of labels."""
        assert isinstance(percepts, dict)
        arrays = {key: np.asarray(_on_processor(value)) for key, value in percepts.items()}
        return draw_percepts(frame, arrays, names=getattr(self.model, "label_names", ()))


def _on_processor(value: Any) -> Any:
    return value.float().cpu().numpy() if isinstance(value, Tensor) else value


class DeviceStack:
    """The last ``size`` frames of each env, on the device of the frames pushed.

    Args:
        size: Frames in a stack, S.
        num_envs: Envs with a stack of their own, N.
    """

    def __init__(self, size: int, num_envs: int) -> None:
        self.size = size
        self._num_envs = num_envs
        self._frames: Tensor | None = None

    def push(self, frames: Tensor, envs: np.ndarray, fresh: np.ndarray) -> Tensor:
        """Adds a frame to the stacks of the given envs; an episode's first frame fills its stack.

        Args:
            frames: (n, ...), one frame for each of the given envs.
            envs: int (n,).
            fresh: bool (n,), True where an episode begins.

        Returns:
            (n, S, ...), oldest first.
        """
        if self._frames is None:
            self._frames = frames.new_zeros(self._num_envs, self.size, *frames.shape[1:])
        everyone = len(envs) == self._num_envs
        chosen: Any = slice(None) if everyone else torch.from_numpy(envs).to(frames.device)
        stacks = self._frames[chosen].roll(-1, dims=1)
        stacks[:, -1] = frames
        for i in np.flatnonzero(fresh).tolist():
            stacks[i] = frames[i]
        self._frames[chosen] = stacks
        return stacks


class PerceptionObservation(TransformFrames):
    """One env that gives what a perception model sees in its frames.

    Args:
        env: An env whose observations are uint8 (H, W, 3) frames.
        model: A frozen perception model.
        render_mode: ``None`` or ``"rgb_array"``: the frame with the percepts drawn on it.
    """

    def __init__(
        self, env: gym.Env, model: PerceptionModel, render_mode: str | None = None
    ) -> None:
        super().__init__(env, Perceive(model), render_mode)


class VectorPerceptionObservation(VectorTransformFrames):
    """A vector env that gives what a perception model sees, in one forward pass per step.

    Args:
        env: A vector env whose observations are uint8 (N, H, W, 3) frames.
        model: A frozen perception model.
        render_mode: ``None`` or ``"rgb_array"``.
    """

    def __init__(
        self, env: VectorEnv, model: PerceptionModel, render_mode: str | None = None
    ) -> None:
        super().__init__(env, Perceive(model, env.num_envs), render_mode)
