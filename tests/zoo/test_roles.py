"""zoo/roles.py, for what the console's memory knows."""

import pytest


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
    error = run_zoo("roles", "--check", "--game", "BattleZone", "Pong", ok=False).stderr
    assert "BattleZone: There are no weights of 'motion' for BattleZone" in error
    assert "Pong: Who is who in Pong is not known to 'motion'" in error
    assert "Traceback" not in error


def test_a_check_learns_nothing(run_zoo):
    error = run_zoo("roles", "--check", "--game", "Pong", "--num-envs", 2, ok=False).stderr
    assert "--num-envs is of learning: leave --check out." in error
