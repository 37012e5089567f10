"""Parts of the data to train and to validate on, that share no frame.

* :func:`official_split`: by the trials that the dataset's authors validated on
* :func:`is_official_test`: whether a recording is of one of these
* :func:`chain_folds`: folds of trials, of which none continues a game of another fold
* :func:`tail_split`: the last part of each trial
* :func:`range_split`: ranges of frame numbers, for data of one trial; :data:`EXAMPLE_RANGES`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from objwrappers.datasets.atari_head.trials import Trial
from objwrappers.games import rom_name

__all__ = [
    "EXAMPLE_RANGES",
    "VALIDATION_TRIALS",
    "chain_folds",
    "is_official_test",
    "official_split",
    "range_split",
    "tail_split",
]

VALIDATION_TRIALS: dict[str, tuple[int, ...]] = {
    "alien": (334, 367, 421, 491),
    "asterix": (168, 315, 502),
    "bank_heist": (355, 380, 417, 470),
    "berzerk": (208, 280, 377, 476),
    "breakout": (140, 307, 92),
    "centipede": (204, 450, 69, 97),
    "demon_attack": (200, 256, 262, 495),
    "enduro": (146, 372, 473, 98),
    "freeway": (55, 617),
    "frostbite": (228, 354, 409, 492),
    "hero": (270, 325, 384, 482),
    "montezuma_revenge": (324, 371, 429, 493),
    "ms_pacman": (137, 273, 61, 91),
    "name_this_game": (230, 353, 422, 500),
    "phoenix": (214, 357, 427, 477),
    "riverraid": (102, 389, 485, 99),
    "road_runner": (303, 375, 425, 503),
    "seaquest": (185, 407, 67, 87),
    "space_invaders": (222, 302, 345, 497),
    "venture": (114, 155, 462, 65),
}
"""Game → ids of the trials that the dataset's authors validated on; Venture's 65 is in no table."""

EXAMPLE_RANGES = {"train": (1, 9_000), "validation": (9_001, 10_000), "test": (10_001, 11_500)}
"""First and last frame of each part of Ms. Pac-Man's trial 593, as far as results are told here."""


def official_split(trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """Returns the trials to train and those to validate on, as the authors chose them.

    A few trials for training continue the saved game of one for validation, and come close to
    its frames; :func:`chain_folds` keeps them together.

    Raises:
        ValueError: A part is empty, or a trial's game is unknown.
    """
    train: list[Trial] = []
    validation: list[Trial] = []
    for trial in trials:
        if trial.game not in VALIDATION_TRIALS:
            raise ValueError(f"The game of {trial.name} is unknown; read it with game=.")
        chosen = trial.trial_id in VALIDATION_TRIALS[trial.game]
        (validation if chosen else train).append(trial)
    if not train or not validation:
        wanted = {trial.game: VALIDATION_TRIALS[trial.game or ""] for trial in trials}
        raise ValueError(
            f"The official split leaves {len(train)} of {len(trials)} trials to train and "
            f"{len(validation)} to validate on, which are {wanted}; split within trials by "
            "tail_split."
        )
    return train, validation


def is_official_test(name: str, task: str) -> bool:
    """Tells whether the dataset's authors validated on a trial.

    Args:
        name: Of the trial, ``"593_RZ_5037271_Aug-05-15-35-12"``.
        task: As ids spell the game, ``"MsPacman"``.
    """
    number = name.partition("_")[0]
    return number.isdigit() and int(number) in VALIDATION_TRIALS[rom_name(task)]


def chain_folds(trials: Sequence[Trial], folds: int) -> list[list[Trial]]:
    """Returns folds of about as many frames each; trials that continue each other stay together.

    Args:
        trials: With their metadata, which tell what continues what; see :attr:`.Trial.chain`.
        folds: K. Of K folds, validate on one and train on the others.

    Raises:
        ValueError: Fewer chains than folds, or fewer than two folds.
    """
    chains: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        chains.setdefault((trial.game or "", trial.chain), []).append(trial)
    if not 2 <= folds <= len(chains):
        raise ValueError(
            f"{len(trials)} trials of {len(chains)} chains can be split into 2 to {len(chains)} "
            f"folds, got {folds}."
        )
    sizes = {key: sum(map(_frames, chain)) for key, chain in chains.items()}
    parts: list[list[Trial]] = [[] for _ in range(folds)]
    totals = [0] * folds
    for key in sorted(chains, key=lambda key: (-sizes[key], key)):
        # Of folds that hold as many frames the one with fewer trials, so that none stays empty.
        part = min(range(folds), key=lambda fold: (totals[fold], len(parts[fold])))
        parts[part] += chains[key]
        totals[part] += sizes[key]
    return parts


def tail_split(count: int, percent: float, gap: int) -> tuple[range, range]:
    """Returns the steps of a trial to train and to validate on, the last ones.

    Args:
        count: T, steps of the trial.
        percent: How much of it is for validation, above 0 and below 100.
        gap: Steps between both that are used for neither: at least as many as a stack of frames
            is long, so that no frame is seen in both.

    Raises:
        ValueError: Too few steps, or values out of range.
    """
    if not 0 < percent < 100 or gap < 0:
        raise ValueError(
            f"percent is above 0 and below 100, gap not negative, got {percent} and {gap}."
        )
    cut = count - max(round(count * percent / 100), 1)
    if cut - gap < 1:
        raise ValueError(
            f"{count} steps are too few to leave {percent} % of them and a gap of {gap} steps."
        )
    return range(cut - gap), range(cut, count)


def range_split(
    numbers: np.ndarray, ranges: Mapping[str, tuple[int, int]] = EXAMPLE_RANGES
) -> dict[str, range]:
    """Returns the steps whose frames lie in ranges of numbers.

    Args:
        numbers: Ascending (T,), of the frames: :attr:`.HumanRecording.numbers`.
        ranges: Name → first and last frame number, both within.

    Raises:
        ValueError: Ranges share a frame, or there is none in one.
    """
    parts: dict[str, range] = {}
    for name, (first, last) in ranges.items():
        for other, (low, high) in ranges.items():
            if other != name and max(first, low) <= min(last, high):
                raise ValueError(f"{name} {first}-{last} and {other} {low}-{high} share frames.")
        begin, end = np.searchsorted(numbers, [first, last + 1])
        if begin >= end:
            known = f"{numbers[0]} to {numbers[-1]}" if len(numbers) else "none"
            raise ValueError(
                f"{name}: no frame from {first} to {last} is there; there are {known}."
            )
        parts[name] = range(int(begin), int(end))
    return parts


def _frames(trial: Trial) -> int:
    return (trial.metadata.total_frames if trial.metadata else None) or 1
