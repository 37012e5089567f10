"""One run, in a process of its own: ``python -m objwrappers.sweeps.running FOLDER ATTEMPT``.

Whoever orders a run holds the other end of this process's standard input. When that end closes,
because the one who ordered was killed, so are the run's programs, and no result is written.
Killed itself, it leaves a program that still holds the lock: nobody else starts the run meanwhile.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from objwrappers.datasets.locking import FileLock
from objwrappers.files import read_json
from objwrappers.sweeps.folder import (
    COMMAND_NAME,
    LOCK_NAME,
    LOG_NAME,
    PROMPT,
    RESULT_NAME,
    write_result,
)
from objwrappers.sweeps.summary import read_figures

__all__ = ["USAGE_ERROR", "order", "start", "wait_for_lock"]

USAGE_ERROR = 2
"""The exit code of argparse where it does not know an option."""
LOCK_PATIENCE_S = 20.0
POLL_S = 0.1


def order(folder: str, directory: str, attempt: int, gpus: float = 0) -> str | None:
    """Runs a run and waits for its end.

    Args:
        folder: Of the run, absolute, with its ``command.json``.
        directory: Where its programs start.
        attempt: Counted from 1.
        gpus: That were set aside for it; without any it sees none.

    Returns:
        Why there is no result; None where ``result.json`` says how it ended.
    """
    node = socket.gethostname()
    for path in (Path(directory), Path(folder) / COMMAND_NAME):
        if not path.exists():
            return f"{node} does not see {path}: the nodes of a cluster must share it."
    code = start(folder, directory, attempt, gpus).wait()
    return f"the process that ran it on {node} ended with exit code {code}" if code else None


def start(
    folder: str | Path,
    directory: str | Path,
    attempt: int,
    gpus: float = 0,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen:
    """Starts a run; closing the standard input of what is returned ends it, without a result.

    Args:
        folder: Of the run, absolute, with its ``command.json``.
        directory: Where its programs start.
        attempt: Counted from 1.
        gpus: That were set aside for it; without any it sees none.
        environment: Variables on top of this process's own.
    """
    command = [sys.executable, "-m", "objwrappers.sweeps.running", str(folder), str(attempt)]
    # Some versions of Ray let those see all that asked for none.
    seen = {} if gpus else {"CUDA_VISIBLE_DEVICES": ""}
    with open(Path(folder) / LOG_NAME, "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=directory,
            env={**os.environ, **seen, **(environment or {})},
        )


def main(folder: Path, attempt: int) -> int:
    """Runs the commands of a folder, one after the other; returns the exit code."""
    lock = wait_for_lock(folder / LOCK_NAME, _is_abandoned)
    if lock is None:
        print(f"{folder} is being run by another process: wait, or end it.", flush=True)
        return 1
    with lock:
        (folder / RESULT_NAME).unlink(missing_ok=True)
        content = read_json(folder / COMMAND_NAME)
        started = time.monotonic()
        result: dict[str, Any] = {"attempt": attempt, "node": socket.gethostname(), "exit_code": 0}
        result |= {"error": None, "programs": []}
        with open(folder / LOG_NAME, "ab", buffering=0) as log:
            for words in content["commands"]:
                begun, before = time.monotonic(), os.times()
                code = _run(words, log, lock)
                if code is None:
                    return 1
                result["programs"].append(_used(begun, before))
                if code:
                    result |= {"exit_code": code, "error": _explain(words[0], code)}
                    break
        result["wall_s"] = round(time.monotonic() - started, 3)
        if not result["error"]:
            result |= {"wanted": content["figures"], **read_figures(content["figures"])}
        write_result(folder, result)
    return 0


def _used(begun: float, before: os.times_result) -> dict[str, float]:
    """Seconds that a program took, of the clock and of processors, its own children's included."""
    now = os.times()
    user, system = now.children_user, now.children_system
    processor_s = user - before.children_user + system - before.children_system
    return {"wall_s": round(time.monotonic() - begun, 3), "processor_s": round(processor_s, 2)}


def wait_for_lock(path: Path, give_up: Callable[[float], bool | None]) -> FileLock | None:
    """Returns a run's lock; None where somebody keeps it.

    A run whose driver was killed needs a moment to end.

    Args:
        path: Of the lock.
        give_up: Waits so many seconds; whether to wait no longer.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            return FileLock(path)
        except BlockingIOError:
            if time.monotonic() > deadline or give_up(POLL_S):
                return None


def _run(words: list[str], log: IO[bytes], lock: FileLock) -> int | None:
    """Runs a program to its end; None where it was cut off."""
    log.write(f"{PROMPT}{shlex.join(words)}\n".encode())
    process = subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        pass_fds=(lock.fileno(),),
    )
    try:
        while process.poll() is None:
            if _is_abandoned(POLL_S):
                return None
        return process.returncode
    finally:
        # What the program started itself must not outlive it, and would keep the lock.
        _kill_group(process)
        process.wait()


def _is_abandoned(wait_s: float) -> bool:
    """Waits; whether the one who ordered this run is gone, who never writes."""
    readable, _, _ = select.select([0], [], [], wait_s)
    return bool(readable)


def _kill_group(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _explain(program: str, code: int) -> str:
    if code == USAGE_ERROR:
        return f"{program} does not take these options (exit code {code})"
    if code < 0:
        return f"{program} was killed by {signal.Signals(-code).name}"
    return f"{program} ended with exit code {code}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
