"""Weights of many games, one training for each: what has weights already is left alone.

:func:`pretrain_each`: a model's name and games → weights of every one of them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from objwrappers.files import cache_folder
from objwrappers.perception.loading import weights_name
from objwrappers.perception.registry import family_of_model
from objwrappers.perception.storage import CONFIG_NAME
from objwrappers.pretraining.game_sets import games_of
from objwrappers.pretraining.run import pretrain

__all__ = ["pretrain_each"]


def pretrain_each(
    model: str,
    games: str | Sequence[str],
    *,
    output: str | Path | None = None,
    jobs: int = 1,
    command_of: Callable[[str], str] | None = None,
    progress: bool = False,
    **options: Any,
) -> tuple[dict[str, Path], dict[str, str]]:
    """Trains a model on each of several games by itself.

    Games whose weights are there are passed over, so that the same call goes on where it was
    interrupted, inside a game, too. A game that fails does not keep the others.

    Args:
        model: See :func:`~objwrappers.pretraining.run.pretrain`.
        games: As ids spell them, or names of sets of games: ``"all"``, ``"atari57"``.
        output: A folder, in which each game's weights have the usual name; by default the user's
            cache.
        jobs: Games trained at once, each by a process of its own.
        command_of: Game → the command that trains it alone, for the record.
        progress: Show a bar over the games.
        **options: The others of :func:`~objwrappers.pretraining.run.pretrain`.

    Returns:
        Game → folder of its weights; game → what was wrong with it.

    Raises:
        ValueError: No such game, or fewer than one job.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}.")
    folder = Path(output or cache_folder("weights"))
    family = options.get("family") or family_of_model(model)
    noise = options.get("noise", "none")
    folders = {game: folder / weights_name(model, game, noise, family) for game in games_of(games)}
    missing = [game for game, there in folders.items() if not (there / CONFIG_NAME).exists()]
    wrong: dict[str, str] = {}
    threads = max(1, torch.get_num_threads() // jobs)
    # Forked processes could not use CUDA.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(threads,))
    bar = tqdm(total=len(missing), unit="game", disable=not progress)
    with pool, _ended_when_interrupted(pool), closing(bar):
        tasks = {
            pool.submit(
                partial(pretrain, model, game, output=folders[game], cache=False, **options),
                command=command_of(game) if command_of else None,
            ): game
            for game in missing
        }
        for done in as_completed(tasks):
            error = done.exception()
            if error is not None:
                wrong[tasks[done]] = f"{type(error).__name__}: {error}"
            bar.update()
    return {game: there for game, there in folders.items() if game not in wrong}, wrong


def _begin(threads: int) -> None:
    """Prepares a process, which ends with the one that began it, even where that was killed."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # checkpoints are written whole or not at all


@contextmanager
def _ended_when_interrupted(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Ends the pool's processes after Ctrl-C; the pool itself would wait for their games."""
    others = active_children()
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()).difference(others):
            process.terminate()
        raise
