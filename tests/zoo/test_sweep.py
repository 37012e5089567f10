"""Sweeps on Ray: the driver killed, a cluster of two nodes, a real program, errors."""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from objwrappers.datasets.locking import FileLock
from objwrappers.sweeps.driver import sweep

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra sweep"
)

PROGRAM = """
import json, os, pathlib, sys, time

seed, sleep_s, folder = int(sys.argv[2]), float(sys.argv[4]), pathlib.Path(sys.argv[6])
with open(folder / "starts.txt", "a") as file:
    file.write(f"{os.getpid()}\\n")
# Runs that wait for each other end only if they run at once.
together = int(sys.argv[8]) if len(sys.argv) > 8 else 0
deadline = time.monotonic() + 60
while len(list(folder.parent.glob("*/starts.txt"))) < together:
    assert time.monotonic() < deadline, "alone"
    time.sleep(0.05)
doomed = pathlib.Path("doomed.txt")
if doomed.exists() and doomed.read_text() == str(seed):
    sleep_s = 30
time.sleep(sleep_s)
facts = {key: os.environ.get(key) for key in ("RAY_RAYLET_PID", "CUDA_VISIBLE_DEVICES")}
(folder / "out.json").write_text(json.dumps({"loss": seed, **facts}))
"""


@pytest.fixture
def write_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # which Ray's workers inherit
    (tmp_path / "program.py").write_text(PROGRAM)

    def write(sets, options=""):
        path = tmp_path / "tiny.yml"
        path.write_text(
            f"program: program.py\n"
            f"sets: {{standard: {sets}}}\n"
            f'options: {{seed: 0, sleep: 0, folder: "{{folder}}"{options}}}\n'
            f'figures: {{"{{folder}}/out.json": {{loss: loss}}}}\n'
        )
        return path

    return write


def results(folder):
    return sorted(folder.glob("*/result.json"))


def is_free(path):
    try:
        FileLock(path).release()
    except BlockingIOError:
        return False
    return True


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_four_runs_survive_the_kill_of_their_driver(write_sweep, tmp_path, run_zoo):
    file = write_sweep("{seed: [0, 1], sleep: [0, 2.5]}")
    folder = tmp_path / "s"
    command = [sys.executable, ROOT / "zoo" / "sweep.py", file, "-f", folder]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as driver:
        wait_for(lambda: results(folder))
        driver.send_signal(signal.SIGKILL)
    # Nothing of a killed sweep goes on: it would write to the runs that are started again.
    wait_for(lambda: all(is_free(lock) for lock in folder.glob("*/.lock")), 30)
    before = {path: path.read_bytes() for path in results(folder)}
    assert 1 <= len(before) <= 3

    output = run_zoo("sweep", file, "-f", folder).stdout
    assert f"4 runs in {folder}, {len(before)} finished before" in output
    assert "| tiny_sleep2.5 | 2    | 0      | 0.5 ± 0.71 |" in output
    assert len(results(folder)) == 4
    for path, content in before.items():
        assert path.read_bytes() == content
        assert len((path.parent / "starts.txt").read_text().splitlines()) == 1
    assert not [path for path in folder.rglob(".*.json.*")]


