"""The figures of a board, by hand."""

import pytest
from board_plans import record_of

from objwrappers.boards.board import Board, Group
from objwrappers.boards.cells import cells_of
from objwrappers.boards.driver import told

CLEAN, BARS = Group(1000, "none", "ppo"), Group(1000, "both", "ppo")
SCORES = {
    ("random", "Pong"): [-20],
    ("random", "MsPacman"): [100],
    # Each seed's, without bars.
    ("pixels", "Pong"): [-12, -8],
    ("pixels", "MsPacman"): [300, 500],
    ("objects", "Pong"): [0, 10],
}


def content_of(plan, scores=SCORES, wanted=lambda cell: True):
    """A board of these scores; under bars they are half as far from random."""
    cells = {}
    for cell in cells_of(plan):
        if not wanted(cell) or (cell.observation, cell.game) not in scores:
            continue
        found = scores[cell.observation, cell.game]
        score = found[max(cell.seed, 1) - 1]
        if cell.noise != "none":
            score = (score + scores["random", cell.game][0]) / 2
        cells[cell.name] = record_of(cell, score)
    return {"board": told(plan, cells_of(plan), "two"), "cells": cells}


@pytest.fixture
def board(make_plan):
    return Board(content_of(make_plan(), wanted=lambda cell: cell.budget <= 1000))


def test_scores_are_means_over_runs(board):
    score = board.score("Pong", "pixels", CLEAN)
    assert (score.value, score.interval, score.runs, score.games) == (-10, (-12, -8), 2, 1)
    assert board.random("Pong") == -20
    assert board.score("MsPacman", "objects", CLEAN) is None
    assert board.groups == [CLEAN, BARS]
    assert board.not_run == [Group(4000, "none", "ppo"), Group(4000, "both", "ppo")]


def test_ratios_begin_at_random(board):
    # Pixels are 10 above random; objects 20 and 30.
    ratio = board.ratio("Pong", "objects", CLEAN)
    assert (ratio.value, ratio.interval, ratio.runs) == (2.5, (2.0, 3.0), 2)
    assert board.ratio("Pong", "pixels", CLEAN).value == 1
    # (8 + 12) / 10 in Pong, (200 + 400) / 300 in Ms. Pac-Man: the middle two of four runs.
    whole = board.overall("pixels", CLEAN)
    assert whole.value == pytest.approx((0.8 + 1.2) / 2) and (whole.runs, whole.games) == (4, 2)


def test_bars_leave_a_share_of_the_clean_score(board):
    share = board.share(["Pong"], "pixels", BARS, ("pixels", CLEAN))
    # Half of 8 and of 12, of 10.
    assert (share.value, share.interval) == (0.5, (0.4, 0.6))
    assert board.share(["Pong"], "objects", BARS, ("objects", CLEAN)) is None


def test_without_what_is_compared_with_there_is_no_ratio(make_plan):
    plan = make_plan()
    below = Board(content_of(plan, {**SCORES, ("pixels", "Pong"): [-21, -20]}))
    assert below.ratio("Pong", "objects", CLEAN) is None
    assert below.overall("objects", CLEAN) is None
    assert below.overall("pixels", CLEAN).games == 1
    without = Board(content_of(plan, wanted=lambda cell: cell.observation != "random"))
    assert without.random("Pong") is None and without.ratio("Pong", "objects", CLEAN) is None
    # A plan that does without the random policy counts from 0.
    from_zero = Board(content_of(make_plan(random=False)))
    assert from_zero.ratio("MsPacman", "pixels", CLEAN).value == 1
    assert from_zero.ratio("Pong", "objects", CLEAN) is None


def test_seconds_until_the_reference_s_score(board):
    # 10 steps a processor second, 20 a second; curves rise evenly to the score at the end.
    cost = board.cost(["MsPacman"], "pixels", CLEAN)
    assert (cost.processor_s, cost.wall_s, cost.runs) == (100, 50, 2)
    assert (cost.steps_per_processor_s, cost.steps_per_s) == (10, 20)
    # The mean is 400: seed 1 ends at 300; seed 2 gets there at 16 of 20 windows, 80 s.
    assert (cost.to_reference_s, cost.reached) == (None, 1)


def curve(*means):
    return [[(i + 1) * 100, mean, 1] for i, mean in enumerate(means)]


def test_seconds_until_that_score_are_a_median(make_plan):
    plan = make_plan(seeds=[1, 2, 3], noises=["none"])
    cells = {cell.name: record_of(cell, 5.0) for cell in cells_of(plan)}
    curves = [curve(None, 5.0, 1.0), curve(1.0, 2.0, 4.9), curve(1.0, 4.0, 7.0)]
    for seed, points in enumerate(curves, 1):
        cells[f"objects_Pong_ppo_none_1000_{seed}"]["curve"] = points
    content = {"board": told(plan, cells_of(plan), "two"), "cells": cells}
    # A score that a random policy has is none to reach.
    found = Board(content).cost(["Pong"], "objects", CLEAN)
    assert (found.to_reference_s, found.reached) == (None, None)
    cells["random_Pong"]["score"] = 0.5
    cost = Board(content)
    found = cost.cost(["Pong"], "objects", CLEAN)
    # After 200 steps, never, and after 300, of 1000 in 100 s.
    assert (found.to_reference_s, found.reached, found.runs) == (30, 2, 3)
    only = {name: record for name, record in cells.items() if record["observation"] == "objects"}
    alone = Board({"board": told(plan, cells_of(plan), "two"), "cells": only})
    found = alone.cost(["Pong"], "objects", CLEAN)
    assert (found.to_reference_s, found.reached) == (None, None)
    assert alone.cost(["MsPacman"], "objects", CLEAN) is None
