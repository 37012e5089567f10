"""One training for each of several games: what becomes of their processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from objwrappers.pretraining import each
from objwrappers.pretraining.each import pretrain_each

ROOT = Path(__file__).parents[2]
LINUX = Path("/proc/self/task").exists()


def children(pid):
    """Of a process on Linux, those that are still there."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in tasks.read_text().split()]
    except FileNotFoundError:
        return []


def trains(pid):
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


@pytest.mark.skipif(not LINUX, reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGINT]
)
def test_no_game_goes_on_without_the_program(tmp_path, how):
    options = ["--model", "light", "--game", "Pong", "Freeway", "Boxing", "--each", "-n", "100000"]
    options += ["-params", "n_frames:64"]
    variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    program = subprocess.Popen(
        [sys.executable, ROOT / "zoo" / "pretrain.py", *options],
        cwd=tmp_path,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    logs = tmp_path / "logs" / "perception" / "light-Pong-0"
    until(lambda: any(logs.rglob("events*")) or program.poll() is not None)
    assert program.poll() is None
    workers = [child for child in children(program.pid) if trains(child)]
    assert len(workers) == 1
    if how is signal.SIGINT:
        os.killpg(program.pid, how)  # as a terminal does
    else:
        program.send_signal(how)
    assert program.wait(300) != 0
    until(lambda: not any(map(trains, workers)))
    assert not (tmp_path / "logs" / "perception" / "light-Boxing-0").exists()


def dies():
    os.kill(os.getpid(), signal.SIGKILL)


def fails():
    raise ValueError("so it is")


def test_a_process_that_dies_takes_no_other_game_with_it():
    done = []
    calls = {"Pong": dies, "Boxing": fails, "Freeway": os.getpid, "Alien": os.getpid}
    wrong = each._run(calls, jobs=2, done=lambda: done.append(1))
    assert wrong == {
        "Pong": "its process ended with exit code -9",
        "Boxing": "ValueError: so it is",
    }
    assert len(done) == 4


def test_weights_that_another_command_made_are_left_with_a_warning(tmp_path):
    for game, seed in (("Pong", 0), ("Boxing", 1)):
        folder = tmp_path / f"light-{game}"
        folder.mkdir()
        config = {"training": {"command": f"train {game} {seed}"}}
        (folder / "config.json").write_text(json.dumps(config))
    options = {"output": tmp_path, "command_of": "train {} 0".format}
    with pytest.warns(UserWarning, match=r"left as they are: light-Boxing \(train Boxing 1\)\. "):
        written, wrong = pretrain_each("light", ["Pong", "Boxing"], **options)
    assert written.keys() == {"Pong", "Boxing"} and not wrong
