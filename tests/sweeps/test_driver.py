"""Runs in their folders: finished, failed, retried, passed over, cut off."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from objwrappers.datasets.locking import FileLock
from objwrappers.sweeps import running
from objwrappers.sweeps.driver import sweep

pytestmark = pytest.mark.usefixtures("without_ray")


def starts(folder):
    return len((folder / "starts.txt").read_text().splitlines())


def test_a_grid_runs_and_is_averaged_over_seeds(write_sweep, tmp_path):
    lines = []
    outcome = sweep(write_sweep(), report=lines.append)
    folder = tmp_path / "logs" / "sweeps" / "tiny"
    assert outcome.failed == {}
    assert [row["group"] for row in outcome.rows] == ["tiny_w0.0", "tiny_w10.0"]
    # Seeds 0 and 2: losses 0 and 2 without the weight, 10 and 12 with it.
    assert outcome.rows[0]["figures"] == {"loss": {"mean": 1.0, "std": 2**0.5, "count": 2}}
    assert outcome.rows[1]["figures"] == {"loss": {"mean": 11.0, "std": 2**0.5, "count": 2}}
    assert json.loads((folder / "summary.json").read_text())["rows"] == outcome.rows
    result = json.loads((folder / "tiny_seed2_w10.0" / "result.json").read_text())
    assert (result["exit_code"], result["attempt"], result["figures"]) == (0, 1, {"loss": 12.0})
    (used,) = result["programs"]
    assert 0 < used["processor_s"] and 0 < used["wall_s"] <= result["wall_s"]
    log = (folder / "tiny_seed2_w10.0" / "log.txt").read_text()
    assert "--seed 2 --weight 10.0\nstart 1 of seed 2\n" in log
    assert lines[0].endswith("4 runs in logs/sweeps/tiny, 0 finished before")
    assert lines[-1].startswith("tiny_seed2_w10.0: finished in ")


def test_finished_runs_are_passed_over_and_others_added(write_sweep, tmp_path):
    sweep(write_sweep(), tmp_path / "s")
    before = (tmp_path / "s" / "tiny_seed0_w0.0" / "result.json").read_bytes()
    more = {"standard": {"seed": [0, 2, 5], "weight": [0.0, 10.0]}}
    lines = []
    file = write_sweep(sets=more, short={"weight": "w"})
    outcome = sweep(file, tmp_path / "s", report=lines.append)
    assert lines[0].endswith("4 finished before")
    assert outcome.rows[0]["figures"]["loss"]["mean"] == pytest.approx(7 / 3)
    for name in outcome.results:
        assert starts(tmp_path / "s" / name) == 1
    assert (tmp_path / "s" / "tiny_seed0_w0.0" / "result.json").read_bytes() == before


@pytest.mark.parametrize("content", ['{"exit_code": 0}', "{}", '{"exit', "[]"])
def test_a_file_that_is_no_result_is_named(write_sweep, tmp_path, content):
    file = write_sweep(sets={"a": {"seed": [0]}})
    sweep(file, tmp_path / "s")
    result = tmp_path / "s" / "tiny_seed0" / "result.json"
    result.write_text(content)
    with pytest.raises(ValueError, match=r"tiny_seed0.result\.json"):
        sweep(file, tmp_path / "s")
    result.unlink()
    assert sweep(file, tmp_path / "s").rows[0]["figures"]["loss"]["mean"] == 0
    assert starts(tmp_path / "s" / "tiny_seed0") == 2


def test_a_failing_run_is_retried_and_reported_and_stops_no_other(write_sweep, tmp_path):
    sets = {"a": {"seed": [1], "do": ["fail", "die", "fail once", "write"]}}
    outcome = sweep(write_sweep(sets=sets), tmp_path / "s", retries=2)
    errors = outcome.failed
    assert list(errors) == ["tiny_seed1_dofail", "tiny_seed1_dodie"]
    assert errors["tiny_seed1_dofail"] == (
        "program.py ended with exit code 1\nstart 3 of seed 1\nseed 1 fails"
    )
    assert errors["tiny_seed1_dodie"].startswith("program.py was killed by SIGKILL")
    assert [row["failed"] for row in outcome.rows] == [1, 1, 0, 0]
    assert outcome.results["tiny_seed1_dofail-once"]["attempt"] == 2
    assert starts(tmp_path / "s" / "tiny_seed1_dowrite") == 1

    sweep(write_sweep(sets=sets), tmp_path / "s", retries=0)
    assert starts(tmp_path / "s" / "tiny_seed1_dofail") == 4
    assert starts(tmp_path / "s" / "tiny_seed1_dofail-once") == 2


def test_options_that_a_program_does_not_know_are_not_tried_twice(write_sweep, tmp_path):
    options = {"out": "{folder}/out.json", "wieght": 1}
    outcome = sweep(write_sweep(options=options, sets={"a": {"seed": [0]}}), tmp_path / "s")
    (error,) = outcome.failed.values()
    assert error.startswith("program.py does not take these options (exit code 2)")
    assert "unrecognized arguments: --wieght 1" in error
    assert outcome.results["tiny_seed0"]["attempt"] == 1


def test_figures_are_read_again_without_running_again(write_sweep, tmp_path):
    sets = {"a": {"seed": [3]}}
    wrong = {"{folder}/out.json": {"loss": "validation.los"}}
    outcome = sweep(write_sweep(sets=sets, figures=wrong), tmp_path / "s")
    assert "has no validation.los: there are loss, nan" in outcome.failed["tiny_seed3"]
    right = {"{folder}/out.json": {"all": "validation"}}
    outcome = sweep(write_sweep(sets=sets, figures=right), tmp_path / "s")
    assert outcome.failed == {}
    assert outcome.results["tiny_seed3"]["figures"] == {"all.loss": 3.0, "all.nan": None}
    assert starts(tmp_path / "s" / "tiny_seed3") == 1


def test_programs_of_a_run_follow_one_another(write_sweep, tmp_path):
    then = ["program.py --out {folder}/score.json --seed 40", "program.py --do fail"]
    outcome = sweep(write_sweep(sets={"a": {"seed": [3]}}, then=then), tmp_path / "s", retries=0)
    assert outcome.results["tiny_seed3"]["exit_code"] == 2
    scored = json.loads((tmp_path / "s" / "tiny_seed3" / "score.json").read_text())
    assert scored["validation"]["loss"] == 40


def test_a_folder_of_other_commands_is_refused(write_sweep, tmp_path):
    sweep(write_sweep(sets={"a": {"seed": [3]}}), tmp_path / "s")
    options = {"out": "{folder}/out.json", "sleep": 0.1}
    with pytest.raises(ValueError, match="tiny_seed3 holds a run with another command"):
        sweep(write_sweep(sets={"a": {"seed": [3]}}, options=options), tmp_path / "s")


def test_two_sweeps_in_one_folder_are_refused(write_sweep, tmp_path):
    (tmp_path / "s").mkdir()
    with (
        FileLock(tmp_path / "s" / ".lock"),
        pytest.raises(RuntimeError, match="Another sweep is running in"),
    ):
        sweep(write_sweep(), tmp_path / "s")
    with pytest.raises(ValueError, match="retries must be at least 0, got -1"):
        sweep(write_sweep(), tmp_path / "s", retries=-1)


def order_alone(folder):
    """Orders the run in a process of its own, which can be killed."""
    code = (
        "import sys; from objwrappers.sweeps.running import order; print(order(*sys.argv[1:3], 1))"
    )
    return subprocess.Popen([sys.executable, "-c", code, folder, "."], stdout=subprocess.PIPE)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_free(path):
    try:
        FileLock(path).release()
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def sleeping_run(write_sweep, tmp_path, monkeypatch):
    """A folder whose program sleeps for a minute."""
    options = {"out": "{folder}/out.json", "sleep": 60}
    file = write_sweep(options=options, sets={"a": {"seed": [0]}})
    with monkeypatch.context() as patch:
        patch.setattr("objwrappers.sweeps.driver._run_all", lambda *_: {})
        sweep(file, tmp_path / "s")
    return tmp_path / "s" / "tiny_seed0"


def test_a_run_ends_with_the_one_who_ordered_it_and_leaves_no_result(sleeping_run):
    ordering = order_alone(sleeping_run)
    wait_for((sleeping_run / "starts.txt").exists)
    assert not is_free(sleeping_run / ".lock")
    ordering.send_signal(signal.SIGKILL)
    ordering.communicate()
    wait_for(lambda: is_free(sleeping_run / ".lock"), 10)
    pid = int((sleeping_run / "starts.txt").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (sleeping_run / "result.json").exists()


def test_a_run_that_somebody_else_runs_is_not_started(sleeping_run, monkeypatch):
    monkeypatch.setattr(running, "LOCK_PATIENCE_S", 0.1)
    monkeypatch.setattr(running, "_is_abandoned", time.sleep)
    with FileLock(sleeping_run / ".lock"):
        assert running.main(sleeping_run, 1) == 1
    assert not (sleeping_run / "starts.txt").exists()


def test_a_node_that_does_not_see_the_folder_says_so(tmp_path):
    error = running.order(str(tmp_path / "nowhere"), str(tmp_path), 1)
    assert f"does not see {tmp_path / 'nowhere' / 'command.json'}" in error
    assert "the nodes of a cluster must share it" in error
