from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from objwrappers.perception.loading import BUNDLED
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.space.space import Space
from objwrappers.scoring.keypoints import score
from objwrappers.scoring.speed import env_speed
from objwrappers.scoring.trade_off import recall_over_time


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


def test_more_and_more_envs_by_model_and_runtime(run_zoo: Any, tmp_path: Path) -> None:
    options = ["--scale", 1, 2, "--game", "Pong", "--model", "light", "--runtime", "torch", "onnx"]
    options += ["--num-threads", 1, "--seconds", 0.02, "--repeats", 3, "--peers"]
    output = run_zoo("benchmark", *options, "--json", "figures.json").stdout
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    names = ["raw ALE", "ObjFrames", "ObjKeypoints, light, torch", "ObjKeypoints, light, onnx"]
    names.append("SB3's AtariWrapper, SubprocVecEnv")
    assert [(row["num_envs"], row["name"]) for row in rows] == [
        (n, m) for n in (1, 2) for m in names
    ]
    for row in rows:
        raw = rows[0 if row["num_envs"] == 1 else len(names)]
        assert row["env_steps_per_second"] == statistics.median(row["turns"])
        ratio = row["env_steps_per_second"] / raw["env_steps_per_second"]
        assert row["ratio_to_raw"] == pytest.approx(ratio)
        assert f"{row['env_steps_per_second']:>14,.0f}{row['ratio_to_raw']:>12.2f}" in output
    missing = ["--scale", 1, "--game", "Pong", "--oc-atari", "no-python"]
    result = run_zoo("benchmark", *missing, ok=False)
    assert "OC_Atari does not play in no-python: " in result.stderr


def test_ppo_from_end_to_end(run_zoo: Any, tmp_path: Path) -> None:
    options = ["--ppo", "--game", "Pong", "--model", "light", "--num-envs", 2, "--num-threads", 1]
    options += ["--seconds", 0.01, "--repeats", 1, "--json", "figures.json"]
    output = run_zoo("benchmark", *options).stdout
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert [row["name"] for row in rows][:1] == ["pixels, SB3's own stack"]
    assert any("light" in row["name"] for row in rows)
    for row in rows:
        ratio = row["env_steps_per_second"] / rows[0]["env_steps_per_second"]
        assert row["ratio_to_reference"] == pytest.approx(ratio)
        assert f"{row['env_steps_per_second']:>14,.0f}{ratio:>15.2f}" in output


def test_recall_over_time_has_a_row_for_each_runtime(tmp_path: Path) -> None:
    torch.manual_seed(0)
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(tmp_path / "mine")
    entries = ["light", BUNDLED / "permakey-MsPacman", tmp_path / "mine"]
    turns = {"batch": 2, "frames": 16, "device": "cpu", "seconds": 0.01, "repeats": 3}
    picture = tmp_path / "out" / "recall.png"
    figures = recall_over_time("MsPacman", entries, picture=picture, **turns)
    # What cannot be exported has no row of ONNX Runtime.
    assert [(row["name"], row["runtime"]) for row in figures["rows"]] == [
        ("light", "torch"),
        ("light", "onnx"),
        ("permakey-MsPacman", "torch"),
        ("mine", "torch"),
        ("mine", "onnx"),
    ]
    known = score("MsPacman", "light", frames=16, device="cpu")["MsPacman"][0]
    for row in figures["rows"][:2]:
        assert row["recall"] == known["recall"] and row["centre_error"] == known["centre_error"]
        assert row["microseconds"] == pytest.approx(1e6 / statistics.median(row["turns"]))
    assert figures["rows"][-1]["recall"] < known["recall"]
    assert cv2.imread(str(picture)).std() > 0


def test_recall_over_time_as_a_program(run_zoo: Any, tmp_path: Path) -> None:
    options = ["--recall", "--game", "Pong", "--num-envs", 2, "--seconds", 0.01, "--repeats", 1]
    output = run_zoo("benchmark", *options, "--model", "light", "--json", "figures.json").stdout
    row = json.loads((tmp_path / "figures.json").read_text())["rows"][0]
    assert row["recall"] > 0.9
    figures = f"{row['microseconds']:>12,.0f}{row['recall']:>9.3f}{row['precision']:>11.3f}"
    assert figures in output
    rest = ["--game", "MsPacman", "--model", "permakey", "--runtime", "onnx"]
    alone = run_zoo("benchmark", "--recall", *rest, ok=False)
    assert "permakey does not run in ONNX Runtime" in alone.stderr
