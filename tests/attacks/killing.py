"""Scenarios whose process is killed where it hurts most, and run again.

* :class:`Killer`: SIGKILL at the n-th call of what makes a file or folder appear
* :func:`run`: a scenario in a process of its own
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

CALLS = ("replace", "rename", "fsync", "chmod", "mkdir", "unlink", "rmdir")
"""Of :mod:`os`; each counts twice, before and after it is done."""

PATIENCE_S = 240
_CONTEXT = multiprocessing.get_context("fork")


def run(
    scenario: Callable[[Path], None],
    folder: Path,
    kill_at: int | None = None,
    kill_after_s: float | None = None,
    by: signal.Signals = signal.SIGKILL,
    largest_file: int | None = None,
    privileged: bool = True,
) -> int | None:
    """Runs a scenario.

    Args:
        scenario: A function of a folder.
        folder: That one.
        kill_at: At which of the calls it is killed; None for never.
        kill_after_s: After how many seconds it is, if it has not ended; None for never.
        by: The signal of that.
        largest_file: Bytes that a file may have: what writes more finds the disk full.
        privileged: Whether root's permissions are left to it; without them, files and folders
            are forbidden to root as to any other owner.

    Returns:
        How many calls there were; None where it was killed.

    Raises:
        RuntimeError: It failed, or was not killed although it should have been.
    """
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_child, args=(scenario, folder, kill_at, largest_file, privileged, sender)
    )
    process.start()
    sender.close()
    try:
        if kill_after_s is not None and not receiver.poll(kill_after_s):
            os.kill(process.pid or 0, by)
        if not receiver.poll(PATIENCE_S):
            process.kill()
            raise RuntimeError(f"It did not end within {PATIENCE_S} s.")
        told = receiver.recv()
    except EOFError:
        told = None
    process.join()
    if isinstance(told, str):
        raise RuntimeError(told)
    if told is None and process.exitcode not in (-signal.SIGKILL, -by):
        raise RuntimeError(f"It ended with {process.exitcode}.")
    return told


def _child(scenario, folder, kill_at, largest_file, privileged, pipe) -> None:
    calls = 0

    def counted(function):
        def call(*arguments, **options):
            nonlocal calls
            _die_at(calls, kill_at)
            calls += 1
            result = function(*arguments, **options)
            _die_at(calls, kill_at)
            calls += 1
            return result

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    if not privileged:
        _drop_capabilities()
    try:
        scenario(folder)
        pipe.send(calls)
    except BaseException:
        pipe.send(traceback.format_exc())


def _drop_capabilities() -> None:
    """See capset(2): a header of version and process, then twice three sets of 32 bits."""
    version, this_process = 0x20080522, 0
    header = (ctypes.c_uint32 * 2)(version, this_process)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")


def _die_at(calls: int, kill_at: int | None) -> None:
    if calls == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


def content_of(folder: Path) -> dict[str, bytes]:
    """Relative path → bytes, of all files but those that tell the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "tfevents" not in path.name
    }
