"""What is known of each trial beside its frames: ``meta_data.csv``, and the games there are.

* :class:`Metadata`, :func:`read_metadata`, :func:`first_of_chain`
* :data:`GAMES`, :func:`check_head_game`, :func:`find_game`
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from objwrappers.datasets.atari_head.reports import Rejections
from objwrappers.files import read_regular
from objwrappers.games import rom_name
from objwrappers.names import unknown_name

__all__ = [
    "GAMES",
    "METADATA_NAME",
    "Metadata",
    "check_head_game",
    "find_game",
    "first_of_chain",
    "read_metadata",
]

GAMES = (
    *("alien", "asterix", "bank_heist", "berzerk", "breakout", "centipede", "demon_attack"),
    *("enduro", "freeway", "frostbite", "hero", "montezuma_revenge", "ms_pacman"),
    *("name_this_game", "phoenix", "riverraid", "road_runner", "seaquest", "space_invaders"),
    "venture",
)
"""As the dataset's zips are called."""

METADATA_NAME = "meta_data.csv"

_HIGHSCORE = "_highscore"
_MAX_BYTES = 2**22
_BY_PLAIN_NAME = {game.replace("_", ""): game for game in GAMES}


class Metadata(NamedTuple):
    """Of one trial; None is unknown.

    Attributes:
        game: ``"ms_pacman"``.
        trial_id: Unique within a game.
        highscore: Of one of the long sessions of the best player.
        subject: ``"R"``, ``"J"``, ``"K"`` or ``"L"``.
        load_trial: The trial whose saved game it continues; 0 begins anew.
        highest_score: Of an episode.
        total_frames: Frames.
        play_time_ms: Of the whole trial.
        episodes: How many.
        max_error: Of the eye tracker, degrees.
        avg_error: The same on average.
        low_sample_rate: Share of the frames with fewer than ten samples, in [0, 1].
        frame_averaging: Frames blend two of the emulator's.
        fps: At which a key that is held repeats.
    """

    game: str
    trial_id: int
    highscore: bool
    subject: str | None
    load_trial: int | None
    highest_score: int | None
    total_frames: int | None
    play_time_ms: int | None
    episodes: int | None
    max_error: float | None
    avg_error: float | None
    low_sample_rate: float | None
    frame_averaging: bool | None
    fps: int | None


def find_game(name: str) -> str | None:
    """Returns the game of that name, however it is spelt, or None: ``"mspacman_highscore"``."""
    return _BY_PLAIN_NAME.get(name.lower().removesuffix(_HIGHSCORE).replace("_", ""))


def check_head_game(game: str) -> str:
    """Returns the dataset's name of a game, ``"ms_pacman"`` for ``"MsPacman"``.

    Raises:
        ValueError: Atari-HEAD has no such game; the message names those it has.
    """
    known = find_game(game)
    if known is None:
        raise unknown_name("game of Atari-HEAD", game, GAMES)
    return rom_name(known)


def read_metadata(path: Path, rejected: Rejections) -> dict[tuple[str, int], Metadata]:
    """Reads ``meta_data.csv``.

    Args:
        path: Of the file; one that is missing says nothing.
        rejected: Counts rows that are not understood.

    Returns:
        Game and trial id → what is known.
    """
    try:
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        rejected.add("damaged metadata", error)
        return {}
    found = {}
    try:
        for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
            try:
                known = _metadata(row)
            except (KeyError, AttributeError, ValueError, TypeError):
                rejected.add("malformed metadata", f"{METADATA_NAME} line {number}")
                continue
            found[known.game, known.trial_id] = known
    except csv.Error as error:
        rejected.add("damaged metadata", error)
    return found


def first_of_chain(game: str, trial_id: int, known: Mapping[tuple[str, int], Metadata]) -> int:
    """Returns the trial that began the game which this one continues, perhaps itself.

    Args:
        game: ``"ms_pacman"``.
        trial_id: Of the trial.
        known: From :func:`read_metadata`.
    """
    seen = [trial_id]
    while (metadata := known.get((game, seen[-1]))) and metadata.load_trial:
        if metadata.load_trial in seen:  # A stranger's table may go round in circles.
            return min(seen)
        seen.append(metadata.load_trial)
    return seen[-1]


def _metadata(row: dict[str, Any]) -> Metadata:
    def value(column: str, convert: Callable[[str], Any]) -> Any:
        text = (row.get(column) or "").strip()
        return None if text.lower() in ("", "null") else convert(text)

    name = row["GameName"].strip()
    if (game := find_game(name)) is None:
        raise ValueError(name)
    return Metadata(
        game,
        int(row["trial_id"]),
        name.endswith(_HIGHSCORE),
        value("subject_id", str),
        value("load_trial", int),
        value("highest_score", int),
        value("total_frame", int),
        value("total_game_play_time", int),
        value("total_episode", int),
        value("max_error", float),
        value("avg_error", float),
        value("low_sample_rate", _share),
        value("frame_averaging", lambda text: text.upper() == "TRUE"),
        value("fps", int),
    )


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
