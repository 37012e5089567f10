"""Weights of many games, one training for each: what has weights already is left alone.

:func:`pretrain_each`: a model's name and games → weights of every one of them.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from objwrappers.files import cache_folder
from objwrappers.perception.loading import weights_name
from objwrappers.perception.registry import family_of_model
from objwrappers.perception.storage import CONFIG_NAME, read_config
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
    """Trains a model on each of several games by itself, in a process of its own.

    Games whose weights are there are passed over, so that the same call goes on where it was
    interrupted, inside a game, too; weights that another command made are so with a warning. A
    game that fails does not keep the others.

    Args:
        model: See :func:`~objwrappers.pretraining.run.pretrain`.
        games: As ids spell them, or names of sets of games: ``"all"``, ``"atari57"``.
        output: A folder, in which each game's weights have the usual name; by default the user's
            cache.
        jobs: Games trained at once.
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
    if command_of is not None:
        _warn_of_others({g: there for g, there in folders.items() if g not in missing}, command_of)
    calls: dict[str, Callable[[], Any]] = {
        game: partial(
            partial(pretrain, model, game, output=folders[game], cache=False, **options),
            command=command_of(game) if command_of else None,
        )
        for game in missing
    }
    with closing(tqdm(total=len(missing), unit="game", disable=not progress)) as bar:
        wrong = _run(calls, jobs, bar.update)
    return {game: there for game, there in folders.items() if game not in wrong}, wrong


def _warn_of_others(folders: dict[str, Path], command_of: Callable[[str], str]) -> None:
    """Says which weights would not be those that are asked for."""
    others = {}
    for game, folder in folders.items():
        made_by = read_config(folder).get("training", {}).get("command")
        if made_by != command_of(game):
            others[folder.name] = made_by
    if others:
        name, made_by = next(iter(others.items()))
        more = f", and {len(others) - 1} more" if len(others) > 1 else ""
        warnings.warn(
            f"Weights that another command made are left as they are: {name} ({made_by}){more}. "
            "Remove them, or give another output, to train anew.",
            stacklevel=3,
        )


def _run(calls: dict[str, Callable[[], Any]], jobs: int, done: Callable[[], Any]) -> dict[str, str]:
    """Makes the calls, so many at once; returns what was wrong with which."""
    waiting, wrong = [*calls], {}
    threads = max(1, torch.get_num_threads() // jobs)
    context = get_context("spawn")  # forked processes could not use CUDA
    running: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                game = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_call, args=(calls[game], threads, sender))
                process.start()
                sender.close()
                running[receiver] = game, process
            for ready in wait([*running]):
                assert isinstance(ready, Connection)
                game, ended = running.pop(ready)
                error = _outcome(ready, ended)
                if error:
                    wrong[game] = error
                done()
    finally:
        for _, unfinished in running.values():
            unfinished.terminate()
    return wrong


def _outcome(receiver: Connection, process: BaseProcess) -> str:
    """What a process says of its call, or how it ended without a word; empty where all is well."""
    try:
        said = receiver.recv()
        process.join()
    except EOFError:
        process.join()
        said = f"its process ended with exit code {process.exitcode}"
        if process.exitcode == 1:
            said += "; a script calls this under if __name__ == '__main__':"
    receiver.close()
    return said


def _call(function: Callable[[], Any], threads: int, sender: Connection) -> None:
    """Runs in the process, which ends with the one that began it, even where that was killed."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        function()
        sender.send("")
    except Exception as error:
        sender.send(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sender.send("interrupted")


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # checkpoints are written whole or not at all
