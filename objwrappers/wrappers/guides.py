"""What an imitator is to look like: demonstrations, translated into its own context.

* :class:`TranslationModel`, :class:`Videos`: what is needed of a model and of demonstrations
* :class:`Guide`: of N envs, their episodes' targets and how far they are from them
* :class:`Tracking`: the reward of a distance
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from objwrappers.names import check_name

__all__ = ["FORMS", "TIME_WEIGHTS", "Guide", "Tracking", "TranslationModel", "Videos"]

FORMS = ("exp", "neg", "clip", "l2")
TIME_WEIGHTS = ("constant", "quadratic")
_WORST = 2.0
"""Cost beyond which ``"clip"`` does not fall."""
_MEASURED_VIDEOS = 64
MAX_REMEMBERED_BYTES = 2**28
"""Of translated videos' features that are kept."""


class TranslationModel(Protocol):
    """A context translation, as far as imitation needs it."""

    @property
    def scale(self) -> Any:
        """Mean squared distance of features to those of their video's first frame."""

    def encode(self, frames: Tensor) -> Tensor:
        """Returns features (..., Z) of uint8 (..., h, w, 3)."""

    def translate(self, source: Tensor, context: Tensor) -> Any:
        """Returns ``features`` (B, T, Z) and ``frames`` (B, T, h, w, 3) in [0, 1]."""

    def standardised(self, features: Tensor) -> Tensor:
        """Returns features with mean 0 and deviation 1 in each dimension."""


class Videos(Protocol):
    """Demonstrations, as far as their pictures go."""

    @property
    def frames(self) -> np.ndarray:
        """uint8 (N, V, T + 1, h, w, 3)."""


@dataclass(frozen=True)
class Tracking:
    """A reward for being where a demonstration is.

    The cost c is the squared distance of features in units of the model's ``scale``: a body that
    never moves has about 1. To it comes the squared distance of pictures, in units of how far
    demonstrations go from their first frames.

    Args:
        form: ``"exp"``, exp(-2c); ``"neg"``, -c; ``"clip"``, -min(c, 2); or ``"l2"``, minus the
            distance itself, as published.
        image_weight: Of pictures, against features' 1.
        time_weight: ``"constant"``, or ``"quadratic"``: (t / T)².

    Raises:
        ValueError: No such form or weight.
    """

    form: str = "exp"
    image_weight: float = 0.0
    time_weight: str = "constant"

    def __post_init__(self) -> None:
        check_name("form of reward", self.form, FORMS)
        check_name("time_weight", self.time_weight, TIME_WEIGHTS)
        weight = self.image_weight
        if not isinstance(weight, Real) or not 0 <= float(weight) < float("inf"):
            raise ValueError(f"image_weight must be at least 0, got {self.image_weight!r}.")

    def reward(self, cost: np.ndarray, step: np.ndarray, horizon: int, scale: float) -> np.ndarray:
        """Returns float64 (n,).

        Args:
            cost: (n,).
            step: int (n,), actions taken, from 1 to the horizon.
            horizon: T.
            scale: The model's.
        """
        rewards = {
            "exp": np.exp(-2 * cost),
            "neg": -cost,
            "clip": -np.minimum(cost, _WORST),
            "l2": -np.sqrt(cost * scale),
        }[self.form]
        return rewards if self.time_weight == "constant" else rewards * (step / horizon) ** 2


