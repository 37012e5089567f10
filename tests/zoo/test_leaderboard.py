"""zoo/leaderboard.py: its options and errors, and a board of real trainings."""

import json

import pytest

PLAN = """
games: [Pong]
budgets: [256]
seeds: [1]
episodes: 2
observations:
  pixels: &column
    env: "ObjFrames-{game}-v0"
    env_kwargs: {max_num_frames_per_episode: 160, repeat_action_probability: 0.25}
    hyperparams: {n_envs: 4, n_steps: 16, n_epochs: 1, batch_size: 32}
  objects:
    <<: *column
    env: "ObjScene-{game}-v0"
"""


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "tiny.yml").write_text(PLAN)
    return "tiny.yml"


def test_a_report_of_nothing_says_what_is_missing(run_zoo, plan, tmp_path):
    output = run_zoo("leaderboard", plan, "--report").stdout.splitlines()
    assert output == [
        "Wrote zoo/leaderboard/tiny.json, zoo/leaderboard/tiny.md",
        "3 cells are missing. Next: the same without --report.",
    ]
    page = (tmp_path / "zoo" / "leaderboard" / "tiny.md").read_text()
    assert "`python zoo/leaderboard.py tiny.yml --report`" in page


def test_errors_are_one_line(run_zoo, plan):
    def error(*words):
        result = run_zoo("leaderboard", *words, ok=False)
        assert "Traceback" not in result.stderr
        return result.stderr

    assert "There is no file leaderbord, nor a board of that name" in error("leaderbord")
    assert "--only takes axis=value,value, got 'game'" in error(plan, "--only", "game")
    assert "--only takes axis=value,value, got 'seed=1,'" in error(plan, "--only", "seed=1,")
    only = error(plan, "--only", "observation=pixel,objects", "seed=1")
    assert "Unknown observation 'pixel'. Did you mean 'pixels'?" in only
    assert "jobs must be at least 1, got 0" in error(plan, "--jobs", 0)


@pytest.mark.slow
def test_a_board_of_two_trainings(run_zoo, plan, tmp_path):
    output = run_zoo("leaderboard", plan, "-f", "b", "--export", "e/tiny.json").stdout
    assert "3 cells in b, 0 finished before" in output and "cells are missing" not in output
    cells = json.loads((tmp_path / "e" / "tiny.json").read_text())["cells"]
    assert list(cells) == [
        *("random_Pong", "pixels_Pong_ppo_none_256_1", "objects_Pong_ppo_none_256_1")
    ]
    for cell in list(cells.values())[1:]:
        assert cell["steps"] == 256 and cell["versions"]["objwrappers"]
        assert 0 < cell["processor_s"] and 0 < cell["wall_s"]
        # Games of 40 steps in four envs end together: after 160 of 256 steps, in window 13 of 20.
        assert [games for _, _, games in cell["curve"]] == [0] * 12 + [4] + [0] * 7
    record = json.loads((tmp_path / "b" / "pixels_Pong_ppo_none_256_1/result.json").read_text())
    assert len(record["scores"]) == 2
    page = (tmp_path / "e" / "tiny.md").read_bytes()
    run_zoo("leaderboard", plan, "--export", "e/tiny.json", "--report")
    assert (tmp_path / "e" / "tiny.md").read_bytes() == page
    assert {path.name for path in (tmp_path / "e").glob("*.png")} >= {
        "tiny-256-none-ppo-curves.png"
    }
