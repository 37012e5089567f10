"""Values of noise schedules, and words that are none."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objwrappers.sb3.drqv2.schedule import LinearSchedule, read_schedule


def test_the_published_schedule_falls_in_a_straight_line_and_stays():
    noise = read_schedule("linear(1.0,0.1,500000)")
    values = [noise(step) for step in (0, 125_000, 250_000, 500_000, 10**7)]
    assert values == pytest.approx([1.0, 0.775, 0.55, 0.1, 0.1])
    assert read_schedule(" linear( 0.5 , 1e-1, 1e5 ) ") == LinearSchedule(0.5, 0.1, 100_000)


def test_one_number_is_for_good():
    for text in (0.2, "0.2"):
        assert [read_schedule(text)(step) for step in (0, 10**6)] == [0.2, 0.2]
    assert read_schedule("linear(1,0.3,0)")(0) == 0.3


@pytest.mark.parametrize(
    "text", ["", "linear(1,2)", "step(1,2,3)", "linear(1,nan,3)", "inf", -0.1, True, None, [1, 2]]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"'linear\(1.0,0.1,500000\)' for example; got"):
        read_schedule(text)


@settings(max_examples=50, deadline=None)
@given(st.text() | st.from_regex(r"linear\([0-9e.,\- ]*\)"))
def test_whatever_is_read_is_a_deviation_at_every_step(text):
    try:
        noise = read_schedule(text)
    except ValueError:
        return
    values = [noise(step) for step in (0, 1, 10, 10**9)]
    low, high = sorted((noise.initial, noise.final))
    slack = 1e-9 * high
    assert all(math.isfinite(one) and low - slack <= one <= high + slack for one in values)
