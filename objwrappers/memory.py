"""Memory: what is freed and wanted again at each step of an env, and how much is left.

* :func:`keep_freed_memory`, :func:`available_bytes`, :func:`resident_bytes`
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["available_bytes", "keep_freed_memory", "resident_bytes"]

LARGEST_BYTES = 31 * 2**20  # glibc's M_MMAP_THRESHOLD grows to 32 MiB by itself, not beyond

STATUS = Path("/proc/self/status")


def keep_freed_memory() -> None:
    """Lets the process keep the memory of feature maps and frames between one step and the next.

    glibc maps large blocks anew each time they are wanted, and the kernel clears their pages: that
    took half of a network's time on a processor. From which size on a block counts as large grows
    with the largest one that was freed (mallopt(3), M_MMAP_THRESHOLD), so one is freed here. Other
    systems' allocators are not impressed.
    """
    np.empty(LARGEST_BYTES, np.uint8)


def available_bytes() -> int | None:
    """Returns how much memory this process may still take; None where nothing tells."""
    found = [_of_machine(Path("/proc/meminfo")), _of_group(Path("/sys/fs/cgroup"))]
    return min((one for one in found if one is not None), default=None)


def resident_bytes() -> int | None:
    """Returns how much memory this process takes; None where nothing tells."""
    try:
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) * 1024
    except (KeyError, OSError, ValueError):
        return None


def _of_machine(meminfo: Path) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (KeyError, OSError, ValueError):
        return None


def _of_group(folder: Path) -> int | None:
    """What a container's limit leaves, with the file cache, which the kernel gives up for it."""
    try:
        limit, used = (int((folder / f"memory.{it}").read_text()) for it in ("max", "current"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(stat["inactive_file"]))
    except (KeyError, OSError, ValueError):
        # "max" is no limit; elsewhere there are no such files.
        return None
