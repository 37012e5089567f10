"""Steps of a trial: what was written comes back, whatever is broken is told, memory stays flat."""

import bz2
import io
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objwrappers.datasets.atari_head import read_trials, write_synthetic
from objwrappers.datasets.atari_head.archives import TarFrames
from objwrappers.datasets.atari_head.labels import HEADER
from objwrappers.datasets.atari_head.synthetic import (
    SYNTHETIC_TRIALS,
    SyntheticTrial,
    synthetic_frame,
    synthetic_rows,
)
from objwrappers.datasets.atari_head.trials import Step, Trial, verify_trial


@pytest.mark.parametrize("number", range(4))
def test_steps_are_what_was_written(synthetic, number):
    made = SYNTHETIC_TRIALS[number]
    trial = read_trials(synthetic["zip"])[number]
    rows = [row.split(",") for row in synthetic_rows(made, 40)][:-1]
    for n, (step, row) in enumerate(zip(trial.steps(), rows, strict=True), 1):
        assert step.number == n and row[0] == f"{made.session}_{n}"
        np.testing.assert_array_equal(step.frame, synthetic_frame(made, n))
        values = (step.episode_id, step.score, step.duration, step.reward, step.action)
        assert ["null" if value is None else str(value) for value in values] == row[1:6]
        gaze = [] if row[6:] == ["null"] else [float(value) for value in row[6:]]
        np.testing.assert_array_equal(step.gaze, np.array(gaze, np.float32).reshape(-1, 2))
        assert step.gaze.dtype == np.float32 and trial.report is None
    report = trial.report
    assert (report.rows, report.frames, report.joined, report.expected_frames) == (40, 40, 39, 40)
    assert report.without_label == 1 and report.ok
    nulls = {
        column: sum(row[i] == "null" for row in rows)
        for i, column in enumerate(
            ("episode_id", "score", "duration", "reward", "action", "gaze"), 1
        )
    }
    assert report.nulls == nulls
    assert sum(report.actions) == 39 - nulls["action"] and report.off_screen == 3


def test_which_samples_are_on_the_screen():
    gaze = [[0, 0], [159.99, 209.99], [160, 5], [5, 210], [-0.01, 5], [5, -0.01]]
    step = Step(np.zeros(0), 1, None, None, None, None, None, np.array(gaze, np.float32))
    assert step.on_screen.tolist() == [True, True, False, False, False, False]
    assert step._replace(gaze=step.gaze[:0]).on_screen.shape == (0,)


MADE = SyntheticTrial(7)


def trial_of(labels, archive):
    open_labels = (lambda: nullcontext(io.BytesIO(labels))) if labels is not None else None
    frames = TarFrames(lambda: nullcontext(io.BytesIO(archive)))
    return Trial(MADE.name, frames, open_labels)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Labels and unpacked tar of a short trial."""
    folder = write_synthetic(tmp_path_factory.mktemp("short"), "alien", (MADE,), 12, "tar")
    labels = (folder / "alien" / f"{MADE.name}.txt").read_bytes()
    return labels, bz2.decompress((folder / "alien" / f"{MADE.name}.tar.bz2").read_bytes())


def check(trial):
    """Reads a trial; what is used must be right, and everything else counted."""
    numbers = []
    for step in trial.steps():
        np.testing.assert_array_equal(step.frame, synthetic_frame(MADE, step.number))
        numbers.append(step.number)
    assert numbers == sorted(set(numbers)) and trial.report.joined == len(numbers)
    return numbers, trial.report


def test_a_damaged_picture_is_passed_over(files):
    labels, archive = files
    damaged = bytearray(archive)
    damaged[archive.index(f"{MADE.session}_5.png".encode()) + 700] ^= 1
    numbers, report = check(trial_of(labels, bz2.compress(damaged)))
    assert numbers == [n for n in range(1, 12) if n != 5]
    assert report.rejected.first("damaged pictures") == ["5: a checksum is wrong"]
    assert len(report.rejected) == 1 and not report.ok


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_pairs_wrongly_or_ends_in_an_error(files, data):
    labels, archive = files
    damaged = bytearray(archive)
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(damaged)) | st.just(len(damaged)))
    numbers, report = check(trial_of(labels, bz2.compress(damaged[:cut])))
    assert len(numbers) == 11 or not report.ok


def test_labels_that_cannot_be_read_are_told(files):
    numbers, report = check(trial_of(b"frame_id,gaze\n", bz2.compress(files[1])))
    assert not numbers and "its header is" in report.rejected.first("damaged labels")[0]
    _, report = check(trial_of(None, bz2.compress(files[1])))
    assert report.rejected.first("trials without labels") == [MADE.name]


def test_labels_of_another_trial_get_no_frames(files):
    labels = files[0].replace(MADE.session.encode(), b"RZ_99")
    numbers, report = check(trial_of(labels, bz2.compress(files[1])))
    assert not numbers and report.rejected.count("frames of another session") == 12
    assert report.rejected.count("rows without a frame") == 11


def test_a_report_says_everything(files):
    labels = files[0].replace(b"_3,", b"_x,").replace(b"_8,", b"_9,")
    report = verify_trial(trial_of(labels, bz2.compress(files[1])))
    assert (
        str(report).splitlines()[0]
        == f"{MADE.name}: 8 steps of 12 rows and 12 frames (unknown by meta_data.csv)"
    )
    assert "  rejected, malformed rows: 1 (line 4: RZ_1000007_x" in str(report)
    assert "  rejected, rows that contradict each other: 1 (9)" in str(report)
    assert "  rejected, frames without a row: 3 (3, 8, 9)" in str(report)
    assert report.rejected.count("rows without a frame") == 0


def test_memory_does_not_grow_with_a_trial(tmp_path):
    peaks = []
    for count in (100, 1500):
        folder = write_synthetic(tmp_path / str(count), "alien", (MADE,), count)
        (trial,) = read_trials(folder)
        tracemalloc.start()
        numbers = [step.number for step in trial.steps()]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert numbers == [*range(1, count)]
    # A frame has 100 kB: 1400 more of them would have 140 MB. Labels and encoded frames stay.
    assert peaks[1] < peaks[0] + 4_000_000


def test_header_is_the_datasets(files, real_data):
    (path,) = real_data.glob("*/highscore/*.txt")
    with path.open() as file:
        assert file.readline().strip() == HEADER == files[0].split(b"\n")[0].decode()
