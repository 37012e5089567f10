"""Readers put through damage in a process of their own, which may crash, hang or eat memory.

* :func:`attack`: a reader's name and seeds → what went wrong

Run as a program, it is that process: a line of JSON before and after each piece of damage.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_PROCESSOR_S = 2.0
MAX_MEMORY_BYTES = 2**30
HUNG_S = 20.0
"""Without a word; cores may be busy with other tests."""

BEGIN_S = 120.0
"""For imports, and for writing what a reader reads."""

ALLOWED = (ValueError, OSError)


def attack(
    names: Iterable[str], seeds: Iterable[int], way: str = "damage"
) -> list[tuple[str, int, str, str]]:
    """Damages what readers read, once for each seed.

    Args:
        names: Of the readers.
        seeds: Of the damage.
        way: ``"damage"``: any. ``"flip"``: one bit of tensors' files, which must be noticed.

    Returns:
        What went wrong: reader, seed, the damage, and what came of it.
    """
    seeds = [*seeds]
    left = [(name, seed) for name in names for seed in seeds]
    wrong = []
    while left:
        done, last = _run(left, way)
        # What ended the process is on the one after the last that it told of.
        if len(done) < len(left):
            done.append(("?", last))
        for (name, seed), (told, why) in zip(left, done, strict=False):
            if why:
                wrong.append((name, seed, told, why))
        left = left[len(done) :]
    return wrong


def _run(wanted: list[tuple[str, int]], way: str) -> tuple[list[tuple[str, str]], str]:
    command = [sys.executable, "-X", "faulthandler", __file__, way]
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as errors:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "OMP_NUM_THREADS": "1",
            "XDG_CACHE_HOME": f"{scratch}/cache",
        }
        process = subprocess.Popen(
            [*command, scratch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        )
        assert process.stdin and process.stdout
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: [*map(lines.put, process.stdout), lines.put("")]).start()  # type: ignore[arg-type]
        process.stdin.write(json.dumps(wanted))
        process.stdin.close()
        done: list[tuple[str, str]] = []
        last, ready = "", False
        patience = BEGIN_S
        try:
            while (line := lines.get(timeout=patience)) and len(done) < len(wanted):
                ready = ready or line.startswith("ready")
                patience = BEGIN_S if line.startswith("begin") else HUNG_S
                if line.startswith("["):
                    done.append(tuple(json.loads(line)))
        except queue.Empty:
            last = "it hangs"
        process.kill()
        code = process.wait()
        errors.seek(0)
        last = last or f"it ended with {code}: {errors.read().decode()[-800:]}"
        if not ready:
            raise RuntimeError(f"{wanted[0]} could not begin: {last}")
    return done, last


def main(way: str, scratch: str) -> None:
    """Reads names and seeds from standard input and says of each what came of it."""
    import torch

    torch.set_num_threads(1)
    wanted = json.loads(sys.stdin.read())
    for name in dict.fromkeys(name for name, _ in wanted):
        folder = Path(tempfile.mkdtemp(dir=scratch))
        if not _damage_all(name, [seed for each, seed in wanted if each == name], way, folder):
            return  # what comes after too much memory is measured in a process of its own


def _damage_all(name: str, seeds: list[int], way: str, scratch: Path) -> bool:
    from attacks.mutations import copy, damage, flip, reseal
    from attacks.readers import READERS, quietly

    print("begin", flush=True)
    reader = READERS[name]
    whole, folder = scratch / "whole", scratch / "here"
    whole.mkdir()
    reader.write(whole)
    pattern = "*.safetensors" if way == "flip" else "*"
    files = sorted(path.relative_to(whole) for path in whole.rglob(pattern) if path.is_file())
    copy(whole, folder)
    assert not (wrong := _wrong([*quietly(reader.read, folder)], "damage")), wrong
    print("ready", flush=True)
    for seed in seeds:
        copy(whole, folder)
        path = folder / files[seed % len(files)]
        told = (flip if way == "flip" else damage)(path, seed)
        if reader.sealed and way != "flip" and seed % 3:
            reseal(folder)
        begun = time.process_time()
        try:
            wrong = _wrong([*quietly(reader.read, folder)], way)
        except ALLOWED as error:
            wrong = "" if str(error) else f"{type(error).__name__} without a word"
        except BaseException as error:
            wrong = f"{type(error).__name__}: {str(error)[:200]}"
        if (seconds := time.process_time() - begun) > MAX_PROCESSOR_S:
            wrong = wrong or f"it took {seconds:.1f} s"
        memory = _most_memory()
        if memory > MAX_MEMORY_BYTES:
            wrong = wrong or f"it took {memory / 2**20:.0f} MiB"
        print(json.dumps([told, wrong]), flush=True)
        if memory > MAX_MEMORY_BYTES:
            return False
    return True


def _most_memory() -> int:
    """Bytes that this process has had at once; getrusage begins with those of its parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _wrong(read: list[Any], way: str) -> str:
    import numpy as np

    if way == "flip":
        return "it was not noticed"
    return "" if all(np.isfinite(np.asarray(value)).all() for value in read) else "it is not finite"


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != here]
    main(*sys.argv[1:])
