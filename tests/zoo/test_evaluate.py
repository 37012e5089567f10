import json
import sys
from pathlib import Path

import numpy as np
import pytest

ZOO = Path(__file__).parents[2] / "zoo"
ENV = "ObjFrames-Pong-v0"


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.syspath_prepend(str(ZOO))
    monkeypatch.setattr(sys, "argv", ["evaluate.py"])
    import evaluate

    return evaluate


def test_the_interquartile_mean_leaves_a_quarter_out_at_each_end(evaluate):
    assert evaluate.interquartile_mean(np.array([[-99, 1], [2, 3], [4, 5], [6, 1e6]])) == 3.5


def test_the_published_median_over_seeds_by_hand(evaluate):
    # Two agents, three seeds, two episodes.
    scores = np.array([[[1, 3], [10, 10], [4, 6]], [[3, 5], [20, 40], [6, 8]]], float)
    summary = evaluate.summarise(scores)
    assert summary["seed_means"] == [3, 20, 6]
    assert summary["median_over_seeds"] == 6
    assert summary["std_of_median"] == pytest.approx(1.0)  # variances 1 and 1
    assert summary["agents"] == pytest.approx([34 / 6, 82 / 6])
    low, high = summary["iqm_interval"]
    assert low < summary["iqm"] < high
    even = evaluate.summarise(scores[:, :2])
    assert even["median_over_seeds"] == 3


def test_a_single_episode_has_no_spread(evaluate):
    summary = evaluate.summarise(np.array([[[7.0]]]))
    assert summary["mean"] == summary["iqm"] == 7.0
    assert summary["standard_error"] is None and summary["iqm_interval"] is None


def test_a_random_policy_on_several_seeds(run_zoo, tmp_path):
    options = ["--algo", "random", "--env", ENV, "--num-envs", 2, "--episodes", 2]
    limit = ["--env-kwargs", "max_num_frames_per_episode:400"]
    output = run_zoo("evaluate", *options, "--seeds", 1, 2, 1, "--json", "s.json", *limit).stdout
    result = json.loads((tmp_path / "s.json").read_text())
    assert np.shape(result["scores"]) == (1, 3, 2)
    assert result["scores"][0][0] == result["scores"][0][2], "a seed repeats its episodes"
    assert result["paths"] == ["random"]
    assert "median over seeds" in output and "interquartile mean" in output


def test_a_folder_without_agents_is_named(run_zoo, tmp_path):
    (tmp_path / "empty").mkdir()
    options = ["--algo", "rdqn", "--env", ENV, "-f", tmp_path / "empty"]
    for more in ([], ["--all-runs"]):
        error = run_zoo("evaluate", *options, *more, ok=False).stderr
        assert "Train an" in error or "Train one" in error
        assert str(tmp_path / "empty") in error and "Traceback" not in error
