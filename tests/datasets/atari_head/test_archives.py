"""Frames in any order, from archives that cannot be trusted."""

import bz2
import io
import tarfile
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objwrappers.datasets.atari_head import archives as module
from objwrappers.datasets.atari_head.archives import FolderFrames, TarFrames, frames_in_order
from objwrappers.datasets.atari_head.reports import TrialReport

SESSION = "RZ_7"


def tar_of(*members, kind=tarfile.GNU_FORMAT):
    """Packs (name, content) pairs, or members that are no files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=kind) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def pictures(*numbers):
    return [(f"7_RZ_7/RZ_7_{n}.png", f"picture {n}".encode()) for n in numbers]


def read(unpacked, wanted, last=None, compress=True):
    content = bz2.compress(unpacked) if compress else unpacked
    report = TrialReport("trial")
    source = TarFrames(lambda: nullcontext(io.BytesIO(content)))
    found = [*frames_in_order(source, SESSION, np.array(wanted, np.int64), last, report)]
    for number, picture in found:
        assert picture == f"picture {number}".encode()
    return [number for number, _ in found], report


@pytest.mark.parametrize("waiting", [2**26, 25, 0])
def test_order_is_that_of_the_numbers(monkeypatch, waiting):
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", waiting)
    order = np.random.default_rng(0).permutation(np.arange(1, 41)).tolist()
    found, report = read(tar_of(*pictures(*order)), range(1, 41))
    assert found == [*range(1, 41)]
    assert report.frames == 40 and not len(report.rejected)


def test_frames_and_rows_that_have_no_other():
    found, report = read(tar_of(*pictures(1, 2, 4, 6, 9)), [1, 3, 4, 5, 6], last=9)
    assert found == [1, 4, 6]
    assert report.rejected.first("rows without a frame") == ["3", "5"]
    assert report.rejected.first("frames without a row") == ["2"]
    assert len(report.rejected) == 3 and report.frames == 5


def test_repeated_and_contradicting_frames():
    members = [*pictures(1, 2, 2, 3, 4), ("elsewhere/RZ_7_3.png", b"picture 33")]
    found, report = read(tar_of(*members, ("RZ_7_004.png", b"picture 4")), [1, 2, 3, 4])
    assert found == [1, 2, 4]
    assert report.rejected.first("repeated frames") == ["2", "4"]
    assert report.rejected.first("frames that contradict each other") == ["3"]


def test_frames_of_another_session_are_not_used():
    found, report = read(tar_of(*pictures(1), ("JAW_7_2.png", b"picture 2")), [1, 2])
    assert found == [1]
    assert report.rejected.first("frames of another session") == ["JAW_7_2.png"]
    assert report.rejected.first("rows without a frame") == ["2"]


def other(name, kind, **facts):
    member = tarfile.TarInfo(name)
    member.type = kind
    for fact, value in facts.items():
        setattr(member, fact, value)
    return member


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        (("../RZ_7_2.png", b"picture 2"), "members outside the archive"),
        (("a/../../RZ_7_2.png", b"picture 2"), "members outside the archive"),
        (("/etc/RZ_7_2.png", b"picture 2"), "members outside the archive"),
        (other("RZ_7_2.png", tarfile.SYMTYPE, linkname="/etc/passwd"), "members that are no files"),
        (other("RZ_7_2.png", tarfile.LNKTYPE, linkname="RZ_7_1.png"), "members that are no files"),
        (other("RZ_7_2.png", tarfile.CHRTYPE, devmajor=1), "members that are no files"),
        (other("RZ_7_2.png", tarfile.FIFOTYPE), "members that are no files"),
        (("RZ_7_2.png", bytes(2**18 + 1)), "members that are too large"),
        (("readme\x1b[2J.md", b"text"), "members of other names"),
        (("RZ_7_\u0662.png", b"picture 2"), "members of other names"),
    ],
)
def test_hostile_members_are_counted_and_the_others_used(member, kind):
    found, report = read(tar_of(*pictures(1), member, *pictures(3)), [1, 2, 3])
    assert found == [1, 3]
    assert report.rejected.count(kind) == 1
    assert report.rejected.first("rows without a frame") == ["2"]
    assert str(report.rejected).isascii() and "\x1b" not in str(report)


def test_folders_and_long_names_are_no_offence():
    folder = other("7_RZ_7", tarfile.DIRTYPE)
    deep = [("x" * 150 + f"/{name}", content) for name, content in pictures(1)]
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found, report = read(tar_of(folder, *deep, *pictures(2), kind=kind), [1, 2])
        assert found == [1, 2] and not len(report.rejected)


def bomb(size):
    """A header that announces a name of that size, and such a name."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, size
    return header.tobuf() + bytes(size)


