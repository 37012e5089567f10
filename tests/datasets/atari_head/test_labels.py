"""Rows of label files: widths, nulls, what is malformed, and any bytes at all."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.datasets.atari_head import labels as module
from objwrappers.datasets.atari_head.labels import HEADER, read_labels
from objwrappers.datasets.atari_head.reports import Rejections

WITH_GAZE = "RZ_1234567_18,0,120,50,10,11,81.37,96.25,81.40,96.31,81.36,96.18,81.52,96.40"
WITHOUT_GAZE = "RZ_1234567_19,0,120,51,0,3,null"
END = "RZ_1234567_{},null,null,null,null,null,null"


def read(*rows, header=HEADER, end="\n"):
    rejected = Rejections()
    text = "".join(row + end for row in (header, *rows))
    return read_labels(io.BytesIO(text.encode()), rejected), rejected


def test_rows_of_any_width():
    found, rejected = read(WITH_GAZE, WITHOUT_GAZE, END.format(20))
    assert found.session == "RZ_1234567" and found.numbers.tolist() == [18, 19]
    assert found.values.tolist() == [[0, 120, 50, 10, 11], [0, 120, 51, 0, 3]]
    assert found.offsets.tolist() == [0, 4, 4]
    expected = [[81.37, 96.25], [81.40, 96.31], [81.36, 96.18], [81.52, 96.40]]
    np.testing.assert_array_equal(found.gaze, np.array(expected, np.float32))
    assert (found.rows, found.last, len(rejected)) == (3, 20, 0)


@pytest.mark.parametrize("column", range(5))
@pytest.mark.parametrize("null", ["null", ""])
def test_null_in_any_column(column, null):
    fields = WITH_GAZE.split(",")
    fields[column + 1] = null
    found, rejected = read(",".join(fields))
    expected = [0.0, 120, 50, 10, 11]
    expected[column] = np.nan
    np.testing.assert_array_equal(found.values, [expected])
    assert len(found.gaze) == 4 and not len(rejected)


def test_rows_are_in_the_order_of_their_numbers():
    # As text 10 comes before 2.
    found, _ = read(*(f"RZ_1_{n},0,0,50,0,{n},{n}.00,5.00" for n in (10, 1, 2, 11, 3)))
    assert found.numbers.tolist() == [1, 2, 3, 10, 11]
    assert found.values[:, 4].tolist() == found.gaze[:, 0].tolist() == [1, 2, 3, 10, 11]


def test_the_last_row_goes_where_it_has_no_gaze():
    kept, _ = read(WITHOUT_GAZE, WITH_GAZE.replace("_18", "_20"))
    assert kept.numbers.tolist() == [19, 20] and kept.last is None
    dropped, _ = read(WITH_GAZE, WITHOUT_GAZE)
    assert dropped.numbers.tolist() == [18] and dropped.last == 19
    nothing, _ = read(END.format(1))
    assert nothing.numbers.tolist() == [] and nothing.gaze.shape == (0, 2)
    assert nothing.offsets.tolist() == [0]


def test_samples_off_the_screen_are_kept():
    found, _ = read("RZ_1_1,0,0,50,0,0,-24.69,332.20,206.39,-0.01")
    np.testing.assert_array_equal(
        found.gaze, np.array([[-24.69, 332.20], [206.39, -0.01]], np.float32)
    )


@pytest.mark.parametrize(
    "row",
    [
        "RZ_1_5,0,0,50,0,3,81.37",  # half a point
        "RZ_1_5,0,0,50,0,3,81.37,null",
        "RZ_1_5,0,0,50,0,3,nan,3",
        "RZ_1_5,0,0,50,0,3,1e400,3",
        "RZ_1_5,0,0,50,0,3,99999999999,3",
        "RZ_1_5,0,0,50,0,18,null",  # no such action
        "RZ_1_5,0,0,50,0,-1,null",
        "RZ_1_5,0,0,50.5,0,3,null",
        "RZ_1_5,0,0,50,0,3",  # a column too few
        "RZ_1_5,0,0,50,0,3,null,null",
        "RZ_1_0,0,0,50,0,3,null",  # frames count from 1
        "RZ_1_99999999999,0,0,50,0,3,null",
        "RZ_1_,0,0,50,0,3,null",
        "RZ_1_\u0665,0,0,50,0,3,null",  # a digit, but not in ASCII
        'RZ_1_5,0,0,50,0,3,"1,2"',
        "\x00\x1b[31m",
    ],
)
def test_malformed_rows_are_named_and_the_others_used(row):
    found, rejected = read("RZ_1_1,0,0,50,0,3,1,2", row, "RZ_1_9,0,0,50,0,3,3,4")
    assert found.numbers.tolist() == [1, 9]
    assert found.gaze.tolist() == [[1, 2], [3, 4]] and found.rows == 3
    assert rejected.count("malformed rows") == len(rejected) == 1
    assert rejected.first("malformed rows")[0].startswith("line 3: ")
    assert str(rejected).isascii() and "\x1b" not in str(rejected)


def test_repeated_and_contradicting_rows():
    rows = [f"RZ_1_{n},0,0,50,0,3,1,2" for n in (1, 2, 3, 2)]
    found, rejected = read(*rows, "RZ_1_3,0,0,50,0,4,1,2", "RZ_1_3,0,0,50,0,3,1,2")
    assert found.numbers.tolist() == [1, 2]
    assert rejected.first("repeated rows") == ["2", "3"]
    assert rejected.first("rows that contradict each other") == ["3"]


def test_rows_of_another_session_are_not_used():
    found, rejected = read(
        "JAW_7_1,0,0,50,0,1,1,2", "RZ_1_1,0,0,50,0,3,1,2", "RZ_1_2,0,0,5,0,3,1,2"
    )
    assert found.session == "RZ_1" and found.values[:, 4].tolist() == [3, 3]
    assert rejected.first("rows of another session") == ["JAW_7_1"]


def test_windows_ends_of_lines_and_a_byte_order_mark():
    found, rejected = read(WITH_GAZE, "", header="\ufeff" + HEADER, end="\r\n")
    assert found.numbers.tolist() == [18] and not len(rejected) and found.rows == 1


@pytest.mark.parametrize("header", ["", WITH_GAZE, HEADER.replace("score,", "")])
def test_another_header_is_no_label_file(header):
    with pytest.raises(ValueError, match="its header is"):
        read(WITH_GAZE, header=header)


def test_sizes_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_ROW_BYTES", 200)
    long = "RZ_1_2,0,0,50,0,3," + ",".join(["1,2"] * 200)
    found, rejected = read("RZ_1_1,0,0,50,0,3,1,2", long, "RZ_1_3,0,0,50,0,3,1,2")
    assert found.numbers.tolist() == [1, 3]
    assert "too long" in rejected.first("malformed rows")[0]
    monkeypatch.setattr(module, "MAX_LABEL_BYTES", 500)
    with pytest.raises(ValueError, match="more than 500 bytes"):
        read("RZ_1_1,0,0,50,0,3,1,2", long)


INTEGERS = st.none() | st.integers(-999_999_999, 999_999_999)
POINTS = st.lists(
    st.tuples(*[st.integers(-99_999, 99_999).map(lambda n: n / 100)] * 2), max_size=50
)
ROWS = st.tuples(*[INTEGERS] * 4, st.none() | st.integers(0, 17), POINTS)


@given(st.dictionaries(st.integers(1, 999_999_999), ROWS, min_size=1), st.randoms())
def test_what_is_written_is_read(rows, random):
    lines = []
    for number, (*integers, points) in rows.items():
        fields = ["null" if value is None else str(value) for value in integers]
        gaze = ",".join(f"{x:.2f},{y:.2f}" for x, y in points) or "null"
        lines.append(",".join([f"KM_55_{number}", *fields, gaze]))
    random.shuffle(lines)
    found, rejected = read(*lines)
    assert not len(rejected) and found.rows == len(rows)
    kept = sorted(rows)
    if not rows[kept[-1]][-1]:
        assert found.last == kept.pop()
    assert found.numbers.tolist() == kept
    for row, number in enumerate(kept):
        *integers, points = rows[number]
        expected = [np.nan if value is None else value for value in integers]
        np.testing.assert_array_equal(found.values[row], expected)
        samples = found.gaze[found.offsets[row] : found.offsets[row + 1]]
        np.testing.assert_array_equal(samples, np.array(points, np.float32).reshape(-1, 2))


@given(st.lists(st.binary(max_size=60) | st.text("RZ_12,null.-\n", max_size=60).map(str.encode)))
def test_any_bytes_are_read_or_counted(lines):
    rejected = Rejections()
    content = b"\n".join([HEADER.encode(), *lines])
    found = read_labels(io.BytesIO(content), rejected)
    used = len(found.numbers) + (found.last is not None)
    repeated = rejected.count("rows that contradict each other")
    assert used <= found.rows <= used + len(rejected) + repeated
    assert (np.diff(found.numbers) > 0).all() and found.offsets[-1] == len(found.gaze)
    assert np.isfinite(found.gaze).all()
