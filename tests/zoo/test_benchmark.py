from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch

from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.space.space import Space
from objwrappers.scoring.speed import env_speed


def test_table_and_json(run_zoo: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    cache = tmp_path / "cache" / "objwrappers" / "weights" / "motion-Pong"
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(cache)
    options = ["--game", "pong", "--num-envs", 2, "--device", "cpu", "--num-threads", 1]
    options += ["--seconds", 0.02, "--repeats", 3]
    output = run_zoo("benchmark", *options, "--json", "out/figures.json").stdout
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    rows = {row["name"]: row for row in figures["rows"]}
    assert {name: row["num_envs"] for name, row in rows.items()} == {
        "raw ALE, vector": 2,
        "ObjFrames, one env": 1,
        "ObjFrames, vector": 2,
        "ObjKeypoints, one env": 1,
        "ObjKeypoints, vector": 2,
        "ObjKeypoints, single envs": 2,
    }
    raw = rows["raw ALE, vector"]["env_steps_per_second"]
    for name, row in rows.items():
        assert len(row["turns"]) == 3
        assert row["env_steps_per_second"] == statistics.median(row["turns"])
        assert row["ratio_to_raw"] == pytest.approx(row["env_steps_per_second"] / raw)
        assert f"{name:28}{row['num_envs']:>6}{row['env_steps_per_second']:>14,.0f}" in output
    assert figures["vector_over_single_envs"] == pytest.approx(
        rows["ObjKeypoints, vector"]["ratio_to_raw"]
        / rows["ObjKeypoints, single envs"]["ratio_to_raw"]
    )
    assert raw > rows["ObjKeypoints, vector"]["env_steps_per_second"]
    assert figures["game"] == "Pong" and figures["device"] == "cpu"
    assert figures["torch_threads"] == 1 and figures["processor_cores"] == os.cpu_count()
    assert output.endswith("Wrote out/figures.json\n")


def test_scenes_are_rows_of_their_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    points, scene = tmp_path / "points", tmp_path / "scene"
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(points)
    Space().save_pretrained(scene)
    figures = env_speed("Pong", 2, scenes=[scene], device="cpu", seconds=0.02, repeats=1)
    row = figures["rows"][-1]
    assert (row["name"], row["num_envs"]) == (f"ObjScene, {scene}, vector", 2)
    assert figures["scenes"] == [str(scene)]
    assert 0 < row["ratio_to_raw"] < 1
    assert row["ratio_to_raw"] == row["env_steps_per_second"] / figures["rows"][0]["turns"][0]
    with pytest.raises(ValueError, match="motion"):
        env_speed("Pong", 2, scenes=[points], device="cpu")


def test_models_alone(run_zoo: Any, tmp_path: Path) -> None:
    options = ["--perception", "--num-envs", 2, "--device", "cpu", "--num-threads", 1]
    output = run_zoo(
        "benchmark", *options, "--seconds", 0.01, "--repeats", 1, "--json", "figures.json"
    ).stdout
    figures = json.loads((tmp_path / "figures.json").read_text())
    rows = {row["name"]: row for row in figures["rows"]}
    assert next(iter(rows)) == figures["reference"] == "permakey, published"
    assert {"permakey, light", "transporter, light", "motion", "student"} <= rows.keys()
    published, student = rows["permakey, published"], rows["student"]
    assert published["ratio_to_reference"] == 1
    assert student["ratio_to_reference"] == pytest.approx(
        published["ms_per_frame"] / student["ms_per_frame"]
    )
    assert student["ratio_to_reference"] > 10
    assert f"{student['ms_per_frame']:>12.2f}" in output


def test_errors_are_one_message(run_zoo: Any) -> None:
    for options, message in (
        (["--game", "Ponng"], "Did you mean 'Pong'"),
        (["--num-envs", 0], "must be at least 1"),
        (["--game", "Seaquest", "--scene", "space"], "no weights of 'space' for Seaquest"),
        (["--game", "Pong", "--scene", "spase"], "Unknown perception model 'spase'"),
        (["--perception", "--device", "tpu"], "There is no device 'tpu'"),
    ):
        result = run_zoo("benchmark", *options, ok=False)
        assert result.stderr.strip().splitlines()[-1].startswith("error: ")
        assert message in result.stderr


def test_what_knows_the_player_has_rows_of_its_own() -> None:
    figures = env_speed(
        "Pong", 2, scenes=["motion"], player=True, device="cpu", seconds=0.02, repeats=1
    )
    assert [row["name"] for row in figures["rows"][-3:]] == [
        "ObjKeypoints, second look, vector",
        "ObjKeypoints, relations and map, vector",
        "ObjScene, motion, relations and map, vector",
    ]
