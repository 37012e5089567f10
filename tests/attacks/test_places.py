"""Places where nothing can be read or written: said at once, and nothing is lost."""

import os
import pwd
import tempfile
import warnings
from pathlib import Path

import gymnasium as gym
import pytest
import toy_trainings
from attacks.killing import content_of, run
from attacks.test_kills import SCENARIOS, compared

import objwrappers
from objwrappers.files import cache_folder, check_writable


def test_who_has_no_home_has_a_cache_among_temporary_files(monkeypatch, tmp_path):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder("weights") == (
        Path(tempfile.gettempdir()) / f"objwrappers-{os.getuid()}" / "weights"
    )
    gym.make("ObjKeypoints-Pong-v0", runtime="torch").close()
    assert not [*tmp_path.iterdir()]


def use_keypoints(folder):
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for runtime in ("torch", "auto"):
            env = gym.make("ObjKeypoints-Pong-v0", runtime=runtime)
            observation, _ = env.reset(seed=0)
            assert observation["present"].sum() >= 1
            env.close()
    told = {str(each.message) for each in caught}
    assert all(str(folder) in message for message in told)
    assert len(told) <= 3


def train(folder):
    """Where nothing can be written, it says so before it trains."""
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    toy_trainings.register()
    toy_trainings.Blind.loss = None  # it never comes to that
    recording = folder / "frames"
    with pytest.raises(OSError, match=r"cannot be written: .*cache"):
        toy_trainings.pretrain("blind", "Pong", frames_folder=recording, cache=False)
    assert not (folder / "logs").exists()


@pytest.fixture
def place(tmp_path):
    """A folder with a recording in it; what a test forbids there is allowed again."""
    toy_trainings.record(tmp_path / "frames", "Pong", 160, 2, 200)
    yield tmp_path
    for path in tmp_path.iterdir():
        if path.is_dir():
            path.chmod(0o755)


def test_a_file_in_place_of_the_cache(place):
    (place / "cache").write_text("mine")
    run(use_keypoints, place)
    run(train, place)
    assert (place / "cache").read_text() == "mine"


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "unreadable"])
def test_a_cache_that_is_not_ours(place, mode):
    (place / "cache").mkdir()
    (place / "cache").chmod(mode)
    for scenario in (use_keypoints, train):
        run(scenario, place, privileged=False)
    (place / "cache").chmod(0o755)
    assert not [*(place / "cache").iterdir()]


def test_a_folder_that_may_not_be_written_is_said_before_anything_is_done(place):
    (place / "here").mkdir()
    (place / "here").chmod(0o555)

    def refused(folder):
        for path in ("here/film.mp4", "here/new/weights"):
            with pytest.raises(PermissionError, match=f"{path} .* written to {folder}/here"):
                check_writable(path)
        toy_trainings.register()
        with pytest.raises(PermissionError, match="here/out cannot be written"):
            toy_trainings.pretrain("blind", "Pong", frames_folder="frames", output="here/out")

    run(refused, place, privileged=False)


def test_what_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new" / "film.mp4")
    with pytest.raises(NotADirectoryError, match=r"file is no folder"):
        check_writable(tmp_path / "file" / "film.mp4")
    (tmp_path / "folder").mkdir()
    check_writable(tmp_path / "folder", "folder")
    with pytest.raises(FileExistsError, match="it is there, and is no file"):
        check_writable(tmp_path / "folder")
    with pytest.raises(NotADirectoryError, match=r"file is no folder"):
        check_writable(tmp_path / "file", "folder")
    with pytest.raises(NotADirectoryError, match=r"file is no folder"):
        objwrappers.pretrain("motion", "Pong", output=tmp_path / "file" / "weights")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_full_disk_is_an_error_and_what_was_there_stays(scenario, tmp_path):
    run(scenario, tmp_path / "whole")
    with pytest.raises(RuntimeError, match=r"(?m)^OSError: "):
        run(scenario, tmp_path / "full", largest_file=64)
    left = content_of(tmp_path / "full")
    assert all(len(content) <= 64 for content in left.values()), left
    run(scenario, tmp_path / "full")
    assert compared(tmp_path / "full") == compared(tmp_path / "whole")
