"""How well actions are foretold, and what those who look at no frame foretell.

* :func:`action_figures`: accuracy, macro-F1 and negative log-likelihood of predicted probabilities
* :func:`always_likeliest`, :func:`last_again`: probabilities of the trivial baselines
* :func:`baseline_figures`: the figures of these

People seldom change what they press between two frames: repeating the last action is right more
often than not. Accuracy therefore counts for little without these baselines beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = [
    "action_figures",
    "action_shares",
    "always_likeliest",
    "baseline_figures",
    "last_again",
]

EPS = 1e-7  # least probability, so that one action that was held impossible does not decide all


def action_figures(probabilities: np.ndarray, actions: np.ndarray) -> dict[str, float]:
    """Returns the figures of predictions.

    Args:
        probabilities: (N, A), of each action; rows sum to 1.
        actions: int (N,), what was done.

    Returns:
        ``accuracy`` of the likeliest action; ``macro_f1``, the mean over the actions that were
        done or foretold; ``nll``, nats.

    Raises:
        ValueError: No actions, others than 0 to A - 1, or other shapes.
    """
    probabilities, actions = np.asarray(probabilities, np.float64), _checked(actions)
    if probabilities.ndim != 2 or len(probabilities) != len(actions):
        raise ValueError(f"probabilities must be ({len(actions)}, A), got {probabilities.shape}.")
    count = probabilities.shape[1]
    if actions.max() >= count:
        raise ValueError(f"Actions must be from 0 to {count - 1}, got {actions.max()}.")
    foretold = probabilities.argmax(1)
    right = np.bincount(actions[foretold == actions], minlength=count)
    # 2 TP / (2 TP + FP + FN): what was done and what was foretold, together.
    both = np.bincount(actions, minlength=count) + np.bincount(foretold, minlength=count)
    likelihood = probabilities[np.arange(len(actions)), actions]
    return {
        "accuracy": float((foretold == actions).mean()),
        "macro_f1": float((2 * right[both > 0] / both[both > 0]).mean()),
        "nll": float(-np.log(likelihood.clip(EPS, 1)).mean()),
    }


def action_shares(actions: np.ndarray, count: int) -> np.ndarray:
    """Returns how often each of A actions was done, as shares (A,)."""
    return np.bincount(_checked(actions), minlength=count) / len(actions)


def always_likeliest(shares: np.ndarray, number: int) -> np.ndarray:
    """Returns the shares of the training as predictions for each frame, (number, A)."""
    return np.tile(np.asarray(shares, np.float64), (number, 1))


def last_again(last: np.ndarray, repeated: float, shares: np.ndarray) -> np.ndarray:
    """Returns predictions that what was done last is done again.

    Args:
        last: int (N,), -1 where it is unknown; there the shares are foretold.
        repeated: Share of the training's frames on which it was so.
        shares: (A,), of the training; they divide the rest among the other actions.

    Returns:
        (N, A).
    """
    last, shares = np.asarray(last), np.asarray(shares, np.float64)
    found = always_likeliest(shares, len(last))
    known = np.flatnonzero(last >= 0)
    chosen = last[known]
    rows = found[known]
    rows[np.arange(len(known)), chosen] = 0
    rest = rows.sum(1, keepdims=True)
    others = (len(shares) - 1) or 1
    even = np.full_like(rows, 1 / others)
    rows = (1 - repeated) * np.where(rest > 0, rows / np.where(rest > 0, rest, 1), even)
    rows[np.arange(len(known)), chosen] = repeated
    found[known] = rows
    return found


def baseline_figures(
    actions: np.ndarray, lasts: Mapping[str, np.ndarray], train: np.ndarray, test: np.ndarray
) -> dict[str, dict[str, float]]:
    """Returns the figures of what looks at no frame.

    Args:
        actions: int (T,), what was done, -1 where unknown.
        lasts: Name → int (T,), what was done some time before, -1 where unknown.
        train: int (N,), frames that shares are counted on; their actions are known.
        test: int (M,), frames to foretell; their actions are known.

    Returns:
        Name → figures, of ``"majority"`` and of repeating each of the lasts.
    """
    count = int(actions.max()) + 1
    done, truth = actions[train], actions[test]
    shares = action_shares(done, count)
    found = {"majority": action_figures(always_likeliest(shares, len(test)), truth)}
    for name, last in lasts.items():
        known = last[train] >= 0
        # Kept off 0 and 1: where a certainty fails once, nothing is left of its likelihood.
        repeated = ((done == last[train])[known].sum() + 1) / (known.sum() + 2)
        found[name] = action_figures(last_again(last[test], float(repeated), shares), truth)
    return found


def _checked(actions: np.ndarray) -> np.ndarray:
    actions = np.asarray(actions)
    if actions.ndim != 1 or not len(actions) or actions.dtype.kind not in "iu":
        raise ValueError(
            f"actions must be integers (N,), N at least 1, got {actions.dtype} {actions.shape}."
        )
    if actions.min() < 0:
        raise ValueError(f"Actions are counted from 0, got {actions.min()}.")
    return actions
