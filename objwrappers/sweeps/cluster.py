"""Runs on Ray: one machine, or a cluster by its address.

A run is one remote task that needs so many processors and GPUs; Ray finds it a node, sets
``OMP_NUM_THREADS`` and ``CUDA_VISIBLE_DEVICES`` to what it got, and says when a node was lost.
Plain tasks do all that a grid needs. Tune would add searching, and a state of its own beside the
folders of the runs: pickles that know nothing of a file to which runs were added since.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from objwrappers.sweeps.running import order

__all__ = ["Cluster", "connect"]

CONNECT_PATIENCE_S = 10.0
OBJECT_STORE_BYTES = 100 * 2**20
"""Runs hand over paths and messages only."""


@contextmanager
def connect(address: str | None, cpus: float, gpus: float) -> Iterator[Cluster]:
    """Gives a cluster, and leaves it again.

    Args:
        address: ``host:port`` of its head, ``"auto"`` for the one this machine is in; None starts
            one on this machine alone and stops it at the end.
        cpus: Processors of each run.
        gpus: GPUs of each run.

    Raises:
        RuntimeError: Ray is not installed.
        ConnectionError: Nobody answers at the address.
        ValueError: Negative resources, or more than any node has.
    """
    if cpus < 0 or gpus < 0 or not cpus + gpus:
        raise ValueError(f"A run needs processors or GPUs, got cpus={cpus} and gpus={gpus}.")
    try:
        import ray
    except ImportError as error:
        raise RuntimeError('Sweeps need Ray: pip install "objwrappers[sweep]".') from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        # Ray reads this where it starts a cluster, and has no argument for it.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **quiet)
    else:
        _check_reachable(address)
        try:
            ray.init(address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConnectionError(f"There is no Ray cluster at {address}: {error}") from error
    try:
        _check_room(ray.nodes(), cpus, gpus)
        yield Cluster(ray, cpus, gpus)
    finally:
        ray.shutdown()


class Cluster:
    """Takes runs and tells which have ended.

    Args:
        ray: The module, connected.
        cpus: Processors of each run.
        gpus: GPUs of each run.
    """

    def __init__(self, ray: Any, cpus: float, gpus: float) -> None:
        self._ray = ray
        # A task that Ray repeats by itself would not be counted.
        options = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": 0}
        self._order = ray.remote(**options)(order)
        self._gpus = gpus
        self._pending: dict[Any, Any] = {}

    def submit(self, key: Any, folder: str, directory: str, attempt: int) -> None:
        """Queues a run; see :func:`objwrappers.sweeps.running.order`."""
        self._pending[self._order.remote(folder, directory, attempt, self._gpus)] = key

    def ended(self) -> Iterator[tuple[Any, str | None]]:
        """Yields key and error of each run as it ends, until none is left."""
        while self._pending:
            (task,), _ = self._ray.wait(list(self._pending), num_returns=1)
            key = self._pending.pop(task)
            try:
                error = self._ray.get(task)
            except self._ray.exceptions.RayError as lost:
                error = f"its node or worker was lost: {str(lost).strip().splitlines()[0]}"
            yield key, error


def _check_reachable(address: str) -> None:
    """Ray itself may wait for minutes at a port where nobody listens."""
    if address == "auto":
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"--address takes host:port or auto, got {address!r}.")
    try:
        socket.create_connection((host, int(port)), CONNECT_PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"There is no Ray cluster at {address}: {error}") from error


def _check_room(nodes: list[dict[str, Any]], cpus: float, gpus: float) -> None:
    """A run that fits nowhere would wait for ever."""
    there = [node["Resources"] for node in nodes if node["Alive"]]
    sizes = [(node.get("CPU", 0.0), node.get("GPU", 0.0)) for node in there]
    if not any(cpus <= size[0] and gpus <= size[1] for size in sizes):
        known = ", ".join(f"{size[0]:g} and {size[1]:g}" for size in sizes)
        raise ValueError(
            f"No node has {cpus:g} processors and {gpus:g} GPUs for a run; there are {known}."
        )
