"""Fetches Atari-HEAD from where its authors published it.

* :func:`download`: the zip of a game, and the tables that belong to it
* :func:`data_folder`: where it is kept by default
* :data:`CITATION`, :data:`LICENCE`
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from objwrappers.datasets.atari_head.metadata import METADATA_NAME, check_head_game
from objwrappers.datasets.fetching import (
    RemoteFile,
    bytes_to_fetch,
    check_space,
    fetch_file,
    fetch_json,
)
from objwrappers.datasets.locking import FileLock
from objwrappers.files import cache_folder

__all__ = ["CITATION", "LICENCE", "data_folder", "download"]

RECORD_URL = "https://zenodo.org/api/records/3451402"

LICENCE = "CC BY 4.0: name the authors wherever the data, or what was trained on them, is published"
CITATION = (
    "Zhang et al., Atari-HEAD: Atari Human Eye-Tracking and Demonstration Dataset, AAAI 2020, "
    "arXiv 1903.06754, doi:10.5281/zenodo.3451402"
)

_TABLES = (METADATA_NAME, "action_enums.txt")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
_CHECKSUM = re.compile(r"md5:([0-9a-f]{32})")
_LOCK_NAME = ".downloading"


def data_folder() -> Path:
    """Returns the folder in the user's cache where the dataset is kept."""
    return cache_folder("atari_head")


def download(game: str, folder: str | Path | None = None, *, progress: bool = False) -> Path:
    """Fetches the trials of a game, unless they are there; goes on with what was cut off.

    The data are the authors', under CC BY 4.0; see :data:`CITATION`.

    Args:
        game: ``"ms_pacman"`` or ``"MsPacman"``.
        folder: Made if absent; by default :func:`data_folder`.
        progress: Show a bar.

    Returns:
        The folder, for :func:`.finding.read_trials`.

    Raises:
        ConnectionError: The server cannot be reached: it, or this machine, is offline.
        ValueError: Atari-HEAD has no such game, or what came is not what was announced.
        BlockingIOError: Another process fetches into the folder.
        OSError: Too little room on the disk.
    """
    game = check_head_game(game)
    folder = data_folder() if folder is None else Path(folder)
    files = _wanted(fetch_json(RECORD_URL), game)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / _LOCK_NAME)
    except BlockingIOError as error:
        raise BlockingIOError(f"Another process fetches into {folder}; wait for it.") from error
    with lock:
        missing = {file: rest for file in files if (rest := bytes_to_fetch(file, folder))}
        check_space(folder, sum(missing.values()))
        with _bar(sum(missing.values()), progress) as bar:
            for file in missing:
                fetch_file(file, folder, bar.update)
    return folder


def _wanted(record: dict[str, Any], game: str) -> list[RemoteFile]:
    """Returns the files of a game, the small ones first."""
    try:
        there = {str(entry["key"]): _remote(entry) for entry in record["files"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{RECORD_URL} lists its files in an unknown way: {error!r}.") from error
    archive = f"{game}.zip"
    if archive not in there:
        raise ValueError(f"{RECORD_URL} has no {archive}; it has {', '.join(there) or 'nothing'}.")
    texts = [name for name in there if name in _TABLES or name.lower().startswith("readme")]
    return [there[name] for name in (*texts, archive)]


def _remote(entry: dict[str, Any]) -> RemoteFile:
    name, size, checksum = entry["key"], entry["size"], _CHECKSUM.fullmatch(entry["checksum"])
    if not _NAME.fullmatch(name) or type(size) is not int or size < 0 or checksum is None:
        raise ValueError(entry)
    return RemoteFile(name, f"{RECORD_URL}/files/{name}/content", size, checksum[1])


def _bar(total: int, shown: bool) -> Any:
    from tqdm import tqdm  # comes with huggingface_hub

    return tqdm(total=total, unit="B", unit_scale=True, disable=not shown)
