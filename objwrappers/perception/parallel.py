"""A batch in parts, each on a thread of its own.

:class:`Chunks`: around a function that releases the interpreter while it computes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

__all__ = ["Chunks"]

LEAST = 4  # rows that are worth a thread


class Chunks:
    """Calls a function on parts of a batch, as many as torch has threads, and joins the results.

    The first part is the caller's own. The other threads end with this object.

    Args:
        function: Rows (n, ...) → named arrays (n, ...).
    """

    def __init__(self, function: Callable[[np.ndarray], dict[str, np.ndarray]]) -> None:
        self._function = function
        self._pool: ThreadPoolExecutor | None = None
        self._made_for = (0, 0)

    def __call__(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """(B, ...) → the function's arrays (B, ...)."""
        parts = min(torch.get_num_threads(), max(1, len(batch) // LEAST))
        if parts == 1:
            return self._function(batch)
        first, *others = np.array_split(batch, parts)
        pool = self._threads(parts - 1)
        waiting = [pool.submit(self._function, part) for part in others]
        results = [self._function(first), *(each.result() for each in waiting)]
        return {key: np.concatenate([result[key] for result in results]) for key in results[0]}

    def _threads(self, count: int) -> ThreadPoolExecutor:
        # Threads do not live on in a forked process.
        wanted = (os.getpid(), max(count, self._made_for[1]))
        if self._pool is None or wanted != self._made_for:
            self._pool, self._made_for = ThreadPoolExecutor(wanted[1], "perception"), wanted
        return self._pool
