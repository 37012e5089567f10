"""Contexts: as data, from files that anybody may have written, and drawn at random."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objwrappers.envs.control_contexts import (
    LEAST_CONTRAST,
    PRESETS,
    Context,
    Distractor,
    draw_context,
    read_context,
)

MISMATCHES = ("light", "body", "floor", "background")


def drawn(name, seed=0):
    return draw_context(name, np.random.default_rng(seed))


@pytest.mark.parametrize("name", PRESETS)
def test_a_context_comes_back_from_json(name, tmp_path):
    context = drawn(name, seed=5)
    path = tmp_path / "look.json"
    path.write_text(json.dumps(context.as_dict()))
    assert read_context(path) == read_context(str(path)) == context
    assert read_context(context.as_dict()) == read_context(context) == context
    assert read_context(name) == name


@pytest.mark.parametrize("name", ["light", "upstream", "full"])
def test_a_random_context_follows_its_seed(name):
    assert drawn(name, 1) == drawn(name, 1)
    assert len({drawn(name, seed) for seed in range(12)}) > 8


def test_light_contexts_differ_in_few_things():
    looks = [drawn("light", seed) for seed in range(60)]
    assert {look.thickness for look in looks} == {1.8}
    assert {look.target for look in looks} == {(0.1, 1.0, 0.1)}
    assert len({look.floor for look in looks}) == 6 and len({look.body for look in looks}) == 4
    assert {len(look.distractors) for look in looks} == {0, 1, 2}
    assert all(look.camera_shift == (0, 0) and look.camera_roll == 0 for look in looks)
    for look in looks:
        assert np.abs(np.subtract(look.floor, look.body)).sum() > 0.5


def test_full_contexts_have_contrast_and_move_the_camera():
    for seed in range(30):
        look = drawn("full", seed)
        colours = [look.body, look.floor, look.target, look.background]
        for index, colour in enumerate(colours):
            for other in colours[:index]:
                assert np.abs(np.subtract(colour, other)).sum() >= LEAST_CONTRAST
        assert np.abs(look.camera_shift).max() <= 0.13 and abs(look.camera_roll) <= 0.25
        assert look.thickness == look.camera_zoom == 1


def test_upstream_contexts_are_dark_on_white():
    looks = [drawn("upstream", seed) for seed in range(40)]
    assert {look.floor for look in looks} == {(1.0, 1.0, 1.0)}
    assert max(max(look.body + look.target) for look in looks) <= 0.5
    radii = {disc.radius for look in looks for disc in look.distractors}
    assert radii == {0.226, 0.258, 0.161, 0.194, 0.29}
    assert 2 < np.mean([len(look.distractors) for look in looks]) < 3


def test_mismatches_change_one_thing_each_and_all_changes_all():
    of = {name: drawn(f"mismatch-{name}").as_dict() for name in (*MISMATCHES, "all")}
    assert [set(of[name]) for name in MISMATCHES] == [
        {"light", "light_tilt"},
        *({name} for name in MISMATCHES[1:]),
    ]
    assert of["all"] == {key: part for name in MISMATCHES for key, part in of[name].items()}
    assert drawn("default") == Context() and Context().as_dict() == {}


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ({"colour": [0, 0, 0]}, r"Unknown key of a context 'colour'\. "),
        ({"camera_zom": 2}, r"Unknown key of a context 'camera_zom'\. Did you mean 'camera_zoom'"),
        ({"body": [0, 0]}, r"body must be 3 numbers in \[0, 1\], got \[0, 0\]"),
        ({"body": [0, 0, 1.5]}, r"body must be 3 numbers in \[0, 1\]"),
        ({"body": "red"}, "body must be 3 numbers"),
        ({"body": [0, 0, True]}, "body must be 3 numbers"),
        ({"light": None}, "light must be 3 numbers"),
        ({"camera_roll": float("nan")}, "camera_roll must be a number in"),
        ({"thickness": 0}, r"thickness must be a number in \[0.1, 10\], got 0"),
        ({"distractors": 3}, "distractors must be a list, got 3"),
        ({"distractors": [3]}, "A distractor must be a dict, got 3"),
        ({"distractors": [{"radius": 1}]}, "There is no position, colour in a distractor"),
        ({"distractors": [{"radios": 1}]}, "Unknown key of a distractor 'radios'"),
        ({"distractors": [Distractor((0, 0), 0.1, (0, 0, 0))] * 65}, "at most 64 distractors"),
    ],
)
def test_a_wrong_context_gets_one_error_with_the_cure(look, message):
    with pytest.raises(ValueError, match=message):
        read_context(look)


def test_a_file_of_a_context_is_not_trusted(tmp_path):
    path = tmp_path / "look.json"
    with pytest.raises(FileNotFoundError, match=r"look\.json"):
        read_context(path)
    for content, message in (
        ('{"flor": [1, 1, 1]}', r"look\.json: Unknown key of a context 'flor'\. Did you mean"),
        ('{"light": [1e999, 1, 1]}', r"look\.json is damaged"),
        ("[1]", r"look\.json is damaged"),
        ('{"body": [9, 0, 0]}', r"look\.json: body must be 3 numbers"),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            read_context(path)


PARTS = st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["", "red"])
JSON = PARTS | st.lists(PARTS, max_size=4) | st.just({"radius": 1})
KEYS = st.sampled_from([*Context.__dataclass_fields__, *Distractor.__dataclass_fields__])


@given(st.dictionaries(KEYS, JSON | st.lists(st.floats(0, 1), max_size=3), max_size=5))
def test_whatever_is_read_is_in_range_or_refused(look):
    try:
        context = read_context(look)
    except ValueError:
        return
    assert isinstance(context, Context)
    assert read_context(json.loads(json.dumps(context.as_dict()))) == context
    numbers = (*context.light, *(context.body or ()), context.camera_zoom, context.thickness)
    assert all(0 <= number <= 10 for number in numbers)
