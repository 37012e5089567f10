"""Finds trials: in a game's zip, beside each other as tars and text files, or unpacked.

* :func:`read_trials`: path → trials
* :func:`verify`: path or trial → what becomes of everything there
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from objwrappers.datasets.atari_head.archives import (
    MAX_ARCHIVE_BYTES,
    FolderFrames,
    Frames,
    Open,
    TarFrames,
)
from objwrappers.datasets.atari_head.metadata import (
    METADATA_NAME,
    Metadata,
    check_head_game,
    find_game,
    first_of_chain,
    read_metadata,
)
from objwrappers.datasets.atari_head.reports import Rejections, Verification
from objwrappers.datasets.atari_head.trials import Trial, verify_trial

__all__ = ["read_trials", "verify"]

_STEM = r"(\d{1,6}_[A-Za-z]{1,16}_\d{1,18}(?:_[\w-]{1,40})?)"
_FILE = re.compile(_STEM + r"(\.txt|\.tar\.bz2)", re.ASCII)
_FOLDER = re.compile(_STEM, re.ASCII)
_HIGHSCORE = "highscore"
_OTHER_FILES = ("action_enums.txt", "readme.txt", "license.txt")
_MAX_DEPTH = 5
_PARENTS = 3  # above the path that is given, in which metadata are looked for


class _Found(NamedTuple):
    """A file or folder of a trial, or several that belong together."""

    name: str
    place: tuple[str, ...]  # folders from the outermost to the innermost
    frames: Frames | None
    labels: Open | None
    rank: int


def read_trials(path: str | Path, game: str | None = None) -> list[Trial]:
    """Finds the trials at a path; what they hold is read when their steps are.

    The game is told by the zip's name or by a folder's; ``highscore`` by a folder of that name or
    by ``meta_data.csv``, which may lie at the path or up to three folders above. Of a trial that
    is there in several forms, the zip's is read before the tar, and that before unpacked pictures.

    Args:
        path: The dataset's folder, a game's, a zip, or one trial's text file, tar or folder.
        game: Only of this one, ``"ms_pacman"`` or ``"MsPacman"``. Trials whose game nothing tells
            are taken for it.

    Returns:
        By game, the long sessions last, then by trial id. One whose labels or frames are missing
        is there, too, has no steps, and says so in its report.

    Raises:
        FileNotFoundError: There is no such path, or no trial of the game in it.
        ValueError: Atari-HEAD has no such game.
    """
    trials, rejected = _find(path, game)
    if not trials:
        raise FileNotFoundError(
            f"There are no trials{f' of {game}' if game else ''} in {path}: neither zips nor "
            "<trial>.txt beside <trial>.tar.bz2. "
            + (f"Passed over: {rejected}. " if len(rejected) else "")
            + f"Fetch some: python zoo/download.py --game {game or 'ms_pacman'}."
        )
    return trials


def verify(trial_or_path: Trial | str | Path, game: str | None = None) -> Verification:
    """Reads a trial, or all trials at a path, to the end, and tells what became of them.

    Args:
        trial_or_path: See :func:`read_trials`.
        game: Only of this one.

    Raises:
        FileNotFoundError: There is no such path.
        ValueError: Atari-HEAD has no such game.
    """
    if isinstance(trial_or_path, Trial):
        return Verification([verify_trial(trial_or_path)])
    trials, rejected = _find(trial_or_path, game)
    return Verification([verify_trial(trial) for trial in trials], rejected)


def _find(path: str | Path, game: str | None) -> tuple[list[Trial], Rejections]:
    path, rejected = Path(path), Rejections()
    asked = check_head_game(game) if game is not None else None
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    places = [path, *path.resolve().parents[:_PARENTS]]
    known: dict[tuple[str, int], Metadata] = {}
    for place in reversed(places):
        known |= read_metadata(place / METADATA_NAME, rejected)
    best: dict[tuple[str | None, str], _Found] = {}
    for found in _merge(_entries(path, rejected)):
        key = _game(found, asked, known), found.name
        if asked in (None, key[0]) and (key not in best or _worth(found) < _worth(best[key])):
            best[key] = found
    trials = [_trial(found, game, known) for (game, _), found in best.items()]
    trials.sort(key=lambda trial: (trial.game or "", trial.highscore, trial.trial_id, trial.name))
    return trials, rejected


def _worth(found: _Found) -> tuple[bool, int]:
    return found.frames is None or found.labels is None, found.rank


def _game(found: _Found, asked: str | None, known: dict[tuple[str, int], Metadata]) -> str | None:
    told = [game for part in reversed(found.place) if (game := find_game(part))]
    if not told:
        by_metadata = [game for game, number in known if number == _trial_id(found)]
        told = by_metadata if len(by_metadata) == 1 else []
    return told[0] if told else asked


def _trial_id(found: _Found) -> int:
    return int(found.name.split("_")[0])


def _trial(found: _Found, game: str | None, known: dict[tuple[str, int], Metadata]) -> Trial:
    trial_id = _trial_id(found)
    metadata = known.get((game, trial_id)) if game else None
    chain = first_of_chain(game, trial_id, known) if game else None
    highscore = _HIGHSCORE in found.place
    return Trial(found.name, found.frames, found.labels, game, highscore, metadata, chain)


def _merge(entries: Iterable[_Found]) -> list[_Found]:
    """Brings frames and labels of one name and place together; a tar goes before a folder."""
    merged: dict[tuple[str, tuple[str, ...]], _Found] = {}
    for entry in sorted(entries, key=lambda entry: entry.rank):
        there = merged.get((entry.name, entry.place))
        if there is None:
            merged[entry.name, entry.place] = entry
        else:
            merged[entry.name, entry.place] = there._replace(
                frames=there.frames or entry.frames, labels=there.labels or entry.labels
            )
    return list(merged.values())


def _entries(path: Path, rejected: Rejections) -> Iterator[_Found]:
    path = path.resolve()
    if path.is_dir() and not _FOLDER.fullmatch(path.name):
        yield from _in_folder(path, rejected)
    elif path.suffix == ".zip":
        yield from _in_zip(path, rejected)
    else:
        name = path.name.removesuffix(".txt").removesuffix(".tar.bz2")
        yield from (e for e in _in_folder(path.parent, Rejections(), 1) if e.name == name)


def _in_folder(folder: Path, rejected: Rejections, depth: int = _MAX_DEPTH) -> Iterator[_Found]:
    for parent, folders, files in os.walk(folder):
        inside = Path(parent).relative_to(folder).parts
        place = (folder.parent.name, folder.name, *inside)
        trials = [name for name in folders if _FOLDER.fullmatch(name)]
        for name in trials:
            yield _Found(name, place, FolderFrames(Path(parent, name)), None, 2)
        deep = len(inside) + 1 >= depth
        folders[:] = sorted(
            name for name in folders if not (deep or name in trials or name.startswith("."))
        )
        for name in sorted(files):
            path = Path(parent, name)
            if match := _FILE.fullmatch(name):
                yield _one(match, place, partial(_open_file, path), 1)
            elif path.suffix == ".zip" and depth > 1:
                yield from _in_zip(path, rejected)
            elif name.endswith((".txt", ".tar.bz2")) and name.lower() not in _OTHER_FILES:
                rejected.add("files of other names", path.relative_to(folder))


def _in_zip(path: Path, rejected: Rejections) -> Iterator[_Found]:
    try:
        if not path.is_file():  # A pipe of that name would wait for a writer.
            raise ValueError("not a regular file")
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    # Of a damaged archive zipfile raises errors of many kinds.
    except Exception as error:
        rejected.add("damaged archives", f"{path.name}: {type(error).__name__}: {error}")
        return
    names = [entry.filename for entry in entries]
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    for entry in entries:
        parts = entry.filename.split("/")
        if entry.filename.startswith(("/", "\\")) or ".." in parts:
            rejected.add("members outside the archive", f"{path.name}: {entry.filename}")
        elif entry.filename in twice:
            rejected.add("members that are there twice", f"{path.name}: {entry.filename}")
        elif match := _FILE.fullmatch(parts[-1]):
            place = (path.stem, *parts[:-1])
            yield _one(match, place, partial(_open_in_zip, path, entry), 0)
        elif parts[-1].lower() not in _OTHER_FILES:
            rejected.add("files of other names", f"{path.name}: {entry.filename}")


def _one(match: re.Match[str], place: tuple[str, ...], opener: Open, rank: int) -> _Found:
    if match[2] == ".txt":
        return _Found(match[1], place, None, opener, rank)
    return _Found(match[1], place, TarFrames(opener), None, rank)


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    # A pipe of that name would wait for a writer.
    if not path.is_file():
        raise ValueError(f"{path.name} is not a regular file")
    with path.open("rb") as stream:
        yield stream


@contextmanager
def _open_in_zip(path: Path, entry: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    if entry.file_size > MAX_ARCHIVE_BYTES:
        raise ValueError(f"{entry.filename} unpacks to {entry.file_size:,} bytes")
    with zipfile.ZipFile(path) as archive, archive.open(entry) as stream:
        yield stream