class Guide:
    """The targets of N envs' episodes.

    Args:
        model: Where its buffers are is where it runs.
        videos: What was demonstrated.
        num_envs: N.
        horizon: Steps that are followed, at most as many as the videos have.
        sources: Views of a demonstration whose translations are averaged.

    Attributes:
        videos: See above.
        horizon: See above.
        scale: The model's.
        chosen: int (N,), the demonstration of each env.
        steps: int (N,), actions taken in its episode.

    Raises:
        ValueError: More sources than views, or a model without a scale.
    """

    def __init__(
        self,
        model: TranslationModel,
        videos: Videos,
        num_envs: int,
        horizon: int,
        sources: int = 1,
    ) -> None:
        views = videos.frames.shape[1]
        if isinstance(sources, bool) or sources not in range(1, views + 1):
            raise ValueError(
                f"sources must be from 1 to {views}, the views of the demonstrations, got "
                f"{sources!r}."
            )
        self._model, self.videos = model, videos
        self.horizon, self._sources = horizon, sources
        self.scale = float(model.scale)
        if not 0 < self.scale < float("inf"):
            raise ValueError(
                f"The context translation is damaged: its scale is {self.scale}. Train it anew."
            )
        self._device = model.scale.device
        self._known: OrderedDict[tuple[int, bytes], np.ndarray] = OrderedDict()
        self._targets: np.ndarray | None = None
        self._first: np.ndarray | None = None
        self._pictures: dict[int, np.ndarray] = {}
        self.chosen = np.zeros(num_envs, int)
        self.steps = np.zeros(num_envs, int)

    @property
    def feature_dim(self) -> int:
        """Z."""
        frames = self.videos.frames[0, 0, :1]
        return self.encode(frames).shape[-1]

    @torch.inference_mode()
    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Returns float32 (n, Z) of uint8 (n, h, w, 3)."""
        return self._model.encode(self._tensor(frames)).float().cpu().numpy()

    @torch.inference_mode()
    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Returns features as agents like them, float32 (..., Z)."""
        tensor = torch.from_numpy(features).to(self._device)
        return self._model.standardised(tensor).float().cpu().numpy()

    def begin(self, envs: np.ndarray, chosen: np.ndarray, frames: np.ndarray) -> None:
        """Begins episodes.

        Args:
            envs: int (n,).
            chosen: int (n,), their demonstrations.
            frames: uint8 (n, h, w, 3), their first frames, which show the context.
        """
        keys = [
            (int(episode), hashlib.sha256(frame.tobytes()).digest())
            for episode, frame in zip(chosen, frames, strict=True)
        ]
        missing = [i for i, key in enumerate(keys) if key not in self._known]
        if missing:
            features, _ = self._translate(chosen[missing], frames[missing])
            self._known.update(zip([keys[i] for i in missing], features, strict=True))
        targets = np.stack([self._known[key] for key in keys])
        while len(self._known) * targets[0].nbytes > MAX_REMEMBERED_BYTES:
            self._known.popitem(last=False)
        if self._targets is None or self._first is None:
            self._targets = np.zeros((len(self.steps), *targets.shape[1:]), np.float32)
            self._first = np.zeros((len(self.steps), *frames.shape[1:]), np.uint8)
        self._targets[envs], self._first[envs] = targets, frames
        self.chosen[envs], self.steps[envs] = chosen, 0
        for env in envs.tolist():
            self._pictures.pop(env, None)

    def follow(self, envs: np.ndarray) -> None:
        """Counts a step of the given envs."""
        self.steps[envs] = np.minimum(self.steps[envs] + 1, self.horizon)

    def feature_cost(self, envs: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Returns the squared distance of features to their targets in units of the scale, (n,)."""
        assert self._targets is not None
        away = features - self._targets[envs, self.steps[envs]]
        return np.square(away, dtype=np.float64).sum(-1) / self.scale

    def image_cost(self, envs: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Returns the same of pictures, uint8 (n, h, w, 3)."""
        wanted = np.stack([self.predicted(env)[self.steps[env]] for env in envs.tolist()])
        return _apart(frames, wanted).sum((1, 2, 3)) / self.image_scale

    @cached_property
    def image_scale(self) -> float:
        """Mean squared distance of demonstrations' frames, in [0, 1], to their first ones."""
        frames = self.videos.frames[:_MEASURED_VIDEOS, 0]
        return float(_apart(frames[:, 1:], frames[:, :1]).sum((2, 3, 4)).mean() or 1.0)

    def next_targets(self, envs: np.ndarray) -> np.ndarray:
        """Returns the features to have after the next action, float32 (n, Z)."""
        assert self._targets is not None
        following = np.minimum(self.steps[envs] + 1, self.horizon)
        return self._targets[envs, following]

    def predicted(self, env: int) -> np.ndarray:
        """Returns what an env's episode is to look like, uint8 (T + 1, h, w, 3)."""
        assert self._first is not None
        if env not in self._pictures:
            _, frames = self._translate(self.chosen[[env]], self._first[[env]])
            self._pictures[env] = frames[0]
        return self._pictures[env]

    def demonstrated(self, env: int) -> np.ndarray:
        """Returns the frame of an env's demonstration that belongs to its last one."""
        return self.videos.frames[self.chosen[env], 0, self.steps[env]]

    @torch.inference_mode()
    def _translate(self, chosen: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns features (n, T + 1, Z) and pictures uint8 (n, T + 1, h, w, 3)."""
        source = self.videos.frames[chosen, : self._sources, : self.horizon + 1]
        contexts = np.repeat(first, self._sources, 0)
        found = self._model.translate(
            self._tensor(source.reshape(-1, *source.shape[2:])), self._tensor(contexts)
        )
        shape = (len(chosen), self._sources)
        features = found.features.float().unflatten(0, shape).mean(1)
        frames = found.frames.float().unflatten(0, shape).mean(1)
        pixels = (255 * frames.clamp(0, 1)).round().byte()
        return features.cpu().numpy(), pixels.cpu().numpy()

    def _tensor(self, frames: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(frames)).to(self._device)


def _apart(frames: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.square((frames.astype(np.float32) - others) / 255)
