"""Splits that share no frame."""

import numpy as np
import pytest

from objwrappers.datasets.atari_head import (
    GAMES,
    chain_folds,
    official_split,
    range_split,
    read_trials,
    tail_split,
)
from objwrappers.datasets.atari_head.metadata import Metadata, read_metadata
from objwrappers.datasets.atari_head.reports import Rejections
from objwrappers.datasets.atari_head.splits import VALIDATION_TRIALS
from objwrappers.datasets.atari_head.trials import Trial


def trial(number, chain=None, frames=None, game="ms_pacman"):
    unknown = [None] * 9
    metadata = Metadata(game, number, False, "R", 0, None, frames, *unknown[2:])
    return Trial(f"{number}_RZ_1", None, None, game, metadata=metadata, chain=chain)


def ids(trials):
    return [t.trial_id for t in trials]


def test_the_official_split_is_by_game():
    train, validation = official_split(
        [trial(n) for n in (52, 61, 137, 593)] + [trial(61, game="alien"), trial(334, game="alien")]
    )
    assert ids(train) == [52, 593, 61] and ids(validation) == [61, 137, 334]
    assert set(VALIDATION_TRIALS) == set(GAMES)
    with pytest.raises(ValueError, match=r"leaves 1 of 1 trials to train and 0 .* tail_split"):
        official_split([trial(593)])
    with pytest.raises(ValueError, match="The game of 5_RZ_1 is unknown"):
        official_split([Trial("5_RZ_1", None, None)])


def test_official_trials_are_in_the_table(real_data):
    known = read_metadata(real_data / "meta_data.csv", Rejections())
    assert len(known) == 471 and sum(m.total_frames for m in known.values()) == 7_937_159
    missing = [
        (g, n) for g, numbers in VALIDATION_TRIALS.items() for n in numbers if (g, n) not in known
    ]
    assert missing == [("venture", 65)]
    assert not any(
        known[key].highscore
        for g in GAMES
        for n in VALIDATION_TRIALS[g]
        if (key := (g, n)) in known
    )


def test_chains_stay_together():
    trials = [
        trial(1, frames=50),
        trial(2, chain=1, frames=30),
        trial(3, frames=60),
        trial(4, frames=45),
    ]
    folds = chain_folds([*trials, trial(1, frames=10, game="alien")], 2)
    # 80 frames of the chain, then 60, 45 and 10, each to the fold with fewer frames.
    assert [ids(fold) for fold in folds] == [[1, 2, 1], [3, 4]]
    for count in (1, 5):
        with pytest.raises(ValueError, match=r"4 trials of 3 chains can be split into 2 to 3"):
            chain_folds(trials, count)
    assert sorted(map(len, chain_folds(trials, 3))) == [1, 1, 2]


def test_made_up_trials_in_folds(synthetic):
    folds = chain_folds(read_trials(synthetic["zip"]), 3)
    assert sorted(ids(fold) for fold in folds) == [[101], [202], [203, 301]]


@pytest.mark.parametrize(("count", "percent", "gap"), [(100, 10, 4), (11_500, 12.5, 0), (7, 1, 3)])
def test_tails_keep_their_distance(count, percent, gap):
    train, validation = tail_split(count, percent, gap)
    assert train.start == 0 and validation.stop == count
    assert validation.start - train.stop == gap
    assert len(validation) == max(round(count * percent / 100), 1)


@pytest.mark.parametrize(
    "arguments", [(100, 0, 1), (100, 100, 1), (100, 10, -1), (10, 50, 5), (0, 5, 0)]
)
def test_tails_of_too_little(arguments):
    with pytest.raises(ValueError, match=r"percent is above 0|too few"):
        tail_split(*arguments)


def test_ranges_are_of_frame_numbers():
    parts = range_split(np.arange(1, 11_501))
    assert parts == {
        "train": range(9_000),
        "validation": range(9_000, 10_000),
        "test": range(10_000, 11_500),
    }
    numbers = np.array([1, 2, 5, 6, 9])
    assert range_split(numbers, {"a": (2, 5), "b": (6, 8)}) == {"a": range(1, 3), "b": range(3, 4)}
    with pytest.raises(ValueError, match="a 1-5 and b 5-9 share frames"):
        range_split(numbers, {"a": (1, 5), "b": (5, 9)})
    with pytest.raises(ValueError, match="a: no frame from 3 to 4 is there; there are 1 to 9"):
        range_split(numbers, {"a": (3, 4)})
