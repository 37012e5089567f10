"""Iterators that a thread runs ahead of their reader."""

import itertools
import subprocess
import sys
import threading

import pytest

from objwrappers.envs.ahead import Ahead


def ahead_of(source, depth=4):
    ahead = Ahead(depth)
    ahead.begin(source)
    return ahead


def test_an_iterator_runs_ahead_and_passes_errors_on():
    assert list(Ahead(1)) == []
    ahead = ahead_of(lambda: iter(range(10)), 3)
    assert list(ahead) == list(range(10))
    with pytest.raises(StopIteration):
        next(ahead)

    def failing():
        yield 1
        raise OSError("gone")

    ahead.begin(failing)
    assert next(ahead) == 1
    with pytest.raises(OSError, match="gone"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


def test_one_thread_runs_one_iterator_after_the_other():
    ran_by, closed = set(), []

    def counting(first):
        try:
            for number in itertools.count(first):
                ran_by.add(threading.get_ident())
                yield number
        finally:
            closed.append(first)

    ahead = ahead_of(lambda: counting(0))
    assert [next(ahead) for _ in range(6)] == list(range(6))
    for first in (100, 200, 300):
        ahead.begin(lambda first=first: counting(first))
        assert next(ahead) == first, "nothing that the one before had made ready"
    ahead.close()
    assert closed == [0, 100, 200, 300]
    assert len(ran_by) == 1


def test_its_thread_ends_when_it_is_closed_and_with_its_reader():
    before = threading.active_count()
    endless, forgotten = (ahead_of(lambda: iter(int, 1)) for _ in range(2))
    next(endless)
    assert threading.active_count() == before + 2
    endless.close()
    endless.close()
    with pytest.raises(StopIteration):
        next(endless)
    assert threading.active_count() == before + 1
    del forgotten
    assert threading.active_count() == before


DECODES_AT_ITS_END = """
import cv2, numpy as np
from objwrappers.envs.recorded import Ahead

png = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (210, 160, 3), np.uint8))[1]
pictures = lambda: (cv2.imdecode(png, 1) for _ in iter(int, 1))
left_open = [Ahead(10**6) for _ in range(4)]
for ahead in left_open:
    ahead.begin(pictures)
print([next(ahead).shape for ahead in left_open][0])
"""


def test_a_script_that_leaves_it_open_ends_well():
    words = [sys.executable, "-c", DECODES_AT_ITS_END]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "(210, 160, 3)\n", "")
