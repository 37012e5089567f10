"""Of a program and its workers one says a thing."""

import multiprocessing
import warnings

import pytest

from objwrappers.telling import warn_once


def tell(messages, pipe):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for message in messages:
            warn_once(message)
    pipe.send([str(each.message) for each in caught])
    pipe.recv()  # it lives, and with it what it has told


def told_by_workers(method, work):
    """What each of them told, while all of them live."""
    context = multiprocessing.get_context(method)
    pipes, workers = [], []
    for messages in work:
        here, there = context.Pipe()
        workers.append(context.Process(target=tell, args=(messages, there), daemon=True))
        workers[-1].start()
        pipes.append(here)
    told = [pipe.recv() for pipe in pipes]
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(None)
        worker.join()
    return told


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_one_worker_tells_what_all_have_to_tell(method):
    told = told_by_workers(method, [["of all"], ["of all"], ["of all", "of the third"]])
    assert sorted(message for messages in told for message in messages) == [
        "of all",
        "of the third",
    ]


def test_workers_do_not_repeat_what_their_program_told():
    with pytest.warns(UserWarning, match="the program's"):
        warn_once("the program's")
    assert told_by_workers("fork", [["the program's"], ["the program's"]]) == [[], []]


def test_a_program_itself_tells_as_often_as_python_lets_it():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            warn_once("again")
    assert len(caught) == 2 and caught[0].filename == __file__
