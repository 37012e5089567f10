"""Made-up trials in the dataset's own format: for tests, and to try programs without a download.

* :func:`write_synthetic`: a folder as the dataset's, with zips, tars or unpacked pictures
* :class:`SyntheticTrial`, :data:`SYNTHETIC_TRIALS`: which trials
* :func:`synthetic_frame`, :func:`synthetic_rows`: what they hold

A square walks over a screen, the player looks at it and pushes where it goes: gaze and actions
can be learnt. There are nulls, samples off-screen, a trial without scores, one that continues
another among the long sessions, and a last row without anything.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from objwrappers.datasets.atari_head.labels import HEADER
from objwrappers.datasets.atari_head.metadata import METADATA_NAME, check_head_game
from objwrappers.datasets.atari_head.pictures import HEIGHT_PX, WIDTH_PX
from objwrappers.datasets.atari_head.reports import ACTION_NAMES
from objwrappers.files import write_atomically

__all__ = [
    "SYNTHETIC_TRIALS",
    "SyntheticTrial",
    "synthetic_frame",
    "synthetic_rows",
    "write_synthetic",
]

_HEADER = (
    "GameName,trial_id,subject_id,load_trial,highest_score,total_frame,total_game_play_time,"
    "total_episode,max_error,avg_error,low_sample_rate,frame_averaging,fps"
)
_SQUARE_PX = 10
_SPEED_PX = 4
_TURN_STEPS = 8
_MOVES = {2: (0, -1), 3: (1, 0), 4: (-1, 0), 5: (0, 1)}  # UP, RIGHT, LEFT, DOWN
_STRIP_TOP_PX = 195  # of the frame's number, in bits
_BITS, _BIT_PX = 20, 8


class SyntheticTrial(NamedTuple):
    """One trial to make up.

    Attributes:
        trial_id: Seeds it, too.
        code: The player's in file names; the metadata have the first letter.
        highscore: Among the long sessions.
        load_trial: The trial that it continues, 0 for none.
        early: Episode and score are null, as in the dataset's early trials.
    """

    trial_id: int
    code: str = "RZ"
    highscore: bool = False
    load_trial: int = 0
    early: bool = False

    @property
    def session(self) -> str:
        """What the names of its frames begin with."""
        return f"{self.code}_{1_000_000 + self.trial_id}"

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.trial_id}_{self.session}_Jan-02-13-04-05"


SYNTHETIC_TRIALS = (
    SyntheticTrial(101, early=True),
    SyntheticTrial(202, "JAW"),
    SyntheticTrial(203),
    SyntheticTrial(301, highscore=True, load_trial=203),
)


def write_synthetic(
    folder: str | Path,
    game: str = "ms_pacman",
    trials: Sequence[SyntheticTrial] = SYNTHETIC_TRIALS,
    frames: int = 40,
    form: str = "zip",
) -> Path:
    """Writes trials and their ``meta_data.csv``; the same arguments give the same frames and rows.

    Args:
        folder: Made if absent.
        game: Of Atari-HEAD.
        trials: Which ones.
        frames: Of each, the last with a row without anything.
        form: ``"zip"``, ``"tar"`` (unzipped) or ``"folder"`` (unpacked).

    Returns:
        The folder.

    Raises:
        ValueError: No such game or form.
    """
    folder, game = Path(folder), check_head_game(game)
    if form not in ("zip", "tar", "folder"):
        raise ValueError(f"form is 'zip', 'tar' or 'folder', got {form!r}.")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / METADATA_NAME, _metadata(game, trials, frames))
    enums = "".join(f"PLAYER_A_{name} = {n}\n" for n, name in enumerate(ACTION_NAMES))
    _write(folder / "action_enums.txt", enums.encode())
    files = {f"{game}/{'highscore/' * trial.highscore}{trial.name}": trial for trial in trials}
    if form == "zip":
        with zipfile.ZipFile(folder / f"{game}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path, trial in files.items():
                archive.writestr(f"{path}.tar.bz2", _tar(trial, frames))
                archive.writestr(f"{path}.txt", _text(trial, frames))
        return folder
    for path, trial in files.items():
        _write(folder / f"{path}.txt", _text(trial, frames))
        if form == "tar":
            _write(folder / f"{path}.tar.bz2", _tar(trial, frames))
        else:
            for name, content in _pictures(trial, frames):
                _write(folder / path / name, content)
    return folder


def synthetic_frame(trial: SyntheticTrial, number: int) -> np.ndarray:
    """Returns a frame of a trial, uint8 (210, 160, 3); the strip below tells its number in bits."""
    frame = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    frame[:_STRIP_TOP_PX] = (trial.trial_id % 251, 28, 136)
    frame[20:_STRIP_TOP_PX:35, :, 2] = 60
    for bit in range(_BITS):
        if number >> bit & 1:
            frame[_STRIP_TOP_PX:, bit * _BIT_PX : (bit + 1) * _BIT_PX] = 255
    (x, y), _ = _square(trial, number)
    frame[y : y + _SQUARE_PX, x : x + _SQUARE_PX] = (252, 252, 84)
    return frame


def synthetic_rows(trial: SyntheticTrial, frames: int) -> Iterator[str]:
    """Gives the rows of a trial's label file, without the header."""
    # A trial that continues another begins with that one's episode and score.
    score = 10 * frames if trial.load_trial else 0
    episode, rng = (1 if trial.load_trial else 0), np.random.default_rng(trial.trial_id)
    for number in range(1, frames):
        if number > 1 and (number - 1) % max(frames // 2, 2) == 0:
            episode, score = episode + 1, 0
        (x, y), action = _square(trial, number)
        reward = 10 * (number % _TURN_STEPS == 0)
        score += reward
        samples = rng.normal((x + 5, y + 5), 1.5, (int(rng.integers(1, 12)), 2))
        if number % 13 == 0:
            samples[0] = -3.25, 215.5
        gaze = ",".join(f"{value:.2f}" for value in samples.flatten())
        fields = [
            "null" if trial.early else str(episode),
            "null" if trial.early else str(score),
            "null" if number % 23 == 0 else str(45 + number % 10),
            "null" if number % 17 == 0 else str(reward),
            "null" if number % 19 == 0 else str(action),
            "null" if number % 11 == 0 else gaze,
        ]
        yield ",".join([f"{trial.session}_{number}", *fields])
    yield f"{trial.session}_{frames}" + ",null" * 6


def _square(trial: SyntheticTrial, number: int) -> tuple[tuple[int, int], int]:
    """Returns where the square is, (x, y) of its corner, and the action that moves it on."""
    turns, steps = divmod(number, _TURN_STEPS)
    turned = (trial.trial_id + turns) % len(_MOVES)
    action = (3, 5, 4, 2)[turned]
    dx, dy = _MOVES[action]
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    left, top = corners[turned]
    side = _TURN_STEPS * _SPEED_PX
    at_x = 40 + trial.trial_id % 40 + left * side + dx * steps * _SPEED_PX
    at_y = 60 + trial.trial_id % 50 + top * side + dy * steps * _SPEED_PX
    return (at_x, at_y), action


def _text(trial: SyntheticTrial, frames: int) -> bytes:
    return "".join(f"{line}\n" for line in (HEADER, *synthetic_rows(trial, frames))).encode()


def _pictures(trial: SyntheticTrial, frames: int) -> Iterator[tuple[str, bytes]]:
    # By name, where 10 comes before 2, as archives of folders often are.
    for number in sorted(range(1, frames + 1), key=str):
        frame = cv2.cvtColor(synthetic_frame(trial, number), cv2.COLOR_RGB2BGR)
        _, content = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        yield f"{trial.session}_{number}.png", content.tobytes()


def _tar(trial: SyntheticTrial, frames: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as tar:
        for name, content in _pictures(trial, frames):
            member = tarfile.TarInfo(f"{trial.name}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _metadata(game: str, trials: Sequence[SyntheticTrial], frames: int) -> bytes:
    lines = [_HEADER]
    for trial in trials:
        name = f"{game}_highscore" if trial.highscore else game.replace("ms_pacman", "mspacman")
        facts = f"{name},{trial.trial_id}, {trial.code[0]},{trial.load_trial}"
        lines.append(f"{facts},{10 * frames},{frames},{50 * frames},2,0.91,0.35,0.80%,FALSE,20")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _write(path: Path, content: bytes) -> None:
    with write_atomically(path) as file:
        file.write(content)
