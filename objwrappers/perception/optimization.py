"""How a model wants to be optimised: what the training loop asks of it, and overrides nowhere.

* :class:`Optimization`: an optimiser, its schedule, and when the schedule steps
* :func:`adam`: Adam with a lower rate over the last fifth of the steps
* :class:`LastFifth`: that schedule
* :func:`learning_rate`: a rate of the settings, checked
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

__all__ = ["INTERVALS", "LastFifth", "Optimization", "adam", "learning_rate"]

INTERVALS = ("step", "validation")
FIRST_PART = 0.8  # share of the steps at the first rate


@dataclass
class Optimization:
    """An optimiser and its schedule.

    Attributes:
        optimizer: Over all groups of parameters, with their own rates.
        scheduler: An LRScheduler or ReduceLROnPlateau; None keeps the rates.
        interval: ``"step"``: ``scheduler.step()`` after each step of the optimiser;
            ``"validation"``: ``scheduler.step(figure)`` after each validation, the figure that the
            model's ``monitor`` names.

    Raises:
        ValueError: Another interval.
    """

    optimizer: torch.optim.Optimizer
    scheduler: Any = None
    interval: str = "step"

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            raise ValueError(
                f"interval must be one of {', '.join(INTERVALS)}, got {self.interval!r}."
            )


class LastFifth(LRScheduler):
    """Another learning rate from the first step s on with s / total ≥ .8; steps count from 0.

    A group with a rate of its own changes in the same proportion.

    Args:
        optimizer: At its first rates.
        learning_rate: That of groups without a rate of their own.
        final_learning_rate: Theirs over the last fifth.
        total_steps: Of the training.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        learning_rate: float,
        final_learning_rate: float,
        total_steps: int,
    ) -> None:
        self.rates, self.total_steps = (learning_rate, final_learning_rate), total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """Returns the rate of each group for the coming step."""
        first, final = self.rates
        if self.last_epoch / self.total_steps < FIRST_PART:
            return list(self.base_lrs)
        return [final if rate == first else rate * (final / first) for rate in self.base_lrs]


def adam(
    groups: list[dict[str, Any]], settings: Mapping[str, Any], total_steps: int
) -> Optimization:
    """Returns Adam at ``learning_rate``, and ``final_learning_rate``, if given, in the last fifth.

    Args:
        groups: Parameters as the optimiser takes them.
        settings: Hyperparameters.
        total_steps: Of the training.

    Raises:
        ValueError: No learning rate, or one that is no positive number.
    """
    first = learning_rate(settings, "learning_rate")
    optimizer = torch.optim.Adam(groups, first)
    if settings.get("final_learning_rate") is None:
        return Optimization(optimizer)
    final = learning_rate(settings, "final_learning_rate")
    return Optimization(optimizer, LastFifth(optimizer, first, final, total_steps))


def learning_rate(settings: Mapping[str, Any], key: str) -> float:
    """Returns a learning rate of the settings.

    Raises:
        ValueError: None of this name, or one that is no positive number.
    """
    rate = settings.get(key)
    try:
        number = float(rate)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key} must be a positive number, got {rate!r}.") from error
    if not 0 < number < float("inf"):
        raise ValueError(f"{key} must be a positive number, got {rate!r}.")
    return number
