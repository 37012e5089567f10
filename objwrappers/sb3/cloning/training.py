"""Imitation of recorded play: a policy learns to do what was done.

* :class:`Settings`: hyperparameters, checked
* :class:`Imitation`: one training, which goes on where it was cut off
* :func:`predict`: a policy's probabilities on recorded frames
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from objwrappers.checkpoints import check_finite, load_checkpoint, naming_damage, save_checkpoint
from objwrappers.metrics.actions import action_figures
from objwrappers.names import check_name
from objwrappers.sb3.cloning.data import BALANCES, Demonstrations, Draw, Several
from objwrappers.sb3.cloning.losses import class_weights, imitation_loss, logits_and_maps
from objwrappers.sb3.cloning.networks import GazeExtractor

__all__ = ["CHECKPOINT_NAME", "Imitation", "Settings", "predict"]

CHECKPOINT_NAME = "checkpoint.pt"
LOG_EVERY = 50  # steps
AT_ONCE = 256  # samples of validation

KINDS: dict[str, type] = {
    **{"facts": dict, "step": int, "stale": int, "best": dict, "best_state": dict},
    **{"policy": dict, "optimizer": dict},
}
"""What a checkpoint holds."""
OPTIMIZERS: dict[str, Any] = {
    "adam": torch.optim.AdamW,
    "adadelta": partial(torch.optim.Adadelta, rho=0.95, eps=1e-8),
}

Play = Demonstrations | Several


@dataclass(frozen=True)
class Settings:
    """Hyperparameters.

    Attributes:
        n_timesteps: Optimiser steps at most.
        batch_size: Samples of a step.
        learning_rate: Of the optimiser.
        optimizer: ``"adam"``, whose weight decay is decoupled, or ``"adadelta"``.
        weight_decay: Of the optimiser.
        balance: A name of :data:`~objwrappers.sb3.cloning.data.BALANCES`.
        gaze_weight: Of what gaze teaches; None for the method's published one.
        eval_freq: Steps between validations.
        patience: Validations without a lower loss that end the training.
        seed: Of the drawing of batches.

    Raises:
        ValueError: Another optimiser or balance, or a number out of range.
    """

    n_timesteps: int = 10_000
    batch_size: int = 64
    learning_rate: float = 3e-4
    optimizer: str = "adam"
    weight_decay: float = 0.0
    balance: str = "none"
    gaze_weight: float | None = None
    eval_freq: int = 140
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_timesteps", "batch_size", "eval_freq", "patience"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        for name, least in (("learning_rate", math.ulp(0)), ("weight_decay", 0.0)):
            _check_number(name, getattr(self, name), least)
        if self.gaze_weight is not None:
            _check_number("gaze_weight", self.gaze_weight, 0.0)
        check_name("optimizer", self.optimizer, OPTIMIZERS)
        check_name("balance", self.balance, BALANCES)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Returns the names of all hyperparameters."""
        return tuple(field.name for field in fields(cls))


