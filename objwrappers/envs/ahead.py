"""Work that is done while its reader does something else.

:class:`Ahead`: iterators that another thread runs ahead of their reader.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

__all__ = ["Ahead"]

T = TypeVar("T")


class Ahead(Generic[T]):
    """What iterators give, made by a thread of its own while the reader does something else.

    It is one thread for one iterator after the other: what a new thread allocates lies elsewhere,
    and memory would grow with each. The thread ends with :meth:`close`, with the last reference
    to this object, and before the interpreter does, which one that still decodes would abort.

    Args:
        depth: How many items wait at most.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._turns = _Turns()
        thread = threading.Thread(target=_take_turns, args=(self._turns.waiting,), daemon=True)
        self._stop = weakref.finalize(self, _stop, self._turns, thread)
        thread.start()

    def begin(self, source: Callable[[], Iterator[T]]) -> None:
        """Gives up the iterator before and goes on with another, which ``source`` makes."""
        self._turns.begin(_Turn(source, queue.Queue(self._depth)))

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """Returns the next item; raises what the iterator raised."""
        turn = self._turns.current
        if turn is None or turn.closed.is_set():
            raise StopIteration
        kind, item = turn.items.get()
        if kind == "item":
            return item
        turn.closed.set()
        raise item

    def close(self) -> None:
        """Stops the thread, and waits for it."""
        self._stop()


@dataclass
class _Turn:
    """An iterator's; a thread that has begun it holds nothing of the reader."""

    source: Callable[[], Iterator[Any]]
    items: queue.Queue[tuple[str, Any]]
    closed: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            for item in self.source():
                if not self._put("item", item):
                    return
            self._put("end", StopIteration())
        except Exception as error:  # the reader's thread raises it
            self._put("end", error)

    def close(self) -> None:
        self.closed.set()
        with suppress(queue.Empty):
            while True:
                self.items.get_nowait()  # who waits for a place looks again

    def _put(self, kind: str, item: Any) -> bool:
        while not self.closed.is_set():
            with suppress(queue.Full):
                self.items.put((kind, item), timeout=0.1)
                return True
        return False


class _Turns:
    """The turn that is read, after those that were, and the end."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[_Turn | None] = queue.SimpleQueue()
        self.current: _Turn | None = None

    def begin(self, turn: _Turn | None) -> None:
        if self.current is not None:
            self.current.close()
        self.current = turn
        self.waiting.put(turn)


def _take_turns(turns: queue.SimpleQueue[_Turn | None]) -> None:
    while (turn := turns.get()) is not None:
        turn.run()
        del turn


def _stop(turns: _Turns, thread: threading.Thread) -> None:
    turns.begin(None)
    if thread is not threading.current_thread():  # the collector of garbage runs anywhere
        thread.join()
