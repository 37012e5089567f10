"""Options of a program as the words of its command line.

* :func:`check_options`, :func:`option_words`: ``{"seed": 1}`` → ``--seed 1``
* :func:`fill`: ``{folder}`` and other placeholders
* :func:`set_option`: dotted names, ``hyperparams.batch_size``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from objwrappers.names import unknown_name

__all__ = ["check_options", "fill", "flat_options", "option_words", "set_option"]

SCALARS = (str, int, float, bool, type(None))
_PLACEHOLDER = re.compile(r"\{([\w.-]+)\}")


def check_options(options: Any, of: str) -> dict[str, Any]:
    """Returns options whose values a command line can say.

    Args:
        options: Name → a word, a number, true, false, null, a list of them, or a mapping to them.
        of: What they belong to, for the message.

    Raises:
        ValueError: No mapping, a name with spaces, or a value of another kind.
    """
    if not isinstance(options, dict):
        raise ValueError(f"{of} are names and values, got {options!r}.")
    for name, value in options.items():
        if not isinstance(name, str) or not name.strip("-") or re.search(r"\s", name):
            raise ValueError(f"{of}: {name!r} is no name of an option.")
        inner = value.values() if isinstance(value, dict) else [value]
        if not all(_is_plain(part) for part in inner):
            raise ValueError(
                f"{of}: {name} takes a word, a number, a list or names and values of these, "
                f"got {value!r}."
            )
    return options


def _is_plain(value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return all(isinstance(part, SCALARS) for part in parts)


def set_option(options: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Returns options with one of them replaced or added.

    Args:
        options: Not changed.
        name: Of an option, or ``option.key`` for one that takes ``key:value``.
        value: Of it.

    Raises:
        ValueError: ``option.key`` of an option that has a single value.
    """
    first, dot, rest = name.partition(".")
    if not dot:
        return {**options, name: value}
    inner = options.get(first) or {}
    if not isinstance(inner, dict):
        raise ValueError(f"{name}: the option {first} is {inner!r}, not names and values.")
    return {**options, first: {**inner, rest: value}}


def flat_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns dotted name → value; of lists and scalars alike."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Returns ``--name value`` for each option.

    A name of one letter gets one dash, a name with dashes keeps them. A list becomes several words,
    a mapping ``key:value`` words; true is the bare flag; false and null leave the option out.
    """
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append(name if name.startswith("-") else f"{'-' if len(name) == 1 else '--'}{name}")
        if isinstance(value, dict):
            words += [f"{key}:{inner}" for key, inner in value.items()]
        elif isinstance(value, list):
            words += map(str, value)
        elif value is not True:
            words.append(str(value))
    return words


def fill(value: Any, names: Mapping[str, Any]) -> Any:
    """Replaces ``{name}`` in every word of a value.

    Args:
        value: A word, or lists and mappings of words; others stay.
        names: Placeholder → what takes its place.

    Raises:
        ValueError: A placeholder that there is not.
    """
    if isinstance(value, dict):
        return {key: fill(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, names) for inner in value]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        if match[1] not in names:
            raise unknown_name("placeholder", match[0], [f"{{{name}}}" for name in names])
        return str(names[match[1]])

    return _PLACEHOLDER.sub(replacement, value)


def has_placeholder(value: Any) -> bool:
    """Whether a word holds ``{name}``."""
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None
