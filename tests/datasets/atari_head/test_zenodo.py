"""A game is fetched from a record like Zenodo's, and read."""

import json
import shutil
from collections import namedtuple

import pytest
from web_server import serve

import objwrappers
from objwrappers.datasets.atari_head import read_trials, zenodo
from objwrappers.datasets.locking import FileLock

RECORD = "/api/records/1"


@pytest.fixture
def server(monkeypatch, synthetic):
    files = {path.name: path.read_bytes() for path in synthetic["zip"].iterdir()}
    files |= {"README.txt": b"read me", "alien.zip": b"of another game"}
    with serve() as running:
        running.add_record(RECORD, files)
        running.all_files = files
        monkeypatch.setattr(zenodo, "RECORD_URL", running.url + RECORD)
        yield running


def test_a_game_and_its_tables(server, tmp_path):
    folder = objwrappers.download("MsPacman", tmp_path / "data")
    wanted = {*server.all_files} - {"alien.zip"}
    for name in wanted:
        assert (folder / name).read_bytes() == server.all_files[name]
    assert {path.name for path in folder.iterdir()} == {*wanted, ".downloading"}
    assert [trial.load_trial for trial in read_trials(folder)] == [0, 0, 0, 203]
    server.requests.clear()
    objwrappers.download("ms_pacman", folder)
    assert server.requests == [(RECORD, None)]


def test_the_default_is_the_users_cache(server):
    assert objwrappers.download("ms_pacman") == zenodo.data_folder()
    assert len(read_trials(zenodo.data_folder())) == 4


def test_one_process_fetches(server, tmp_path):
    with FileLock(tmp_path / ".downloading"):
        with pytest.raises(BlockingIOError, match="Another process fetches"):
            objwrappers.download("ms_pacman", tmp_path)


def test_no_space_is_said_before_anything_is_fetched(server, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 10))
    with pytest.raises(OSError, match="room for 10 bytes"):
        objwrappers.download("ms_pacman", tmp_path)
    assert len(server.requests) == 1 and [p.name for p in tmp_path.iterdir()] == [".downloading"]


def test_games_that_are_not_there(server, tmp_path):
    with pytest.raises(ValueError, match=r"has no freeway.zip; it has .*alien.zip"):
        objwrappers.download("Freeway", tmp_path)
    with pytest.raises(ValueError, match="Unknown game of Atari-HEAD 'Pong'"):
        objwrappers.download("Pong", tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "change",
    [
        {"key": "../../ms_pacman.zip"},
        {"key": ".hidden"},
        {"key": 5},
        {"size": -1},
        {"size": "1"},
        {"checksum": "md5:abc"},
        {"checksum": None},
    ],
)
def test_a_record_of_another_kind(server, tmp_path, change):
    record = json.loads(server.files[RECORD])
    record["files"][0] |= change
    server.files[RECORD] = json.dumps(record).encode()
    with pytest.raises(ValueError, match="lists its files in an unknown way"):
        objwrappers.download("ms_pacman", tmp_path)
    assert not [*tmp_path.iterdir()]


def test_offline_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(zenodo, "RECORD_URL", "http://127.0.0.1:9/api")
    with pytest.raises(ConnectionError, match="this machine seems to be offline") as error:
        objwrappers.download("ms_pacman", tmp_path)
    assert "\n" not in str(error.value)