@contextlib.contextmanager
def two_nodes(**second):
    """Two nodes on this machine, of one processor each; gives the cluster and the second."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    try:
        yield cluster, cluster.add_node(**{**small, **second})
    finally:
        cluster.shutdown()


def node_of(folder):
    return json.loads((folder / "out.json").read_text())["RAY_RAYLET_PID"]


@pytest.mark.slow
def test_a_cluster_of_two_nodes_shares_the_runs(write_sweep, tmp_path):
    with two_nodes(num_gpus=1) as (cluster, second):
        # Each node has one processor: two runs that wait for each other need both.
        file = write_sweep("{seed: [0, 1]}", ", together: 2")
        assert not sweep(file, "both", address=cluster.address).failed
        nodes = {node_of(tmp_path / "both" / f"tiny_seed{seed}") for seed in (0, 1)}
        assert len(nodes) == 2
        facts = [json.loads(path.read_text()) for path in (tmp_path / "both").glob("*/out.json")]
        assert [f["CUDA_VISIBLE_DEVICES"] for f in facts] == [""] * 2

        file = write_sweep("{seed: [0, 1, 2]}")
        assert not sweep(file, "gpu", cpus=0, gpus=0.5, address=cluster.address).failed
        facts = [json.loads(path.read_text()) for path in (tmp_path / "gpu").glob("*/out.json")]
        assert [f["CUDA_VISIBLE_DEVICES"] for f in facts] == ["0"] * 3
        raylet = second.all_processes["raylet"][0].process.pid
        assert {f["RAY_RAYLET_PID"] for f in facts} == {str(raylet)}

        with pytest.raises(ValueError, match="No node has 2 processors and 0 GPUs for a run; ther"):
            sweep(file, "large", cpus=2, address=cluster.address)


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the worker in /proc")
def test_a_run_whose_worker_is_lost_starts_again(write_sweep, tmp_path):
    file = write_sweep("{seed: [0, 1]}")
    (tmp_path / "doomed.txt").write_text("0")

    def lose():
        start = tmp_path / "s" / "tiny_seed0" / "starts.txt"
        wait_for(lambda: start.exists() and start.read_text().endswith("\n"))
        (tmp_path / "doomed.txt").unlink()
        # Program, the process that runs it, Ray's worker.
        os.kill(parent_of(parent_of(int(start.read_text()))), signal.SIGKILL)

    thread = threading.Thread(target=lose)
    thread.start()
    outcome = sweep(file, "s")
    thread.join()
    assert not outcome.failed
    assert {name: r["attempt"] for name, r in outcome.results.items()} == {
        "tiny_seed0": 2,
        "tiny_seed1": 1,
    }


def test_errors_are_one_line(write_sweep, run_zoo, tmp_path):
    file = write_sweep("{seed: [0]}")

    def error(*arguments):
        result = run_zoo("sweep", *arguments, ok=False)
        assert "Traceback" not in result.stderr
        return result.stderr

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        assert f"There is no Ray cluster at {address}" in error(file, "--address", address)
    assert "--address takes host:port or auto, got 'head'" in error(file, "--address", "head")
    assert "A run needs processors or GPUs, got cpus=-1" in error(file, "--cpus", "-1")
    assert "There is no file tinny.yml" in error("tinny.yml")
    file.write_text(file.read_text().replace("sets:", "set:"))
    assert "Unknown key of a sweep 'set'. Did you mean 'sets'?" in error(file)
    assert not (tmp_path / "logs").exists() or not list((tmp_path / "logs").rglob("result.json"))


def test_without_ray_the_extra_is_named(write_sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RuntimeError, match=r'pip install "objwrappers\[sweep\]"'):
        sweep(write_sweep("{seed: [0]}"), "s")


def test_a_dry_run_prints_commands(write_sweep, run_zoo, tmp_path):
    output = run_zoo("sweep", write_sweep("{seed: [0, 1]}"), "--dry-run", "-f", "s").stdout
    assert output.splitlines()[2:] == [
        "# tiny_seed1",
        "python program.py --seed 1 --sleep 0 --folder s/tiny_seed1",
    ]
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_sweep_of_pretraining(run_zoo, tmp_path):
    run_zoo("collect", "--game", "Pong", "-n", 1024, "--num-envs", 4, "--folder", "frames")
    (tmp_path / "k.yml").write_text(
        """
program: zoo/pretrain.py
options:
  model: motion
  game: Pong
  frames-folder: frames
  device: cpu
  n-timesteps: 4
  hyperparams: {eval_freq: 4, batch_size: 4}
  output: "{folder}/weights"
  log-folder: "{folder}/logs"
  no-progress: true
sets:
  standard: {seed: [0, 1], hyperparams.num_keypoints: [2, 3]}
short: {hyperparams.num_keypoints: k}
figures: {"{output}/config.json": {validation: training.validation, k: num_keypoints}}
"""
    )
    output = run_zoo("sweep", "k.yml", "-f", "s").stdout
    rows = json.loads((tmp_path / "s" / "summary.json").read_text())["rows"]
    assert [row["figures"]["k"]["mean"] for row in rows] == [2, 3]
    assert all(row["figures"]["validation.loss"]["std"] > 0 for row in rows)
    assert "| k_k3 | 2    | 0      |" in output
