"""What ``reset(options=...)`` may say, in every layer of an env alike.

* :func:`check_reset_options`, :func:`reset_mask`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["check_reset_options", "reset_mask"]


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
