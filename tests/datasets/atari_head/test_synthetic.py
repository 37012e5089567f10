"""Made-up trials have what the dataset has, and can be learnt from."""

import tarfile
import zipfile

import numpy as np
import pytest

from objwrappers.datasets.atari_head import write_synthetic
from objwrappers.datasets.atari_head.labels import HEADER
from objwrappers.datasets.atari_head.synthetic import (
    SYNTHETIC_TRIALS,
    synthetic_frame,
    synthetic_rows,
)


def test_the_layout_is_the_datasets(synthetic, real_data):
    with zipfile.ZipFile(synthetic["zip"] / "ms_pacman.zip") as archive:
        names = archive.namelist()
        stem = "ms_pacman/highscore/301_RZ_1000301_Jan-02-13-04-05"
        assert f"{stem}.txt" in names and f"{stem}.tar.bz2" in names and len(names) == 8
        assert archive.read(f"{stem}.txt").decode().splitlines()[0] == HEADER
        with archive.open(f"{stem}.tar.bz2") as file, tarfile.open(fileobj=file) as tar:
            members = tar.getnames()
    folder = stem.rpartition("/")[2]
    assert members[:3] == [f"{folder}/RZ_1000301_{n}.png" for n in (1, 10, 11)]
    assert len(members) == 40
    for name in ("meta_data.csv", "action_enums.txt"):
        made, real = (synthetic["zip"] / name).read_text(), (real_data / name).read_text()
        if name == "meta_data.csv":
            assert made.splitlines()[0] == real.splitlines()[0]
        else:
            words = [line.split() for line in real.splitlines() if line.startswith("PLAYER")]
            assert [line.split() for line in made.splitlines()] == words[:18]


def test_rows_have_every_kind_of_null():
    early, normal, _, continued = ([*synthetic_rows(t, 40)] for t in SYNTHETIC_TRIALS)
    assert normal[-1] == "JAW_1000202_40,null,null,null,null,null,null"
    for column in range(2, 7):
        fields = [row.split(",")[column] for row in normal[:-1]]
        assert ("null" in fields) == (column > 2)
    assert all(row.split(",")[1:3] == ["null", "null"] for row in early)
    # Where the trial before it was saved.
    assert continued[0].split(",")[1:3] == ["1", "400"]
    assert any("-3.25,215.50" in row for row in normal)


def test_the_player_looks_at_the_square_and_moves_it():
    trial, yellow = SYNTHETIC_TRIALS[2], (252, 252, 84)
    moves = {2: (-4, 0), 3: (0, 4), 4: (0, -4), 5: (4, 0)}
    frames = [synthetic_frame(trial, n) for n in range(1, 40)]
    places = [np.argwhere((frame == yellow).all(-1)).mean(0) for frame in frames]
    for row, place, following in zip(synthetic_rows(trial, 40), places, places[1:], strict=False):
        fields = row.split(",")
        if fields[5] != "null":
            assert tuple(following - place) == moves[int(fields[5])]
        if fields[6] != "null" and "-3.25" not in fields:
            gaze = np.array(fields[6:], float).reshape(-1, 2)[:, ::-1]
            assert np.abs(gaze - place).max() < 8


def test_frames_are_all_different():
    frames = {synthetic_frame(t, n).tobytes() for t in SYNTHETIC_TRIALS for n in range(1, 300)}
    assert len(frames) == 4 * 299


def test_no_such_form_or_game(tmp_path):
    with pytest.raises(ValueError, match="form is 'zip', 'tar' or 'folder', got 'rar'"):
        write_synthetic(tmp_path, form="rar")
    with pytest.raises(ValueError, match="game of Atari-HEAD"):
        write_synthetic(tmp_path, "pong")
