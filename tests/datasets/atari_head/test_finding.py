"""Trials wherever they lie: zips, tars, folders, and what is beside them."""

import os
import shutil
import zipfile

import numpy as np
import pytest

from objwrappers.datasets.atari_head import finding, read_trials, verify, write_synthetic
from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, SyntheticTrial

NAMES = [trial.name for trial in SYNTHETIC_TRIALS]
FILES = ("{}.txt", "{}.tar.bz2")


def same(step, other):
    np.testing.assert_array_equal(step.frame, other.frame)
    np.testing.assert_array_equal(step.gaze, other.gaze)
    assert step[1:-1] == other[1:-1]


def test_zips_tars_and_folders_give_the_same(synthetic):
    for zipped, tarred, unpacked in zip(*map(read_trials, synthetic.values()), strict=True):
        assert zipped.name == tarred.name == unpacked.name
        assert zipped.digest() == tarred.digest()
        steps = zip(zipped.steps(), tarred.steps(), unpacked.steps(), strict=True)
        for first, second, third in steps:
            same(first, second)
            same(first, third)
        assert str(zipped.report) == str(tarred.report) == str(unpacked.report)
        assert zipped.report.ok and zipped.report.joined == 39


@pytest.mark.parametrize("form", ["zip", "tar", "folder"])
def test_what_is_known_of_trials(synthetic, form):
    trials = read_trials(synthetic[form])
    assert [trial.name for trial in trials] == NAMES
    facts = [(t.trial_id, t.subject, t.highscore, t.load_trial, t.chain) for t in trials]
    assert facts == [
        (101, "R", False, 0, 101),
        (202, "J", False, 0, 202),
        (203, "R", False, 0, 203),
        (301, "R", True, 203, 203),
    ]
    assert {(trial.game, trial.task) for trial in trials} == {("ms_pacman", "MsPacman")}
    assert trials[0].metadata.low_sample_rate == 0.008 and trials[0].report is None


def test_paths_to_one_trial_or_some(synthetic, tmp_path):
    game = synthetic["tar"] / "ms_pacman"
    for name in FILES:
        trials = read_trials(game / name.format(NAMES[1]))
        assert [(t.name, t.game, t.load_trial) for t in trials] == [(NAMES[1], "ms_pacman", 0)]
    (trial,) = read_trials(synthetic["folder"] / "ms_pacman" / NAMES[1])
    assert len([*trial.steps()]) == 39
    (trial,) = read_trials(game / "highscore")
    assert (trial.name, trial.game, trial.highscore) == (NAMES[3], "ms_pacman", True)
    assert [t.name for t in read_trials(synthetic["zip"] / "ms_pacman.zip")] == NAMES


def test_games_are_told_apart_and_asked_for(tmp_path):
    one = (SyntheticTrial(5),)
    write_synthetic(tmp_path, "breakout", one, frames=3)
    table = (tmp_path / "meta_data.csv").read_text()
    write_synthetic(tmp_path, "freeway", one, frames=3, form="tar")
    with (tmp_path / "meta_data.csv").open("a") as file:
        file.write(table.splitlines()[1] + "\n")
    assert [(t.game, t.metadata.game) for t in read_trials(tmp_path)] == [
        ("breakout", "breakout"),
        ("freeway", "freeway"),
    ]
    assert [t.game for t in read_trials(tmp_path, "Breakout")] == ["breakout"]
    assert [t.game for t in read_trials(tmp_path / "freeway")] == ["freeway"]
    with pytest.raises(
        FileNotFoundError, match=r"no trials of Alien .* zoo/download.py --game Alien"
    ):
        read_trials(tmp_path, "Alien")
    with pytest.raises(ValueError, match="Unknown game of Atari-HEAD 'Pong'"):
        read_trials(tmp_path, "Pong")
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        read_trials(tmp_path / "nowhere")


