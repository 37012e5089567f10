"""Figures found by dotted keys, and their moments over seeds."""

import json

from objwrappers.sweeps.summary import format_summary, read_figures, summarise


def test_figures_are_found_in_mappings_and_lists(tmp_path):
    path = tmp_path / "score.json"
    rows = [{"name": "motion", "f1": 0.5, "ap_0.50": 0.25, "hit": True}]
    path.write_text(json.dumps({"table": {"Pong": rows}, "loss": float("inf")}))
    wanted = {"f1": "table.Pong.0.f1", "ap": "table.Pong.0.ap_0.50", "all": "table.Pong.0"}
    assert read_figures({str(path): wanted}) == {
        "figures": {"f1": 0.5, "ap": 0.25, "all.f1": 0.5, "all.ap_0.50": 0.25},
        "error": None,
    }
    assert read_figures({str(path): {"loss": "loss"}})["figures"] == {"loss": None}


def test_figures_that_are_not_there_are_an_error(tmp_path):
    path = tmp_path / "score.json"

    def error(content, key):
        path.write_text(content)
        return read_figures({str(path): {"x": key}})["error"]

    assert error('{"a": {"b": 1}}', "a.c") == f"{path} has no a.c: there are b."
    assert error('{"a": [1]}', "a.1") == f"{path} has no a.1: '1' in a list of 1."
    assert error('{"a": "word"}', "a") == f"{path} has no a: 'word' is no number."
    assert error('{"a": 1}', "a.b") == f"{path} has no a.b: 'b' in 1."
    assert "no figures in" in error("{", "a")
    assert "no figures in" in error("[" * 100_000, "a")
    path.unlink()
    assert "There is no file" in read_figures({str(path): {"x": "a"}})["error"]


def test_means_and_deviations_over_seeds():
    rows = summarise(
        [
            ("a", {"f": 1.0, "g": 2.0}),
            ("b", {"f": 5.0}),
            ("a", {"f": 2.0, "g": None}),
            ("a", {"f": 6.0}),
            ("c", None),
            ("b", None),
        ]
    )
    # Of 1, 2 and 6: the mean is 3, the sample's variance (4 + 1 + 9) / 2.
    assert [row["group"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["figures"]["f"] == {"mean": 3.0, "std": 7**0.5, "count": 3}
    assert rows[0]["figures"]["g"] == {"mean": 2.0, "std": None, "count": 1}
    assert (rows[1]["runs"], rows[1]["failed"]) == (2, 1)
    assert format_summary(rows).splitlines() == [
        "| run | runs | failed | f       | g     |",
        "|-----|------|--------|---------|-------|",
        "| a   | 3    | 0      | 3 ± 2.6 | 2 (1) |",
        "| b   | 2    | 1      | 5 (1)   | -     |",
        "| c   | 1    | 1      | -       | -     |",
    ]
