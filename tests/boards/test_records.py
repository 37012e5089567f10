"""Records: learning curves by hand, what programs left, and files that are damaged."""

import json

import numpy as np
import pytest
from board_plans import record_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objwrappers.boards.cells import cells_of
from objwrappers.boards.records import (
    collect,
    learning_curve,
    read_export,
    read_record,
    write_export,
    write_record,
)


def test_a_curve_averages_the_games_of_each_twentieth():
    steps, scores = np.array([10, 50, 51, 1000, 1080]), np.array([1.0, 3.0, 5.0, 7.0, 10.0])
    curve = learning_curve(steps, scores, 1000)
    # A game that ends with a window is its, and so are the steps beyond the budget the last one's.
    assert curve[:3] == [[50, 2.0, 2], [100, 5.0, 1], [150, None, 0]]
    assert curve[-1] == [1000, 8.5, 2]
    assert len(curve) == 20 and sum(games for _, _, games in curve) == 5


def leave(folder, cell):
    """Writes what a cell's programs do."""
    run = folder / "agent" / "ppo" / f"{cell.env}_1"
    run.mkdir(parents=True)
    content = {"trained_timesteps": 1024, "versions": {"torch": "2.9"}}
    content["perceived"] = {"keypoints motion": "0123456789ab"}
    (run / "config.json").write_text(json.dumps(content))
    (run / "0.monitor.csv").write_text("#{}\nr,l,t,steps\n1,30,0.1,60\n4,30,0.1,1000\n")
    (folder / "scores.json").write_text('{"scores": [[[1.0, 2.0], [3.0, 6.0]]]}')
    (folder / "command.json").write_text('{"commands": [["a"], ["b"]]}')
    programs = [{"wall_s": 5.5, "processor_s": 9.0}, {"wall_s": 70, "processor_s": 70}]
    result = {"exit_code": 0, "error": None, "wall_s": 75.5, "programs": programs}
    (folder / "result.json").write_text(json.dumps(result))


def test_a_record_is_what_the_programs_left(make_plan, tmp_path):
    cell = cells_of(make_plan())[2]
    leave(tmp_path, cell)
    record = collect(cell, tmp_path, threads=2)
    expected = {
        **{"game": "Pong", "observation": "pixels", "algo": "ppo", "noise": "none"},
        **{"budget": 1000, "seed": 1, "facts": cell.facts, "episodes": 4},
        **{"score": 3.0, "deviation": 1.8708, "scores": [1.0, 2.0, 3.0, 6.0], "steps": 1024},
        **{"wall_s": 5.5, "processor_s": 9.0, "threads": 2, "versions": {"torch": "2.9"}},
        "perceived": {"keypoints motion": "0123456789ab"},
        "commands": [["a"], ["b"]],
    }
    assert record.items() >= expected.items()
    assert record["curve"][1] == [100, 1.0, 1] and record["curve"][19] == [1000, 4.0, 1]
    write_record(tmp_path / "cell", record)
    assert read_record(tmp_path / "cell") == record


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.json", "{}"),
        ("scores.json", '{"scores": []}'),
        ("scores.json", '{"scores": ["a"]}'),
        ("scores.json", '{"scores": [NaN]}'),
        ("scores.json", None),
        ("agent/ppo/ObjFrames-Pong-v0_1/config.json", "{}"),
        ("agent/ppo/ObjFrames-Pong-v0_1/config.json", None),
        ("agent/ppo/ObjFrames-Pong-v0_1/0.monitor.csv", None),
        ("result.json", None),
    ],
)
def test_what_programs_did_not_write_is_an_error(make_plan, tmp_path, name, content):
    cell = cells_of(make_plan())[2]
    leave(tmp_path, cell)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=str(tmp_path)):
        collect(cell, tmp_path, 1)


def test_a_training_too_short_for_a_game_has_an_empty_curve(make_plan, tmp_path):
    cell = cells_of(make_plan())[2]
    leave(tmp_path, cell)
    next(tmp_path.rglob("0.monitor.csv")).write_text("#{}\nr,l,t,steps\n")
    assert {games for _, _, games in collect(cell, tmp_path, 1)["curve"]} == {0}


def test_records_travel_without_episodes(make_plan, tmp_path):
    cells = cells_of(make_plan())[:3]
    records = {
        cell.name: record_of(cell, 3.0, scores=[3.0] * 4, commands=[["a"]]) for cell in cells
    }
    path = tmp_path / "two.json"
    write_export(path, {"title": "Two"}, records)
    content = read_export(path)
    assert content["board"] == {"title": "Two"}
    assert content["cells"] == {cell.name: record_of(cell, 3.0) for cell in cells}
    assert sum(line.startswith('"') for line in path.read_text().splitlines()) == 1 + len(cells)
    assert read_export(tmp_path / "none.json") == {"board": {}, "cells": {}, "stale": []}
    stale = {**record_of(cells[0], 2.0), "facts": "of another plan"}
    write_export(path, {}, {}, [stale])
    assert read_export(path) == {"board": {}, "cells": {}, "stale": [stale]}
    write_export(path, {}, {})
    assert read_export(path) == {"board": {}, "cells": {}, "stale": []}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_file_is_one_error(make_plan, tmp_path, data):
    cell = cells_of(make_plan())[2]
    record = record_of(cell, 3.0)
    key = data.draw(st.sampled_from(["score", "curve", "steps", "processor_s", "versions"]))
    record[key] = data.draw(JSON)
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"board": {}, "cells": {"a": record}}))
    try:
        read = read_export(path)["cells"]["a"]
    except ValueError as error:
        assert str(error).startswith(f"{path}: a is no record of a cell")
    else:
        assert isinstance(read["score"], int | float) and isinstance(read["versions"], dict)
        assert all(len(point) == 3 for point in read["curve"])


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"board": {}, "cells": []}'])
def test_a_file_that_is_no_board_is_named(tmp_path, content):
    (tmp_path / "two.json").write_text(content)
    with pytest.raises(ValueError, match=r"two\.json"):
        read_export(tmp_path / "two.json")


def test_a_record_that_lacks_something_says_what_to_do(make_plan, tmp_path):
    record = record_of(cells_of(make_plan())[2], 3.0)
    del record["score"]
    write_record(tmp_path, record)
    with pytest.raises(ValueError, match="Remove it, and the cell runs again: it lacks score"):
        read_record(tmp_path)
    assert read_record(tmp_path / "none") is None
