"""One training for each of several games: what is there stays, a game that fails is told."""

import json

import torch
from safetensors.torch import load_file


def test_each_game_has_weights_of_its_own_and_what_is_there_is_left_alone(run_zoo, tmp_path):
    options = ["-n", 8, "--seed", 3, "--device", "cpu"]
    changes = ["-params", "eval_freq:8", "batch_size:4", "checkpoint_every:4", "n_frames:64"]
    each = ["--model", "light", "--each", *options, "--output", "out", *changes]
    result = run_zoo("pretrain", *each, "--game", "Pong")
    assert "Weights of 1 games lie in out" in result.stdout
    kept = tmp_path / "out" / "light-Pong" / "model.safetensors"
    before = kept.stat().st_mtime_ns
    result = run_zoo("pretrain", *each, "--game", "Pong", "pacman", "--jobs", 2)
    assert "Weights of 2 games lie in out" in result.stdout
    assert kept.stat().st_mtime_ns == before
    configs = {
        game: json.loads((tmp_path / "out" / f"light-{game}" / "config.json").read_text())
        for game in ("Pong", "Pacman")
    }
    assert {game: config["height"] for game, config in configs.items()} == {
        "Pong": 105,
        "Pacman": 125,
    }
    assert all(4 <= config["num_keypoints"] <= 50 for config in configs.values())
    training = configs["Pong"]["training"]
    assert training["device"] == "cpu" and training["steps"] == 8
    alone = "python zoo/pretrain.py --model light --game Pong --n-timesteps 8 --seed 3 -params "
    assert training["command"].startswith(alone)
    # The command that is on record makes the same weights.
    run_zoo("pretrain", "--model", "light", "--game", "Pong", *options, *changes, "--output", "one")
    made, again = (
        load_file(tmp_path / name / "model.safetensors") for name in ("out/light-Pong", "one")
    )
    assert all(torch.equal(made[key], again[key]) for key in made)


def test_a_game_that_fails_does_not_keep_the_others(run_zoo, tmp_path):
    options = ["--model", "light", "--game", "Pong", "Freeway", "--each", "-n", 4]
    changes = ["-params", "eval_freq:4", "batch_size:4", "checkpoint_every:4", "n_frames:64"]
    (tmp_path / "out" / "light-Pong").mkdir(parents=True)
    (tmp_path / "out" / "light-Pong" / "thesis.tex").touch()
    result = run_zoo("pretrain", *options, "--output", "out", "--device", "cpu", *changes, ok=False)
    assert "Pong: FileExistsError" in result.stderr and "thesis.tex" in result.stderr
    assert "1 games have none; the same command goes on with them" in result.stderr
    assert (tmp_path / "out" / "light-Freeway" / "config.json").exists()


def test_each_says_what_it_needs(run_zoo):
    for options, message in (
        (["--each"], "--each needs --game"),
        (["--jobs", 2, "--game", "Pong"], "--jobs goes together with --each"),
        (["--each", "--game", "Pong", "--frames-folder", "x"], "--each records games by itself"),
        (["--each", "--game", "Pong", "--jobs", 0], "jobs must be at least 1, got 0"),
        (["--each", "--game", "Ponng"], "Did you mean 'Pong'"),
        (["--each", "--game", "Pong", "--devices", 2], "--each trains on one device"),
    ):
        assert message in run_zoo("pretrain", "--model", "light", *options, ok=False).stderr
