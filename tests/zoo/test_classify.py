"""Bad input to zoo/classify.py; what it makes is tested with the library function."""

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--game", "Pong", "--shots", 0], "shots must be at least 1, got 0"),
        (["--game", "AirRaid"], "Objects of AirRaid are not known from RAM; known are MsPacman"),
        (["--game", "Pong", "--separate"], "needs an output"),
        (["--game", "Pong", "--model", "spase"], "Unknown perception model 'spase'"),
    ],
)
def test_bad_input_is_one_message(run_zoo, options, message):
    error = run_zoo("classify", *options, ok=False).stderr
    assert message in error and "Traceback" not in error
