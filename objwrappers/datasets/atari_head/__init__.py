"""Recorded human play with eye tracking: Atari-HEAD (Zhang et al. 2020), read where it lies.

Reading, from the dataset's zips, from tars beside their text files, or from unpacked folders:

* ``read_trials(path, game=None) -> list[Trial]``: lazily, nothing of a trial is read yet
* :class:`Trial`: ``name`` (``"593_RZ_5037271_Aug-05-15-35-12"``), ``trial_id`` int, ``subject``
  (``"R"``), ``game`` (``"ms_pacman"``) and ``task`` (``"MsPacman"``), ``highscore`` bool,
  ``load_trial`` (0 begins anew, else the trial that it continues; None if unknown), ``metadata``
* ``Trial.steps() -> Iterator[Step]``: in the order of their numbers, one frame in memory at a time
* :class:`Step`: ``frame`` uint8 (210, 160, 3), ``number`` int from 1, ``episode_id``, ``score``,
  ``duration`` (ms), ``reward``, ``action`` (each int or None), ``gaze`` float32 (n, 2), native
  pixels (x, y), and ``on_screen`` bool (n,)
* ``Trial.report``: a :class:`TrialReport` after its steps were read to the end
* ``verify(trial_or_path) -> Verification``: reads everything; ``reports``, ``ok``, ``str()``

Kept on disk, made once:

* ``human_recording(trial_or_path, folder=None) -> HumanRecording``: of one trial, T steps (and
  ``HumanRecording(folder)`` opens it without the dataset):
  ``small_frames`` uint8 (T, 84, 84) mapped, ``actions`` int16 (T,) with -1 for null, ``rewards``,
  ``scores`` and ``durations`` float32 (T,) with NaN, ``episodes`` int32 (T,) with -1, ``numbers``
  int32 (T,), ``starts`` bool (T,) True where a frame does not follow the one before it, ``gaze``
  float32 (P, 2) and ``gaze_offsets`` int64 (T + 1,): step t has ``gaze[offsets[t]:offsets[t+1]]``
  (``gaze_of(t)``);
  ``frames(i, j)`` uint8 (j - i, 210, 160, 3), and iteration over the native frames

Parts:

* ``official_split(trials)``, ``chain_folds(trials, k)``: of trials
* ``tail_split(count, percent, gap)``, ``range_split(numbers, ranges)``: of one trial's steps

Others: ``write_synthetic(folder, ...)``, trials in the dataset's format for tests;
``objwrappers.download(game)``, the dataset itself; :mod:`.moments`, which frames an agent meets.
"""

from objwrappers.datasets.atari_head.finding import read_trials, verify
from objwrappers.datasets.atari_head.metadata import GAMES, Metadata
from objwrappers.datasets.atari_head.moments import frames_acted_on, frames_seen, observed
from objwrappers.datasets.atari_head.recording import HumanRecording, human_recording
from objwrappers.datasets.atari_head.reports import TrialReport, Verification
from objwrappers.datasets.atari_head.splits import (
    EXAMPLE_RANGES,
    chain_folds,
    is_official_test,
    official_split,
    range_split,
    tail_split,
)
from objwrappers.datasets.atari_head.synthetic import write_synthetic
from objwrappers.datasets.atari_head.trials import Step, Trial

__all__ = [
    "EXAMPLE_RANGES",
    "GAMES",
    "HumanRecording",
    "Metadata",
    "Step",
    "Trial",
    "TrialReport",
    "Verification",
    "chain_folds",
    "frames_acted_on",
    "frames_seen",
    "human_recording",
    "is_official_test",
    "observed",
    "official_split",
    "range_split",
    "read_trials",
    "tail_split",
    "verify",
    "write_synthetic",
]
