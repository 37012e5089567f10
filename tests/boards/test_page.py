"""Pages: the same bytes from the same file, and what stands in their tables."""

import json

import cv2
import pytest
from board_plans import record_of

from objwrappers.boards.cells import cells_of
from objwrappers.boards.driver import told
from objwrappers.boards.page import write_page
from objwrappers.boards.records import read_export, write_export


@pytest.fixture
def export(make_plan, tmp_path):
    """Of pixels that score 10 and 30 in Pong, objects 40 and 60, and random 0; no Ms. Pac-Man."""
    plan = make_plan()
    cells = cells_of(plan)
    scores = {"random": [0], "pixels": [10, 30], "objects": [40, 60]}
    records = {
        cell.name: record_of(cell, scores[cell.observation][max(cell.seed, 1) - 1])
        for cell in cells
        if cell.game == "Pong" and cell.budget <= 1000
    }
    path = tmp_path / "two.json"
    write_export(path, told(plan, cells, "two"), records)
    return path


def test_a_page_is_made_again_byte_by_byte(export, tmp_path):
    for folder in ("a", "b"):
        written = write_page(read_export(export), tmp_path / folder / "two.md")
    assert [path.name for path in written] == [
        "two.md",
        *("two-1000-none-ppo-scores.png", "two-1000-none-ppo-curves.png"),
        *("two-1000-both-ppo-scores.png", "two-1000-both-ppo-curves.png"),
    ]
    for path in written:
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
        assert path.suffix == ".md" or cv2.imread(str(path)).std() > 0


def test_tables_show_scores_ratios_and_runs(export, tmp_path):
    page, *_ = write_page(read_export(export), tmp_path / "two.md")
    lines = page.read_text().splitlines()
    start = lines.index("## 1,000 agent steps, no bars")
    assert lines[start + 2 : start + 7] == [
        "| game | random | pixels | objects \\| all |",
        "| --- | --: | --: | --: |",
        "| Pong | 0.00 | 20.0 [10.0, 30.0] (2) | 50.0 [40.0, 60.0] ×2.50 (2) |",  # noqa: RUF001
        "| MsPacman | – | – | – |",  # noqa: RUF001
        "| all games, × |  | 1.00 [0.50, 1.50] (2) | 2.50 [2.00, 3.00] (2) |",  # noqa: RUF001
    ]
    # Pixels of 10 never get to 20, those of 30 at 14 of 20 windows, the median of both does not;
    # objects of 40 at half of 100 s, those of 60 at 7 windows, 35 s.
    assert "| Pong | 100 → – (1 of 2) | 100 → 42 (2 of 2) |" in lines  # noqa: RUF001
    assert "| objects \\| all | 10 | 20 | 50 |" in lines
    start = lines.index("## Share of the clean score: 1,000 agent steps, bars: both")
    assert lines[start + 6] == "| Pong | 1.00 [0.50, 1.50] (2) |"
    assert "6 of 20 trainings are there." in page.read_text()
    rest = "4,000 agent steps, no bars; 4,000 agent steps, bars: both"
    assert f"Nothing was run yet of: {rest}." in lines
    assert "- Machines: 2 cores, OMP_NUM_THREADS=1." in lines
    assert "- Measured twice." in lines
    command = "python zoo/train.py --algo ppo --env ObjFrames-Pong-v0 -n 1000 --seed 1 --device cpu"
    assert any(line.startswith(command) for line in lines)


def test_a_board_of_nothing_is_a_page(make_plan, tmp_path):
    plan = make_plan(random=False)
    write_export(tmp_path / "two.json", told(plan, cells_of(plan), "two"), {})
    written = write_page(read_export(tmp_path / "two.json"), tmp_path / "two.md")
    assert [path.name for path in written] == ["two.md"]
    assert "0 of 20 trainings are there." in written[0].read_text()


def test_a_run_without_games_or_reference_is_drawn(make_plan, tmp_path):
    plan = make_plan()
    cell = next(cell for cell in cells_of(plan) if cell.observation == "objects")
    empty = [[50 * (i + 1), None, 0] for i in range(20)]
    records = {cell.name: record_of(cell, 1.0, curve=empty)}
    content = {"board": told(plan, cells_of(plan), "two"), "cells": records}
    # As JSON has it, lists for tuples.
    page, *pictures = write_page(json.loads(json.dumps(content)), tmp_path / "two.md")
    assert [path.name for path in pictures] == ["two-1000-none-ppo-curves.png"]
    assert "| Pong | – | 1.00 (1) |" in page.read_text()  # noqa: RUF001
    assert "| Pong | 100 → – |" in page.read_text()  # noqa: RUF001
