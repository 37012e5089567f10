"""What ``reset(options=...)`` may say, in every layer of an env alike.

* :func:`check_reset_options`, :func:`reset_mask`
* :func:`env_seeds`: a vector env's seed → one for each env
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["check_reset_options", "env_seeds", "reset_mask"]


def check_reset_options(options: Any) -> None:
    """Raises ValueError where the options of a reset are neither a dict nor None."""
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"The options of reset() are a dict or None, got {options!r}.")


def reset_mask(options: Mapping[str, Any] | None) -> Any:
    """Returns which envs a vector env's reset is of, bool (N,); None for all of them.

    Raises:
        ValueError: The options are neither a dict nor None.
    """
    check_reset_options(options)
    return None if options is None else options.get("reset_mask")


def env_seeds(seed: Any, mask: np.ndarray | None, num_envs: int) -> list[int | None] | None:
    """Returns a seed for each env, as Gymnasium's vector envs count them; None where there is none.

    Args:
        seed: None; an integer, for seed + i in env i, whichever are reset; or one for each env,
            or for each that is reset.
        mask: bool (N,), which envs are reset; None for all.
        num_envs: N.

    Raises:
        ValueError: As many seeds as there are neither envs nor envs that are reset.
    """
    if seed is None:
        return None
    if not hasattr(seed, "__len__"):
        return [int(seed) + i for i in range(num_envs)]
    given = [None if one is None else int(one) for one in seed]
    if len(given) == num_envs:
        return given
    envs = [*range(num_envs)] if mask is None else np.flatnonzero(mask).tolist()
    if len(given) != len(envs):
        reset = "" if mask is None else f", of which {len(envs)} are reset"
        raise ValueError(f"There are {len(given)} seeds for {num_envs} envs{reset}: {seed!r}.")
    spread: list[int | None] = [None] * num_envs
    for env, one in zip(envs, given, strict=True):
        spread[env] = one
    return spread