class Imitation:
    """One training.

    Args:
        policy: On discrete actions; it is trained where it is.
        training: Demonstrations and their samples.
        validation: The same.
        settings: Hyperparameters.
        folder: Of the checkpoint.
        facts: What identifies the run, JSON; a checkpoint of another is not gone on with.
        tensorboard: Folder of the curves, or None.

    Attributes:
        step: Optimiser steps done.
        best: Figures of the validation with the lowest loss, that under ``"step"``.

    Raises:
        ValueError: Nothing to learn from, a damaged checkpoint, or one of another run.
    """

    def __init__(
        self,
        policy: ActorCriticPolicy,
        training: tuple[Play, np.ndarray],
        validation: tuple[Play, np.ndarray],
        settings: Settings,
        folder: Path,
        facts: Mapping[str, Any],
        tensorboard: Path | None = None,
    ) -> None:
        self._policy, self._settings = policy, settings
        self._training, self._validation = training, validation
        self._facts = {**facts, "settings": asdict(settings)}
        self._tensorboard = tensorboard
        self._checkpoint = folder / CHECKPOINT_NAME
        data, steps = training
        actions = data.actions[steps]
        self._draw = Draw(steps, actions, settings.batch_size, settings.balance, settings.seed)
        if not len(validation[1]):
            raise ValueError("There are no frames with a known action to validate on.")
        self._weights: Tensor | None = None
        if settings.balance == "weights":
            count = int(policy.action_space.n)  # type: ignore[attr-defined]
            self._weights = torch.from_numpy(class_weights(actions, count)).to(policy.device)
        extractor = policy.pi_features_extractor
        method = extractor.method if isinstance(extractor, GazeExtractor) else None
        self._with_gaze = method is not None and method.lesson is not None
        given = settings.gaze_weight
        self._gaze_weight = given if given is not None else method.weight if method else 0.0
        self._optimizer = _optimizer(policy, settings)
        self.step = self._stale = 0
        self.best: dict[str, float] = {"loss": math.inf}
        self._best_state: dict[str, Tensor] = {}
        if self._checkpoint.exists():
            self._load()

    @property
    def finished(self) -> bool:
        """True when all steps are done or validation has long not improved."""
        return self.step >= self._settings.n_timesteps or self._stale >= self._settings.patience

    def fit(self, progress: bool = False) -> None:
        """Trains until finished; the policy then has the weights of the best validation."""
        settings = self._settings
        total = settings.n_timesteps
        with (
            _curves(self._tensorboard, self.step) as curves,
            tqdm(total=total, initial=self.step, unit="step", disable=not progress) as bar,
        ):
            while not self.finished:
                losses = self._train_step()
                self.step += 1
                bar.update()
                if self.step % LOG_EVERY == 0:
                    values = {key: float(value.detach()) for key, value in losses.items()}
                    _log(curves, "train", values, self.step)
                    bar.set_postfix(loss=f"{values['loss']:.3f}")
                if self.step % settings.eval_freq == 0 or self.step == total:
                    _log(curves, "validation", self._validate(), self.step)
                    self._save()
        self._policy.load_state_dict(self._best_state)
        self._policy.set_training_mode(False)

    def close(self) -> None:
        """Removes the checkpoint, once what was trained is kept elsewhere."""
        self._checkpoint.unlink(missing_ok=True)

    def _train_step(self) -> dict[str, Tensor]:
        self._policy.set_training_mode(True)
        losses = self._losses(self._training[0], self._draw[self.step])
        self._optimizer.zero_grad()
        losses["loss"].backward()
        self._optimizer.step()
        return losses

    def _losses(self, data: Play, steps: np.ndarray) -> dict[str, Tensor]:
        batch = _on(self._policy, data.batch(steps, self._with_gaze))
        return imitation_loss(self._policy, batch, self._weights, self._gaze_weight)

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self._policy.set_training_mode(False)
        data, steps = self._validation
        sums: dict[str, float] = {}
        for chosen in _parts(steps):
            for key, value in self._losses(data, chosen).items():
                sums[key] = sums.get(key, 0.0) + float(value) * len(chosen) / len(steps)
        figures = action_figures(predict(self._policy, data, steps), data.actions[steps])
        found = {**sums, **figures}
        self._stale += 1
        if not math.isfinite(found["loss"]):
            raise ValueError(
                f"The loss is {found['loss']} after {self.step} steps: give a lower learning_rate, "
                f"it was {self._settings.learning_rate}."
            )
        if found["loss"] < self.best["loss"]:
            self.best, self._stale = {**found, "step": self.step}, 0
            state = self._policy.state_dict()
            self._best_state = {k: v.detach().cpu().clone() for k, v in state.items()}
        return found

    def _save(self) -> None:
        state = {
            "facts": self._facts,
            "step": self.step,
            "stale": self._stale,
            "best": self.best,
            "best_state": self._best_state,
            "policy": self._policy.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        save_checkpoint(self._checkpoint, state)

    def _load(self) -> None:
        cure = f"Remove {self._checkpoint}."
        state = load_checkpoint(self._checkpoint, KINDS, cure)
        if state["facts"] != self._facts:
            raise ValueError(f"{self._checkpoint} is of a run with other settings. {cure}")
        with naming_damage(self._checkpoint, cure):
            if not 0 <= state["step"] <= self._settings.n_timesteps:
                raise ValueError(f"step {state['step']} of {self._settings.n_timesteps}")
            check_finite("best_state", state["best_state"])
            for weights in filter(None, (state["best_state"], state["policy"])):
                self._policy.load_state_dict(weights)
            self._optimizer.load_state_dict(state["optimizer"])
        self.step, self._stale = state["step"], state["stale"]
        self.best, self._best_state = state["best"], state["best_state"]


@torch.no_grad()
def predict(policy: ActorCriticPolicy, data: Play, steps: np.ndarray) -> np.ndarray:
    """Returns the probabilities of a policy's actions on frames, float32 (N, A).

    Args:
        policy: On discrete actions.
        data: Recorded play.
        steps: int (N,), frames.
    """
    policy.set_training_mode(False)
    found = [
        logits_and_maps(policy, _on(policy, data.batch(chosen))["observations"])[0].softmax(-1)
        for chosen in _parts(steps)
    ]
    return torch.cat(found).cpu().numpy()


def _parts(steps: np.ndarray) -> list[np.ndarray]:
    return [steps[i : i + AT_ONCE] for i in range(0, len(steps), AT_ONCE)]


def _on(policy: ActorCriticPolicy, batch: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: one.to(policy.device) for name, one in value.items()}
        if isinstance(value, dict)
        else value.to(policy.device)
        for key, value in batch.items()
    }


def _optimizer(policy: ActorCriticPolicy, settings: Settings) -> torch.optim.Optimizer:
    trained = [p for p in policy.parameters() if p.requires_grad]
    kind = OPTIMIZERS[settings.optimizer]
    return kind(trained, lr=settings.learning_rate, weight_decay=settings.weight_decay)


@contextmanager
def _curves(folder: Path | None, step: int) -> Iterator[SummaryWriter | None]:
    if folder is None:
        yield None
        return
    # What a run that was cut off wrote beyond its checkpoint is written again.
    with SummaryWriter(str(folder), purge_step=step + 1) as writer:
        yield writer


def _log(curves: SummaryWriter | None, kind: str, values: Mapping[str, float], step: int) -> None:
    for key, value in values.items() if curves is not None else ():
        assert curves is not None
        curves.add_scalar(f"{kind}/{key}", value, step)


def _check_number(name: str, value: Any, least: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (least <= value < math.inf)
    ):
        wanted = "at least 0" if least == 0 else "above 0"
        raise ValueError(f"{name} must be a number {wanted}, got {value!r}.")
