"""The grid: cells run in their order, resumed, stale, failed, cut off."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from objwrappers.boards import driver
from objwrappers.boards.driver import leaderboard
from objwrappers.datasets.locking import FileLock
from objwrappers.files import read_json

TRAIN = """
import argparse, json, os, pathlib, sys, time

parser = argparse.ArgumentParser()
for name in ("--algo", "--env", "--device", "--eval-freq"):
    parser.add_argument(name)
parser.add_argument("-n", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("-f", type=pathlib.Path)
parser.add_argument("-params", nargs="+")
parser.add_argument("--env-kwargs", nargs="+")
options = parser.parse_args()
run = options.f / options.algo / f"{options.env}_1"
run.mkdir(parents=True)
if (pathlib.Path(__file__).parent / "sleep").exists():
    (pathlib.Path(__file__).parent / "pid").write_text(str(os.getpid()))
    time.sleep(60)
if "gamma:0.5" in (options.params or []):
    sys.exit("gamma is too small")
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
threads = os.environ["OMP_NUM_THREADS"]
content = {"trained_timesteps": options.n, "versions": {"threads": threads}}
(run / "config.json").write_text(json.dumps(content))
(run / "0.monitor.csv").write_text(f"#{{}}\\nr,l,t,steps\\n{options.seed},9,0.1,{options.n}\\n")
"""
EVALUATE = """
import json, sys

options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
score = -1.0 if options["--algo"] == "random" else 5.0
content = {"scores": [[[score] * int(options["--episodes"])]]}
open(options["--json"], "w").write(json.dumps(content))
"""
PONG = {
    "games": ["Pong"],
    "budgets": [1000],
    "noises": ["none"],
    "observations": {
        "pixels": {"env": "ObjFrames-{game}-v0"},
        "objects": {"env": "ObjScene-{game}-v0"},
    },
}
NAMES = [
    "random_Pong",
    "pixels_Pong_ppo_none_1000_1",
    "objects_Pong_ppo_none_1000_1",
    "pixels_Pong_ppo_none_1000_2",
    "objects_Pong_ppo_none_1000_2",
]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Tiny programs, and their folder."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("train", TRAIN), ("evaluate", EVALUATE)):
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(driver, name.upper(), str(folder / f"{name}.py"))
    monkeypatch.chdir(tmp_path)
    return folder


class Started:
    """What runs a cell's commands when it is asked for the first time, in this process."""

    log: list[str] = []

    def __init__(self, folder, directory, attempt, gpus, environment):
        self.stdin, self.returncode, self.folder = None, None, folder
        self.log.append(folder.parent.name)

    def poll(self):
        used = []
        for words in read_json(self.folder / "command.json")["commands"]:
            process = subprocess.run([sys.executable, *words], env={"OMP_NUM_THREADS": "1"})
            used.append({"wall_s": 2.0, "processor_s": 4.0})
        error = None if process.returncode == 0 else "it failed"
        result = {"exit_code": process.returncode, "error": error, "wall_s": 2.0, "programs": used}
        (self.folder / "result.json").write_text(json.dumps(result))
        self.returncode = 0
        return 0


@pytest.fixture
def log(programs, monkeypatch):
    """Names of cells in the order in which they were started, without processes between."""
    monkeypatch.setattr(Started, "log", [])
    monkeypatch.setattr(driver, "start", Started)
    return Started.log


def test_cells_are_run_in_order_and_passed_over_when_finished(log, write_plan, tmp_path):
    file = write_plan(**PONG)
    lines = []
    outcome = leaderboard(file, report=lines.append, only={"seed": [1]})
    assert log == NAMES[:3]
    assert outcome.missing == NAMES[3:] and outcome.failed == {}
    assert lines[0] == "3 cells in logs/boards/two, 0 finished before"
    assert lines[-1] == "objects_Pong_ppo_none_1000_1: score 5, 4 processor s (0 to go)"
    first = read_json(tmp_path / "logs" / "boards" / "two" / NAMES[1] / "result.json")
    assert (first["score"], first["steps"], first["scores"]) == (5.0, 1000, [5.0] * 4)
    assert outcome.export.as_posix() == "zoo/leaderboard/two.json"
    assert outcome.written[0].name == "two.md"

    outcome = leaderboard(file, report=lines.append)
    assert log == NAMES and outcome.missing == []
    assert "5 cells in logs/boards/two, 3 finished before" in lines
    page = outcome.written[0].read_bytes()
    assert leaderboard(file, run=False).written[0].read_bytes() == page
    assert log == NAMES


def test_results_travel_without_agents(log, write_plan, tmp_path):
    file = write_plan(**PONG)
    outcome = leaderboard(file, only={"seed": [1]})
    page = outcome.written[0].read_bytes()
    shutil.rmtree(tmp_path / "logs")
    assert leaderboard(file, run=False).written[0].read_bytes() == page
    assert not (tmp_path / "logs").exists()
    leaderboard(file)
    assert log == NAMES, "what the file has is finished"
    # With a file of its own the grid begins anew, but for what lies in the folder.
    leaderboard(file, export="other.json")
    assert log == NAMES + NAMES[:3]


def test_a_stale_cell_is_named_and_run_again(log, write_plan):
    leaderboard(write_plan(**PONG))
    changed = {**PONG["observations"], "objects": {"env": "ObjKeypoints-{game}-v0"}}
    file = write_plan(**{**PONG, "observations": changed})
    lines = []
    outcome = leaderboard(file, run=False, report=lines.append)
    assert outcome.missing == NAMES[2::2]
    stale = [line.partition(" is stale: ")[0] for line in lines]
    assert stale == NAMES[2::2]
    log.clear()
    assert leaderboard(file).missing == [] and log == NAMES[2::2]
    # Where the plan is as it was, what was stale is finished, and what is stale now is kept.
    assert leaderboard(write_plan(**PONG), run=False).missing == []
    file = write_plan(**{**PONG, "observations": changed})
    assert leaderboard(file, export="zoo/leaderboard/two.json").missing == []
    assert log == NAMES[2::2]
    lines.clear()
    fewer = {**PONG, "observations": changed, "seeds": [1]}
    leaderboard(write_plan(**fewer), run=False, report=lines.append)
    assert [line.partition(" is not in the plan")[0] for line in lines] == NAMES[3:]


def test_a_record_of_another_cell_does_not_count(log, write_plan, tmp_path):
    file = write_plan(**PONG)
    leaderboard(file)
    path = tmp_path / "logs" / "boards" / "two" / NAMES[1] / "result.json"
    path.write_text(path.read_text().replace('"game": "Pong"', '"game": "Boxing"'))
    (tmp_path / "zoo" / "leaderboard" / "two.json").unlink()
    assert leaderboard(file, run=False).missing == [NAMES[1]]


def test_a_cell_that_failed_stops_no_other_and_starts_anew(log, write_plan, tmp_path):
    changed = {**PONG["observations"]}
    changed["pixels"] = {"env": "ObjFrames-{game}-v0", "hyperparams": {"gamma": 0.5}}
    file = write_plan(**{**PONG, "observations": changed})
    outcome = leaderboard(file)
    assert list(outcome.failed) == outcome.missing == NAMES[1::2]
    folder = tmp_path / "logs" / "boards" / "two" / NAMES[1] / "run"
    assert not (folder.parent / "result.json").exists()
    (folder / "agent" / "left.txt").touch()
    log.clear()
    assert list(leaderboard(file).failed) == NAMES[1::2] and log == NAMES[1::2]
    assert not (folder / "agent" / "left.txt").exists()


def test_a_cell_that_another_process_runs_stops_no_other(log, write_plan, tmp_path, monkeypatch):
    monkeypatch.setattr(
        driver, "wait_for_lock", lambda path, sleep: None if held in path.parts else FileLock(path)
    )
    held = NAMES[1]
    outcome = leaderboard(write_plan(**PONG))
    assert list(outcome.failed) == outcome.missing == [held]
    assert "is being run by another process: wait, or end it." in outcome.failed[held]


def test_bad_arguments_are_named(log, write_plan, tmp_path):
    file = write_plan(**PONG)
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        leaderboard(file, jobs=0)
    with pytest.raises(FileNotFoundError, match=r"nor a board of that name.*leaderboard"):
        leaderboard("leaderbord")
    (tmp_path / "b").mkdir()
    with FileLock(tmp_path / "b" / ".lock"):
        with pytest.raises(RuntimeError, match="Another board is being run in"):
            leaderboard(file, "b")
        leaderboard(file, "b", run=False)
    assert log == []


def test_programs_run_at_once_and_their_seconds_are_counted(programs, write_plan, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    file = write_plan(**{**PONG, "seeds": [3]})
    outcome = leaderboard(file, "b", jobs=2)
    assert outcome.missing == [] and outcome.failed == {}
    record = read_json("b/pixels_Pong_ppo_none_1000_3/result.json")
    # Two cells at once have two of four processors each.
    assert record["versions"] == {"threads": "2"} and record["threads"] == 2
    assert 0.2 <= record["processor_s"] < 2 and record["wall_s"] >= 0.2
    assert record["curve"][-1] == [1000, 3.0, 1]


def test_why_a_program_failed_is_told(programs, write_plan):
    pixels = {"env": "ObjFrames-{game}-v0", "hyperparams": {"gamma": 0.5}}
    content = {**PONG, "seeds": [1], "observations": {"pixels": pixels}}
    outcome = leaderboard(write_plan(**content), "b")
    (error,) = outcome.failed.values()
    assert error == f"{programs / 'train.py'} ended with exit code 1\ngamma is too small"


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_programs_end_with_the_board(programs, write_plan, tmp_path, sent):
    file = write_plan(**{**PONG, "random": False})
    (programs / "sleep").touch()
    code = (
        "import sys; from objwrappers.boards import driver;"
        f"driver.TRAIN = {driver.TRAIN!r}; driver.EVALUATE = {driver.EVALUATE!r};"
        "driver.leaderboard(sys.argv[1], 'b')"
    )
    board = subprocess.Popen([sys.executable, "-c", code, str(file)], stderr=subprocess.DEVNULL)
    wait_for(lambda: (programs / "pid").exists() and (programs / "pid").read_text())
    board.send_signal(sent)
    board.wait()
    pid = int((programs / "pid").read_text())
    lock = tmp_path / "b" / NAMES[1] / "run" / ".lock"
    wait_for(lambda: _is_free(lock), 10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    (programs / "sleep").unlink()
    outcome = leaderboard(file, "b", only={"observation": ["pixels"], "seed": [1]})
    assert outcome.failed == {} and NAMES[1] not in outcome.missing


def _is_free(path):
    try:
        FileLock(path).release()
    except BlockingIOError:
        return False
    return True