def test_a_game_that_nothing_tells(synthetic, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in FILES:
        shutil.copy(synthetic["tar"] / "ms_pacman" / "highscore" / name.format(NAMES[3]), flat)
    (trial,) = read_trials(flat)
    assert trial.game is None and not trial.highscore and trial.load_trial is None
    with pytest.raises(ValueError, match="Which game 301_RZ_1000301"):
        trial.task  # noqa: B018
    (trial,) = read_trials(flat, "MsPacman")
    assert trial.task == "MsPacman"
    # The table knows what a flattened folder has lost.
    shutil.copy(synthetic["tar"] / "meta_data.csv", flat)
    (trial,) = read_trials(flat)
    assert (trial.game, trial.highscore, trial.load_trial) == ("ms_pacman", True, 203)


def test_trials_without_labels_or_frames_are_reported(synthetic, tmp_path):
    shutil.copytree(synthetic["tar"], tmp_path / "data")
    game = tmp_path / "data" / "ms_pacman"
    (game / FILES[0].format(NAMES[0])).unlink()
    (game / FILES[1].format(NAMES[1])).unlink()
    (game / "notes.txt").write_text("of no trial")
    found = verify(tmp_path / "data")
    assert [report.name for report in found.reports] == NAMES and not found.ok
    assert found.reports[0].rejected.first("trials without labels") == [NAMES[0]]
    assert found.reports[1].rejected.first("trials without frames") == [NAMES[1]]
    assert [report.joined for report in found.reports] == [0, 0, 39, 39]
    assert found.rejected.first("files of other names") == ["ms_pacman/notes.txt"]
    assert "4 trials, 78 steps; 2 with rejections" in str(found)
    with pytest.raises(ValueError, match="has no labels"):
        read_trials(tmp_path / "data")[0].digest()


def test_a_trial_in_several_forms_is_read_once(synthetic, tmp_path):
    for form in ("folder", "tar"):
        shutil.copytree(synthetic[form], tmp_path / "data", dirs_exist_ok=True)
    tars = read_trials(synthetic["tar"])
    assert [t.digest() for t in read_trials(tmp_path / "data")] == [t.digest() for t in tars]
    # A whole trial goes before half a one.
    with zipfile.ZipFile(tmp_path / "data" / "ms_pacman.zip", "w") as archive:
        archive.writestr(f"ms_pacman/{NAMES[0]}.txt", b"")
    assert [t.digest() for t in read_trials(tmp_path / "data")] == [t.digest() for t in tars]


def test_hostile_zips(synthetic, tmp_path):
    labels = (synthetic["tar"] / "ms_pacman" / FILES[0].format(NAMES[0])).read_bytes()
    frames = (synthetic["tar"] / "ms_pacman" / FILES[1].format(NAMES[0])).read_bytes()
    with zipfile.ZipFile(tmp_path / "ms_pacman.zip", "w") as archive:
        archive.writestr(f"../{NAMES[0]}.txt", labels)
        archive.writestr(f"/ms_pacman/{NAMES[0]}.tar.bz2", frames)
        archive.writestr(f"ms_pacman/{NAMES[1]}.txt", labels)
        archive.writestr("ms_pacman/other.bin", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(f"ms_pacman/{NAMES[1]}.txt", labels)
        archive.writestr(f"ms_pacman/{NAMES[2]}.txt", labels)
        archive.writestr(f"ms_pacman/{NAMES[2]}.tar.bz2", frames)
    (tmp_path / "alien.zip").write_bytes(b"PK no zip")
    found = verify(tmp_path)
    assert found.rejected.count("members outside the archive") == 2
    assert found.rejected.count("members that are there twice") == 2
    assert found.rejected.first("files of other names") == ["ms_pacman.zip: ms_pacman/other.bin"]
    assert found.rejected.first("damaged archives")[0].startswith("alien.zip: BadZipFile")
    # Frames and labels have another session's name than their files, but the same one.
    assert [(report.name, report.joined) for report in found.reports] == [(NAMES[2], 39)]


def test_damaged_zips(synthetic, tmp_path):
    content = bytearray((synthetic["zip"] / "ms_pacman.zip").read_bytes())
    with zipfile.ZipFile(synthetic["zip"] / "ms_pacman.zip") as archive:
        for info in archive.infolist()[:2]:
            content[info.header_offset + len(info.FileHeader()) + info.compress_size // 2] ^= 255
    (tmp_path / "ms_pacman.zip").write_bytes(content)
    found = verify(tmp_path)
    assert [report.ok for report in found.reports] == [False, True, True, True]
    assert found.reports[0].joined == 0 and len(found.reports[0].rejected)
    with pytest.raises(ValueError, match="cannot be read"):
        read_trials(tmp_path)[0].digest()


def test_members_that_unpack_to_too_much_are_not_opened(synthetic, monkeypatch):
    monkeypatch.setattr(finding, "MAX_ARCHIVE_BYTES", 100)
    report = verify(synthetic["zip"]).reports[0]
    assert "unpacks to" in report.rejected.first("damaged labels")[0] and not report.joined


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are Unix's")
def test_pipes_do_not_block(synthetic, tmp_path):
    os.mkfifo(tmp_path / "alien.zip")
    os.mkfifo(tmp_path / FILES[0].format(NAMES[0]))
    shutil.copy(synthetic["tar"] / "ms_pacman" / FILES[1].format(NAMES[0]), tmp_path)
    found = verify(tmp_path)
    assert "not a regular file" in found.rejected.first("damaged archives")[0]
    (report,) = found.reports
    assert "not a regular file" in report.rejected.first("damaged labels")[0]


def test_one_trial_is_verified(synthetic):
    found = verify(read_trials(synthetic["zip"])[0])
    assert found.ok and str(found).endswith("1 trials, 39 steps; nothing rejected")


def test_the_real_trial(real_data):
    (trial,) = read_trials(real_data)
    assert (trial.name, trial.trial_id) == ("593_RZ_5037271_Aug-05-15-35-12", 593)
    assert (trial.subject, trial.game, trial.highscore) == ("R", "ms_pacman", True)
    assert (trial.load_trial, trial.chain, trial.metadata.total_frames) == (118, 89, 17_382)
    steps = trial.steps()
    numbers = [next(steps).number for _ in range(200)]
    assert numbers == [*range(1, 201)] and trial.report is None


@pytest.mark.slow
def test_all_of_the_real_trial(real_data):
    (report,) = verify(real_data).reports
    assert report.ok and report.without_label == 0
    assert report.rows == report.frames == report.joined == 11_500
    assert report.actions == [0, 0, 2296, 2425, 3352, 2207, *[0] * 12]
    assert (report.samples, report.nulls["action"], report.nulls["gaze"]) == (30_840, 1220, 1220)
    assert report.gaze_low == pytest.approx((-24.69, 15.82))
    assert report.gaze_high == pytest.approx((206.39, 332.20))
