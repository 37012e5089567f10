"""Memory that is freed and wanted again at each step of an env."""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed_memory"]

LARGEST_BYTES = 31 * 2**20  # glibc's M_MMAP_THRESHOLD grows to 32 MiB by itself, not beyond


def keep_freed_memory() -> None:
    """Lets the process keep the memory of feature maps and frames between one step and the next.

    glibc maps large blocks anew each time they are wanted, and the kernel clears their pages: that
    took half of a network's time on a processor. From which size on a block counts as large grows
    with the largest one that was freed (mallopt(3), M_MMAP_THRESHOLD), so one is freed here. Other
    systems' allocators are not impressed.
    """
    np.empty(LARGEST_BYTES, np.uint8)
