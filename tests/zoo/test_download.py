"""zoo/download.py: fetches, names licence and source, verifies."""

import runpy
import sys
from pathlib import Path

import pytest
from web_server import serve

from objwrappers.datasets.atari_head import write_synthetic, zenodo

PROGRAM = Path(__file__).parents[2] / "zoo" / "download.py"


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["download.py", *map(str, arguments)])
    runpy.run_path(str(PROGRAM), run_name="__main__")


def test_a_game_is_fetched_and_verified(monkeypatch, capsys, tmp_path):
    made = write_synthetic(tmp_path / "made", "alien", frames=4)
    folder = tmp_path / "data"
    with serve() as server:
        server.add_record("/record", {path.name: path.read_bytes() for path in made.iterdir()})
        monkeypatch.setattr(zenodo, "RECORD_URL", f"{server.url}/record")
        run(monkeypatch, "--game", "Alien", "--folder", folder)
    said = capsys.readouterr().out
    assert "CC BY 4.0" in said and "doi:10.5281/zenodo.3451402" in said
    assert f"Next: python zoo/download.py --game Alien --folder {folder} --verify" in said
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--game", "Alien", "--folder", folder, "--verify")
    assert ended.value.code == 0
    assert "4 trials, 12 steps; nothing rejected" in capsys.readouterr().out
    (folder / "alien.zip").write_bytes(b"PK")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--game", "Alien", "--folder", folder, "--verify")
    assert ended.value.code == 1 and "damaged archives: 1 (alien.zip" in capsys.readouterr().out


def test_errors_are_one_line(run_zoo, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    error = run_zoo("download", "--game", "ms_pacman", ok=False).stderr
    assert error.startswith("error: https://zenodo.org/api/records/3451402 cannot be reached")
    assert "offline" in error and error.count("\n") == 1
    error = run_zoo("download", "--game", "Pong", ok=False).stderr
    assert error.startswith("error: Unknown game of Atari-HEAD 'Pong'.")
    error = run_zoo("download", "--game", "alien", "--verify", ok=False).stderr
    assert error.startswith("error: There is no file or folder")
