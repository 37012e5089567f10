"""zoo/roles.py, as people run it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*words):
    return subprocess.run(
        [sys.executable, "zoo/roles.py", *words], cwd=ROOT, capture_output=True, text=True
    )


def test_it_says_who_is_who_and_what_to_run_next(tmp_path):
    folder, picture = tmp_path / "roles", tmp_path / "roles.png"
    done = run(
        *("--game", "Pong", "--steps", "60", "--num-envs", "8"),
        *("--output", str(folder), "--picture", str(picture)),
    )
    assert done.returncode == 0, done.stderr
    assert "actions explain" in done.stdout and "a touch costs" in done.stdout
    assert f"Wrote {folder}/config.json and model.safetensors" in done.stdout
    assert "Next: python zoo/record.py --env ObjScene-Pong-v0" in done.stdout
    assert picture.stat().st_size > 1000
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}


def test_bad_input_is_one_line():
    done = run("--game", "Pongg")
    assert done.returncode == 1 and done.stderr.strip().splitlines()[-1].startswith("error:")
    assert "Pong" in done.stderr
    done = run("--game", "Pong", "Breakout", "--output", "somewhere")
    assert done.returncode == 2 and "--output is the folder of one game" in done.stderr
