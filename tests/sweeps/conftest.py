"""A tiny program, and runs without Ray."""

import contextlib

import pytest
import yaml

from objwrappers.sweeps import driver
from objwrappers.sweeps.running import order

PROGRAM = """
import argparse, json, os, pathlib, signal, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=pathlib.Path, required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--weight", type=float, default=0.0)
parser.add_argument("--sleep", type=float, default=0.0)
parser.add_argument("--do", default="write")
options = parser.parse_args()
with open(options.out.parent / "starts.txt", "a") as file:
    file.write(f"{os.getpid()}\\n")
starts = len((options.out.parent / "starts.txt").read_text().splitlines())
print(f"start {starts} of seed {options.seed}", flush=True)
time.sleep(options.sleep)
if options.do == "fail" or (options.do == "fail once" and starts == 1):
    sys.exit(f"seed {options.seed} fails")
if options.do == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if options.do != "forget":
    node = {key: os.environ.get(key) for key in ("RAY_RAYLET_PID", "CUDA_VISIBLE_DEVICES")}
    content = {"loss": options.seed + options.weight, "nan": float("nan"), **node}
    options.out.write_text(json.dumps({"validation": content}))
"""


@pytest.fixture
def write_sweep(tmp_path, monkeypatch):
    """Writes a sweep of the tiny program and goes to its folder; keywords replace its keys."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)

    def write(**changes):
        content = {
            "program": "program.py",
            "options": {"out": "{folder}/out.json"},
            "sets": {"standard": {"seed": [0, 2], "weight": [0.0, 10.0]}},
            "short": None if "sets" in changes else {"weight": "w"},
            "figures": {"{folder}/out.json": {"loss": "validation.loss"}},
            **changes,
        }
        content = {key: value for key, value in content.items() if value is not None}
        path = tmp_path / "tiny.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


class OneByOne:
    """Runs as :class:`~objwrappers.sweeps.cluster.Cluster` does, here and one after the other."""

    def __init__(self):
        self.queue = []

    def submit(self, key, *arguments):
        self.queue.append((key, arguments))

    def ended(self):
        while self.queue:
            key, arguments = self.queue.pop(0)
            yield key, order(*arguments)


@pytest.fixture
def without_ray(monkeypatch):
    monkeypatch.setattr(driver, "connect", lambda *_: contextlib.nullcontext(OneByOne()))
