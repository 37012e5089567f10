"""One training for each of several games: what becomes of their processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


@pytest.mark.skipif(not LINUX, reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_game_goes_on_without_the_program(tmp_path, how):
    options = ["--model", "light", "--game", "Pong", "Freeway", "Boxing", "--each", "-n", "100000"]
    program = subprocess.Popen(
        [sys.executable, ROOT / "zoo" / "pretrain.py", *options, "-params", "n_frames:2048"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")},
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
    assert program.wait(60) != 0
    until(lambda: not any(map(trains, workers)))
    assert not (tmp_path / "logs" / "perception" / "light-Boxing-0").exists()
