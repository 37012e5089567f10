"""What to say of a name that there is not.

* :func:`nearest_names`, :func:`did_you_mean`: which names were meant, and the sentence that asks
* :func:`check_name`, :func:`unknown_name`: the error, raised where a name is unknown or to raise
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["check_name", "did_you_mean", "nearest_names", "unknown_name"]

LIKENESS = 0.6
"""Of two names, in [0, 1], from which on one is offered for the other."""


def nearest_names(
    name: object, names: Iterable[str], count: int = 3, likeness: float = LIKENESS
) -> list[str]:
    """Returns the names most like one that is unknown, the likest first.

    Capitals and underscores do not count.

    Args:
        name: What was given.
        names: Those that exist.
        count: How many to return at most.
        likeness: From which on a name is like another, in [0, 1].
    """
    by_plain_name = {_plain(known): known for known in names}
    plain = difflib.get_close_matches(_plain(str(name)), by_plain_name, count, likeness)
    return [by_plain_name[match] for match in plain]


def did_you_mean(
    name: object, names: Iterable[str], count: int = 3, likeness: float = LIKENESS
) -> str:
    """Returns ``"Did you mean 'a' or 'b'?"``, empty where no name is near; see above."""
    nearest = nearest_names(name, names, count, likeness)
    return f"Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""


def check_name(kind: str, name: object, names: Iterable[str]) -> None:
    """Raises the error of :func:`unknown_name` for what is no name, or none of those."""
    names = list(names)
    if not isinstance(name, str) or name not in names:
        raise unknown_name(kind, name, names)


def unknown_name(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """Returns the error to raise: the nearest name, if one is near, and all there are.

    Args:
        kind: What the name should be of: ``"network"``.
        name: What was given.
        names: Those that exist.
    """
    names = list(names)
    hint = did_you_mean(name, names, count=1)
    sentences = [f"Unknown {kind} {name!r}.", hint, f"There are {', '.join(names)}."]
    return ValueError(" ".join(filter(None, sentences)))


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
