"""Arguments of a model that come from a file: of the right types and within bounds, or an error.

* :func:`check_arguments`: against a constructor's annotations
* :func:`construct`: the object that a config.json describes
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from objwrappers.names import unknown_name

__all__ = ["check_arguments", "construct"]

Made = TypeVar("Made")

MOST_ITEMS = 64
MOST_CHARACTERS = 1000
LARGEST = 2**53  # what a float still counts


def check_arguments(cls: type, arguments: Mapping[str, Any]) -> None:
    """Checks a constructor's arguments against its annotations.

    Args:
        cls: The class.
        arguments: As JSON gives them; a list is as good as a tuple.

    Raises:
        ValueError: One of another type, a number that is not finite, or anything too large.
    """
    parameters = inspect.signature(cls).parameters
    try:
        hints = get_type_hints(cls.__init__)  # type: ignore[misc]
    except NameError:  # a name that is imported for type checkers only
        hints = {}
    for name, value in arguments.items():
        _check_size(name, value)
        hint = hints.get(name, Any)
        named = get_origin(hint) is Literal and isinstance(value, str)
        if named and value not in get_args(hint):
            raise unknown_name(name, value, get_args(hint))
        if not _fits(value, hint):
            shown = str(parameters[name].annotation).replace("typing.", "")
            raise ValueError(f"{name} must be of type {shown}, got {_short(value)}.")


def construct(
    cls: type[Made],
    config: Mapping[str, Any],
    names: Sequence[str],
    where: str,
    optional: Sequence[str] = (),
) -> Made:
    """Makes what a config.json describes.

    Args:
        cls: The class.
        config: As JSON gives it.
        names: Of the arguments that it must have.
        where: The file, for messages.
        optional: Those that it may have.

    Raises:
        ValueError: An argument is missing, of another type, or refused by the constructor.
    """
    if missing := [name for name in names if name not in config]:
        raise ValueError(f"{where} is damaged: it lacks {', '.join(missing)}.")
    arguments = {name: config[name] for name in (*names, *optional) if name in config}
    try:
        check_arguments(cls, arguments)
        return cls(**arguments)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _check_size(name: str, value: Any) -> None:
    if isinstance(value, int | float) and not abs(value) <= LARGEST:  # NaN neither
        raise ValueError(f"{name} must be a finite number of at most 2^53, got {_short(value)}.")
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise ValueError(f"{name} has more than {MOST_CHARACTERS} characters: {_short(value)}.")
    if isinstance(value, list | tuple | dict):
        if len(value) > MOST_ITEMS:
            raise ValueError(f"{name} has more than {MOST_ITEMS} items: {_short(value)}.")
        for item in value.values() if isinstance(value, dict) else value:
            _check_size(name, item)


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no integers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _fits(value: Any, hint: Any) -> bool:
    """Tells whether a value from JSON is of a type; what is not a plain type fits always."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is Literal:
        return value in arguments
    kind = origin or hint
    if kind in (list, tuple, Sequence):
        items = [each for each in arguments if each is not ...] or [Any]
        same = len(items) == 1
        return isinstance(value, list | tuple) and (
            all(_fits(item, items[0]) for item in value)
            if same
            else len(value) == len(items) and all(map(_fits, value, items))
        )
    # True and False are no numbers here, an integer is as good as a float.
    plain: dict[Any, Any] = {int: int, float: int | float, str: str, bool: bool, dict: dict}
    if kind is None or kind is types.NoneType:
        return value is None
    if kind not in plain:
        return True
    return isinstance(value, plain[kind]) and (kind is bool or not isinstance(value, bool))
