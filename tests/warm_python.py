"""A Python that has imported what programs import, and runs each of them in a fork of itself.

As a program it reads jobs from its standard input, one JSON a line, and answers each with its exit
status. A fork begins where imports end: the programs, their arguments, folders and environments
are those of a process of their own.

* :class:`WarmPython`: starts it, and runs programs by it
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

PRELOADED = (
    "torch.utils.tensorboard",
    "lightning_fabric",
    "sb3_contrib",
    "rl_zoo3.train",
    "captum.attr",
    "cv2",
)
LIMIT_S = 300


class WarmPython:
    """One such process, until it is closed.

    Args:
        environment: Of its imports.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )
        self._outputs = tempfile.TemporaryDirectory()
        # One that does not answer is ended, and with it the wait for its answer.
        self._limit_s = LIMIT_S + 60

    def run(
        self, program: Path, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``python program arguments`` in a folder; its output is what it wrote."""
        written = [Path(self._outputs.name) / name for name in ("stdout", "stderr")]
        job = {
            "argv": [str(program), *arguments],
            "folder": str(folder),
            "environment": dict(environment),
            "written": [str(path) for path in written],
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        timer = threading.Timer(self._limit_s, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
        finally:
            timer.cancel()
        output, errors = (path.read_text() for path in written)
        return subprocess.CompletedProcess(job["argv"], status, output, errors)

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._outputs.cleanup()


def _serve() -> None:
    for name in PRELOADED:
        __import__(name)
    gc.freeze()  # a fork's collector leaves the pages of what was imported shared
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            _become(**job)
            return
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def _become(argv: list[str], folder: str, environment: dict[str, str], written: list[str]) -> None:
    signal.alarm(LIMIT_S)
    for number, path in enumerate([os.devnull, *written]):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(path, flags), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = argv, str(Path(argv[0]).parent)
    runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    _serve()
