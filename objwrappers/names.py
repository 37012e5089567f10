"""What to say of a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["unknown_name"]


def unknown_name(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """Returns the error to raise: the nearest name, if one is near, and all there are.

    Args:
        kind: What the name should be of: ``"network"``.
        name: What was given.
        names: Those that exist.
    """
    names = list(names)
    nearest = difflib.get_close_matches(str(name), names, n=1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return ValueError(f"Unknown {kind} {name!r}. {hint}There are {', '.join(names)}.")
