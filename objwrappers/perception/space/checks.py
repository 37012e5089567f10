"""Which arguments of SPACE can be: what is checked before anything is built.

* :func:`check_space`, :func:`check_space_time`
"""

from __future__ import annotations

from collections.abc import Sequence

from objwrappers.names import check_name, unknown_name
from objwrappers.perception.space.networks import SIZES

__all__ = ["check_space", "check_space_time"]

# What a stranger's file may ask for.
MOST_COMPONENTS, MOST_OBJECTS, LARGEST_WHAT, LONGEST_STACK = 16, 256, 1024, 64


def check_space(
    network: str,
    grid: int,
    components: int,
    max_objects: int,
    what_size: int,
    positive: dict[str, float],
    schedules: dict[str, Sequence[float]],
    fixed_alpha: Sequence[float],
    shares: dict[str, float],
) -> None:
    """Checks what :class:`~objwrappers.perception.space.space.Space` is asked for.

    Args:
        network: Its name.
        grid: G.
        components: K.
        max_objects: M.
        what_size: D.
        positive: Numbers above 0, by name.
        schedules: By name.
        fixed_alpha: Share of the training and value.
        shares: Numbers in [0, 1], by name.

    Raises:
        ValueError: One that cannot be.
    """
    check_name("network", network, SIZES)
    if grid not in SIZES[network].grids:
        grids = ", ".join(map(str, SIZES[network].grids))
        raise ValueError(f"grid must be one of {grids} for the {network} network, got {grid}.")
    _check_count("components", components, 1, MOST_COMPONENTS)
    _check_count("max_objects", max_objects, 0, MOST_OBJECTS)
    _check_count("what_size", what_size, 1, LARGEST_WHAT)
    for name, value in positive.items():
        if not value > 0:
            raise ValueError(f"{name} must be above 0, got {value}.")
    for name, schedule in schedules.items():
        _check_schedule(name, schedule)
    for name, low, high in (("presence_prior", 0, 1), ("temperature", 0, float("inf"))):
        if not all(low < value < high for value in schedules[name][:2]):
            raise ValueError(f"{name} must be above {low} and below {high}, got {schedules[name]}.")
    _check_shares(shares)
    if len(fixed_alpha) != 2 or not all(0 <= value <= 1 for value in fixed_alpha):
        raise ValueError(
            f"fixed_alpha is a share of the training and a value in [0, 1], got {fixed_alpha}."
        )


def check_space_time(
    stack_length: int,
    not_negative: dict[str, float],
    motion_schedule: Sequence[float],
    scheduling: str,
    steepness: float,
) -> None:
    """Checks what :class:`~.space_time.SpaceTime` is asked for beside that.

    Args:
        stack_length: T.
        not_negative: Weights, by name.
        motion_schedule: Of 1 - λ.
        scheduling: Its name.
        steepness: Base of the exponential.

    Raises:
        ValueError: One that cannot be.
    """
    _check_count("stack_length", stack_length, 1, LONGEST_STACK)
    for name, value in not_negative.items():
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}.")
    _check_schedule("motion_schedule", motion_schedule)
    if not all(0 <= value <= 1 for value in motion_schedule[:2]):
        raise ValueError(f"motion_schedule holds shares in [0, 1], got {motion_schedule}.")
    if scheduling not in ("fixed", "dynamic"):
        raise unknown_name("scheduling", scheduling, ("fixed", "dynamic"))
    if not steepness > 1:
        raise ValueError(f"steepness must be above 1, got {steepness}.")


def _check_count(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be in [{least}, {most}], got {value}.")


def _check_shares(shares: dict[str, float]) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {value}.")


def _check_schedule(name: str, schedule: Sequence[float]) -> None:
    if len(schedule) != 4 or not 0 <= schedule[2] <= schedule[3]:
        raise ValueError(
            f"{name} must be (first value, last value, share of the training where it starts to "
            f"move, share where it has arrived), got {schedule}."
        )
