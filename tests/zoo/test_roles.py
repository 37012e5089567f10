"""zoo/roles.py, as people run it."""

import pytest


def test_it_says_who_is_who_and_what_to_run_next(run_zoo, tmp_path):
    folder, picture = tmp_path / "roles", tmp_path / "roles.png"
    done = run_zoo(
        *("roles", "--game", "Boxing", "--steps", 80, "--num-envs", 8),
        *("--output", folder, "--picture", picture),
    )
    assert "actions explain" in done.stdout and "a touch costs" in done.stdout
    assert f"Wrote {folder}/config.json and model.safetensors" in done.stdout
    told = f"--env-kwargs model:motion roles:{folder} relations:True map:True -o Boxing.mp4"
    assert f"Next: python zoo/record.py --env ObjScene-Boxing-v0 {told}" in done.stdout
    assert picture.stat().st_size > 1000
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}


def test_bad_input_is_one_line(run_zoo):
    error = run_zoo("roles", "--game", "Pongg", ok=False).stderr
    assert error.strip().splitlines()[-1].startswith("error:") and "Pong" in error
    error = run_zoo("roles", "--game", "Pong", "Breakout", "--output", "x", ok=False).stderr
    assert "--output is the folder of one game" in error


@pytest.mark.slow
def test_roles_of_memory_are_learned_and_the_next_command_is_told(run_zoo):
    result = run_zoo("roles", *("--game", "Pong", "--model", "ram", "--steps", 45, "--num-envs", 2))
    assert "player: 1 row, actions explain" in result.stdout
    assert "--env ObjRAM-Pong-v0 --env-kwargs relations:True map:True -o Pong.mp4" in result.stdout


@pytest.mark.slow
def test_without_a_player_there_is_nothing_relative_to_film(run_zoo):
    result = run_zoo(
        "roles", *("--game", "BattleZone", "--model", "ram", "--steps", 25, "--num-envs", 1)
    )
    assert "No player was found" in result.stdout and "Next:" not in result.stdout


def test_a_check_goes_on_to_the_next_game_and_tells_why(run_zoo):
    error = run_zoo("roles", "--check", "--game", "BattleZone", "Enduro", ok=False).stderr
    assert "BattleZone: Memory does not tell where the player of BattleZone is" in error
    assert "Enduro: There are no weights of 'motion' for Enduro" in error
    assert "Traceback" not in error


def test_a_check_learns_nothing(run_zoo):
    error = run_zoo("roles", "--check", "--game", "Pong", "--num-envs", 2, ok=False).stderr
    assert "--num-envs is of learning: leave --check out." in error
    error = run_zoo("roles", "--check", "--game", "Pong", "--model", "ram", ok=False).stderr
    assert "it takes none of memory's" in error
