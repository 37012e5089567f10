"""The table of trials, with its quirks, and tables of strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.datasets.atari_head.metadata import (
    GAMES,
    Metadata,
    check_head_game,
    find_game,
    first_of_chain,
    read_metadata,
)
from objwrappers.datasets.atari_head.reports import Rejections
from objwrappers.games import check_game

HEADER = (
    "GameName,trial_id,subject_id,load_trial,highest_score,total_frame,total_game_play_time,"
    "total_episode,max_error,avg_error,low_sample_rate,frame_averaging,fps"
)


def read(tmp_path, *rows):
    (tmp_path / "meta_data.csv").write_text("\r\n".join([HEADER, *rows]))
    rejected = Rejections()
    return read_metadata(tmp_path / "meta_data.csv", rejected), rejected


def test_blanks_suffixes_and_spellings(tmp_path):
    found, rejected = read(
        tmp_path,
        "mspacman,52, R,0,25761,17652,900028,1,0.91,0.35,0.80%,TRUE,20",
        "ms_pacman_highscore,593,R,52,93721,17382,893852,2,0.73,0.38,null,FALSE,",
    )
    assert not len(rejected)
    assert found["ms_pacman", 52] == Metadata(
        "ms_pacman", 52, False, "R", 0, 25761, 17652, 900028, 1, 0.91, 0.35, 0.008, True, 20
    )
    assert found["ms_pacman", 593] == Metadata(
        "ms_pacman", 593, True, "R", 52, 93721, 17382, 893852, 2, 0.73, 0.38, None, False, None
    )


def test_rows_that_are_not_understood_are_counted(tmp_path):
    found, rejected = read(
        tmp_path, "pong,1" + ",0" * 11, "alien,x" + ",0" * 11, "alien,3", "alien"
    )
    assert [*found] == [("alien", 3)] and found["alien", 3].load_trial is None
    assert rejected.first("malformed metadata") == [f"meta_data.csv line {n}" for n in (2, 3, 5)]
    assert read_metadata(tmp_path / "nowhere.csv", Rejections()) == {}


def test_games():
    assert check_head_game("MsPacman") == check_head_game("mspacman") == "ms_pacman"
    assert find_game("mspacman_highscore") == "ms_pacman" and find_game("highscore") is None
    assert [check_head_game(check_game(game)) for game in GAMES] == [*GAMES] and len(GAMES) == 20
    with pytest.raises(ValueError, match="Did you mean 'road_runner'"):
        check_head_game("RoadRuner")


def test_chains_end_also_where_a_table_goes_in_circles(tmp_path):
    rows = [
        f"alien,{n},R,{before}" + ",0" * 9
        for n, before in ((1, 0), (2, 1), (3, 2), (8, 9), (9, 8), (5, 4))
    ]
    known, _ = read(tmp_path, *rows)
    firsts = [first_of_chain("alien", n, known) for n in (1, 2, 3, 8, 9, 5, 77)]
    assert firsts == [1, 1, 1, 8, 8, 4, 77]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_counted(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("table") / "meta_data.csv"
    path.write_bytes(HEADER.encode() + b"\n" + content)
    for (game, number), known in read_metadata(path, Rejections()).items():
        assert game in GAMES and known.trial_id == number
