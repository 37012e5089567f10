"""What to say of a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest_names", "unknown_name"]


def nearest_names(
    name: object, names: Iterable[str], count: int = 1, cutoff: float = 0.5
) -> list[str]:
    """Returns the names that are most like one, whatever the case of letters; the nearest first.

    Args:
        name: What was given.
        names: Those that exist.
        count: At most so many.
        cutoff: Least likeness, in [0, 1].
    """
    by_lower_case = {each.lower(): each for each in names}
    near = difflib.get_close_matches(str(name).lower(), by_lower_case, count, cutoff)
    return [by_lower_case[each] for each in near]


def unknown_name(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """Returns the error to raise: the nearest name, if one is near, and all there are.

    Args:
        kind: What the name should be of: ``"network"``.
        name: What was given.
        names: Those that exist.
    """
    names = list(names)
    nearest = nearest_names(name, names)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return ValueError(f"Unknown {kind} {name!r}. {hint}There are {', '.join(names)}.")
