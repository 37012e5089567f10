"""Keypoints are scored: what cannot be is refused before games are played."""

import pytest

from objwrappers.scoring import keypoints


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": ["nowhere"]}, "weights='nowhere' is neither a folder nor a hub repository"),
        ({"games": ["MsPacman", "Pong"], "models": "permakey"}, "permakey.*Pong"),
    ],
)
def test_weights_that_are_nowhere_are_refused_before_games_are_played(
    options, message, monkeypatch
):
    monkeypatch.setattr(keypoints, "play", lambda *_: pytest.fail("a game was played"))
    with pytest.raises(FileNotFoundError, match=message):
        keypoints.score(**{"games": "Pong", "models": "motion", **options})