def test_headers_do_not_fill_memory():
    packed = bz2.compress(tar_of(*pictures(1))[:1024] + bomb(2**27))
    tracemalloc.start()
    found, report = read(packed, [1, 2], compress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [1] and peak < 2**22
    assert "too large" in report.rejected.first("damaged archives")[0]


def test_the_whole_archive_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_UNPACKED_BYTES", 20_000)
    found, report = read(tar_of(*pictures(*range(1, 41))), range(1, 41))
    assert 0 < len(found) < 40 and report.rejected.count("damaged archives") == 1


@pytest.mark.parametrize("content", [b"", b"no archive", bz2.compress(b"no tar" * 200)])
def test_what_is_no_archive_is_said(content):
    found, report = read(content, [1], compress=False)
    assert not found and report.rejected.count("rows without a frame") == 1


SOUND = bz2.compress(tar_of(*pictures(*range(1, 30))))
PLAIN = tar_of(*pictures(*range(1, 30)))


@given(st.integers(0, len(SOUND)))
def test_a_cut_archive_gives_what_is_before_the_cut(length):
    found, report = read(SOUND[:length], range(1, 30), compress=False)
    assert found == [*range(1, len(found) + 1)]
    assert len(found) + report.rejected.count("rows without a frame") == 29
    assert len(found) == 29 or report.rejected.count("damaged archives") == 1


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(1, 255)), max_size=8))
def test_whatever_is_changed_no_frame_gets_another_name(changes):
    damaged = bytearray(PLAIN)
    for position, change in changes:
        # Contents may change: the checksums of pictures are another module's.
        if position % 1024 < 512:
            damaged[position] ^= change
    found, report = read(bytes(damaged), range(1, 30))
    assert found == sorted(found)
    assert (
        len(found)
        + report.rejected.count("rows without a frame")
        + report.rejected.count("frames that contradict each other")
        >= 29
    )


@given(st.binary(max_size=2048))
def test_any_bytes_are_no_crash(content):
    read(content, [1], compress=False)
    read(content, [1])


def test_a_folder_of_pictures(tmp_path):
    for name, content in pictures(10, 9, 2, 1):
        (tmp_path / name.rpartition("/")[2]).write_bytes(content)
    (tmp_path / "RZ_7_3.png").symlink_to("/etc/passwd")
    (tmp_path / "RZ_7_4.png").mkdir()
    (tmp_path / "RZ_7_5.png").write_bytes(bytes(2**18 + 1))
    report = TrialReport("trial")
    found = [*frames_in_order(FolderFrames(tmp_path), SESSION, np.arange(1, 11), None, report)]
    assert found == [(n, f"picture {n}".encode()) for n in (1, 2, 9, 10)]
    assert report.rejected.count("members that are no files") == 2
    assert "too large" in report.rejected.first("members that cannot be read")[0]


def test_frames_that_vanish_are_counted(tmp_path):
    for name, content in pictures(1, 2, 3):
        (tmp_path / name.rpartition("/")[2]).write_bytes(content)
    report = TrialReport("trial")
    stream = frames_in_order(FolderFrames(tmp_path), SESSION, np.arange(1, 4), None, report)
    assert next(stream)[0] == 1
    (tmp_path / "RZ_7_2.png").write_bytes(b"another picture")
    assert [number for number, _ in stream] == [3]
    assert report.rejected.first("frames that vanished while they were read") == ["2"]
