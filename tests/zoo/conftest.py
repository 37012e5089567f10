"""Programs run as a user runs them, in a process of their own, with an empty cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_zoo(tmp_path):
    """Runs ``python zoo/<program>.py ...`` from an empty folder; returns the finished process."""

    def run(program, *arguments, ok=True):
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, str(ROOT / "zoo" / f"{program}.py"), *map(str, arguments)]
        result = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300
        )
        assert (result.returncode == 0) == ok, result.stdout + result.stderr
        return result

    return run
