"""Tracks: which detection goes to which object, by hand-computed cases and by brute force."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scenes import frame_with, named_blobs

from objwrappers.perception.scenes.module import PRESENT_THRESHOLD
from objwrappers.wrappers.tracking import SPARE_ROWS, Track, Tracker

EVERYONE = np.arange(1)
PIXEL = np.array([1 / 80, 1 / 105])  # of a native frame


def percepts(candidates, *objects, envs=1):
    """Percepts of one env, repeated: (candidate, x, y) in native pixels, z_what its number."""
    given = {
        "boxes": np.zeros((envs, candidates, 4), np.float32),
        "present": np.zeros((envs, candidates), np.float32),
        "what": np.zeros((envs, candidates, 1), np.float32),
    }
    for number, (candidate, x, y) in enumerate(objects):
        given["boxes"][:, candidate] = [x / 80 - 1, y / 105 - 1, 0.05, 0.1]
        given["present"][:, candidate] = 0.9 - 0.01 * number
        given["what"][:, candidate] = number + 1
    return given


def follow(tracker, *steps, candidates):
    """Plays an episode of one env; a list of objects for each step."""
    return [
        tracker(percepts(candidates, *objects), EVERYONE, np.array([step == 0]))
        for step, objects in enumerate(steps)
    ]


def places(tracks):
    return np.stack([(step["boxes"][0, :, :2] + 1) / PIXEL for step in tracks])


def exact(rows, candidates=None, **options):
    """A tracker that reports places as they are found."""
    return Tracker(1, rows, candidates, **{"alpha": 1.0, "beta": 0.3, **options})


def smooth(rows):
    return Tracker(1, rows, alpha=0.6, beta=0.3)


def test_a_step_of_the_filter_by_hand():
    tracks = follow(smooth([1]), [(0, 40, 50)], [(0, 50, 50)], [(0, 60, 50)], candidates=1)
    # x' = 40 + .6·10, v = .3·10; then prediction 49, error 11: 49 + 6.6, 3 + 3.3.
    np.testing.assert_allclose(places(tracks)[:, 0], [[40, 50], [46, 50], [55.6, 50]], atol=1e-4)
    velocities = [step["velocity"][0, 0] / PIXEL for step in tracks]
    np.testing.assert_allclose(velocities, [[0, 0], [3, 0], [6.3, 0]], atol=1e-4)
    assert [step["age"][0, 0] for step in tracks] == [1, 2, 3]


def test_the_velocity_of_a_constant_speed_is_found():
    steps = [[(0, 20 + 3 * t, 150 - 4 * t)] for t in range(25)]
    last = follow(smooth([1]), *steps, candidates=1)[-1]
    # The error shrinks by √(1 - α) a step: 5 px · .4^12 is a ten-thousandth.
    np.testing.assert_allclose(last["velocity"][0, 0] / PIXEL, [3, -4], atol=1e-3)
    np.testing.assert_allclose((last["boxes"][0, 0, :2] + 1) / PIXEL, [92, 54], atol=1e-3)


@pytest.mark.parametrize("swap", [False, True])
def test_crossing_objects_keep_their_rows(swap):
    # They meet at x = 70; the order in which they are listed says nothing.
    steps = [[(0, 40 + 5 * t, 100), (1, 100 - 5 * t, 103)] for t in range(13)]
    if swap:
        steps[6:] = [[(1, *a[1:]), (0, *b[1:])] for a, b in steps[6:]]
    tracks = follow(Tracker(1, [2]), *steps, candidates=2)
    assert all(step["what"][0, 0, 0] != step["what"][0, 1, 0] for step in tracks)
    np.testing.assert_allclose(places(tracks)[-1], [[100, 100], [40, 103]], atol=0.5)


def test_an_object_beyond_the_gate_is_another_one():
    for distance, row in ((29.9, 0), (30.1, 1)):
        for direction in ((1, 0), (0, 1), (0.6, 0.8)):
            there = 60 + distance * direction[0], 90 + distance * direction[1]
            _, second = follow(exact([2]), [(0, 60, 90)], [(0, *there)], candidates=2)
            np.testing.assert_allclose((second["boxes"][0, row, :2] + 1) / PIXEL, there, atol=1e-3)
            assert second["age"][0].tolist() == [2, row]


def test_the_gate_is_in_native_pixels_of_the_games_own_frame():
    steps = [(0, 60, 90)], [(0, 60, 118)]  # 28 pixels of 210 are 33 of 250
    high = follow(exact([2], frame_size=(250, 160)), *steps, candidates=2)[1]
    assert high["age"][0].tolist() == [2, 1]
    low = follow(exact([2], frame_size=(210, 160)), *steps, candidates=2)[1]
    assert low["age"][0].tolist() == [2, 0]


def test_what_is_not_found_coasts_on_and_ends():
    moving = [[(0, 20 + 4 * t, 100)] for t in range(20)]
    tracks = follow(Tracker(1, [1]), *moving, [], [], [], [], candidates=1)
    np.testing.assert_allclose(places(tracks[20:])[:3, 0, 0], [100, 104, 108], atol=0.05)
    assert [step["present"][0, 0] > 0.5 for step in tracks[18:]] == [True] * 5 + [False]
    assert not any(tracks[-1][key].any() for key in ("boxes", "velocity", "present", "what", "age"))
    again = follow(Tracker(1, [1]), *moving, [], [], [], [(0, 112, 100)], candidates=1)
    assert again[-1]["age"][0, 0] == 24, "found again in time, it is the same"


def test_what_was_seen_once_coasts_once():
    tracks = follow(Tracker(1, [1]), [(0, 50, 50)], [], [], candidates=1)
    assert [step["present"][0, 0] > 0.5 for step in tracks] == [True, True, False]


def test_what_leaves_the_frame_ends_at_once():
    steps = [[(0, 100 + 8 * t, 100)] for t in range(8)]  # then at 164 of 160
    tracks = follow(Tracker(1, [1]), *steps, [], candidates=1)
    assert [bool(step["present"][0, 0]) for step in tracks] == [True] * 8 + [False]


def test_a_new_object_takes_the_first_free_row_of_its_class():
    tracker = exact([2, 2])
    # Candidates 0 and 1 are of the first class, 2 and 3 of the second.
    steps = (
        [(2, 20, 20), (3, 20, 80)],
        [(0, 90, 90), (2, 20, 20), (3, 20, 80)],
        *[[(0, 90, 90), (2, 20, 80)]] * 4,
        [(0, 90, 90), (2, 20, 80), (3, 140, 10)],
    )
    tracks = follow(tracker, *steps, candidates=4)
    assert tracks[1]["age"][0].tolist() == [1, 0, 2, 2]
    assert tracks[1]["label"][0].tolist() == [0, 0, 1, 1]
    assert tracks[5]["age"][0].tolist() == [5, 0, 0, 6]
    assert tracks[6]["age"][0].tolist() == [6, 0, 1, 7]
    np.testing.assert_allclose(places(tracks)[6, 2], [140, 10], atol=1e-3)


def test_a_class_without_a_free_row_takes_no_more_and_the_near_candidate_is_wanted():
    tracker = exact([1], [3])
    steps = [(0, 50, 50)], [(0, 140, 150), (1, 52, 50)], [(0, 54, 50)]
    tracks = follow(tracker, *steps, candidates=3)
    np.testing.assert_allclose(places(tracks)[:, 0, 0], [50, 52, 54], atol=1e-3)
    assert tracks[2]["age"][0, 0] == 3


def test_what_is_found_takes_the_row_of_what_has_been_missed_longest():
    both = [(0, 20, 50), (1, 100, 50)]
    steps = [both, both, both, [(0, 20, 50)], [(0, 60, 150)]]
    tracks = follow(exact([2]), *steps, candidates=2)
    np.testing.assert_allclose(places(tracks)[-1], [[20, 50], [60, 150]], atol=1e-4)


def test_classes_are_never_mixed():
    steps = [(0, 50, 50)], [(0, 50, 50)], [(1, 60, 50)]
    tracks = follow(Tracker(1, [1, 1]), *steps, candidates=2)
    assert tracks[2]["what"][0, :, 0].tolist() == [1, 1] and tracks[2]["age"][0].tolist() == [3, 1]
    np.testing.assert_allclose(places(tracks)[2], [[50, 50], [60, 50]], atol=1e-3)


@pytest.mark.parametrize(("beside", "renamed"), [(7.4, True), (7.6, False)])
def test_an_object_under_another_name_is_no_second_one(beside, renamed):
    steps = [[(0, 20 + 4 * t, 100)] for t in range(20)]
    tracks = follow(exact([1, 1]), *steps, [(1, 100, 100 + beside)], candidates=2)
    velocity = tracks[-1]["velocity"][0] / PIXEL
    if renamed:
        assert tracks[-1]["age"][0].tolist() == [0, 1]
        np.testing.assert_allclose(velocity, [[0, 0], [4, 0.3 * beside]], atol=0.01)
    else:
        assert tracks[-1]["age"][0].tolist() == [21, 1]
        np.testing.assert_allclose(velocity, [[4, 0], [0, 0]], atol=0.01)


def test_a_box_that_is_not_finite_is_none():
    tracker = Tracker(1, [2])
    tracker(percepts(2, (0, 50, 50)), EVERYONE, np.array([True]))
    for number in (np.nan, np.inf):
        broken = percepts(2, (0, 50, 50), (1, 90, 90))
        broken["boxes"][0, 1, 2] = number
        tracks = tracker(broken, EVERYONE, np.array([False]))
        assert np.isfinite(tracks["boxes"]).all() and tracks["present"][0, 1] == 0


def brute_force(predicted, found, gate):
    """The least sum of min(d², gate²) over all ways; object → detection or None."""
    d2 = np.square(predicted[:, None] - found[None]).sum(-1)
    best = None
    options = range(-len(predicted), len(found))  # negative: none
    for way in itertools.permutations(options, len(predicted)):
        cost = sum(d2[i, j] if j >= 0 else gate**2 for i, j in enumerate(way))
        if all(j < 0 or d2[i, j] <= gate**2 for i, j in enumerate(way)) and (
            best is None or cost < best[0]
        ):
            best = cost, way
    return [None if j < 0 else j for j in best[1]]


points = st.tuples(st.integers(0, 60), st.integers(0, 60))


@settings(max_examples=150, deadline=None)
@given(
    objects=st.lists(points, min_size=1, max_size=3, unique=True),
    found=st.lists(points, min_size=0, max_size=4, unique=True),
    nudge=st.randoms(use_true_random=False),
)
def test_the_assignment_is_the_best_of_all(objects, found, nudge):
    # Off the grid, so that no two ways cost the same.
    objects = [(x + nudge.random() / 3 + 40, y + nudge.random() / 3 + 40) for x, y in objects]
    found = [(x + nudge.random() / 3 + 40, y + nudge.random() / 3 + 40) for x, y in found]
    assume(all(abs(math.dist(*pair) - 30) > 0.01 for pair in itertools.product(objects, found)))
    tracker = exact([7], [7])  # room for all, so that what coasts need not make any
    first = [(i, x, y) for i, (x, y) in enumerate(objects)]
    second = [(i, x, y) for i, (x, y) in enumerate(found)]
    _, tracks = follow(tracker, first, second, candidates=7)
    expected = brute_force(np.array(objects), np.array(found).reshape(-1, 2), 30.0)
    for row, detection in enumerate(expected):
        if detection is None:
            assert tracks["what"][0, row, 0] == row + 1  # as last seen, it coasts
        else:
            np.testing.assert_allclose(
                (tracks["boxes"][0, row, :2] + 1) / PIXEL, found[detection], atol=1e-2
            )
    # Every detection is someone's, as far as there are rows.
    shown = (tracks["age"][0] > 0).sum()
    assert shown == min(7, len(objects) + len(found) - sum(d is not None for d in expected))


def random_percepts(rng, envs, candidates):
    return {
        "boxes": rng.uniform(-1, 1, (envs, candidates, 4)).astype(np.float32),
        "present": rng.uniform(0, 1.4, (envs, candidates)).clip(0, 1).astype(np.float32),
        "what": rng.normal(size=(envs, candidates, 2)).astype(np.float32),
    }


def test_many_envs_are_followed_as_each_alone_and_a_reset_is_of_its_env():
    rng = np.random.default_rng(0)
    rows, offered, envs = (1, 3, 8), (3, 5, 10), 4
    together = Tracker(envs, rows, offered, gate=60)
    alone = [Tracker(1, rows, offered, gate=60) for _ in range(envs)]
    settled = 0
    for step in range(60):
        some = np.arange(envs) if step % 3 == 0 else np.flatnonzero(rng.random(envs) < 0.6)
        fresh = rng.random(len(some)) < (1.0 if step == 0 else 0.1)
        seen = random_percepts(rng, len(some), sum(offered))
        tracks = together(seen, some, fresh)
        for i, env in enumerate(some):
            one = {key: value[i : i + 1] for key, value in seen.items()}
            expected = alone[env](one, EVERYONE, fresh[i : i + 1])
            for key, value in expected.items():
                np.testing.assert_array_equal(tracks[key][i], value[0])
            settled += int((tracks["age"][i] > 1).sum())
            if fresh[i]:
                assert tracks["age"][i].max() == 1
    assert settled > 100, "objects are followed at all"


def test_arrays_handed_out_stay_as_they_were():
    tracker = Tracker(1, [2])
    first = tracker(percepts(2, (0, 50, 50)), EVERYONE, np.array([True]))
    kept = {key: value.copy() for key, value in first.items()}
    seen = percepts(2, (0, 60, 50))
    before = {key: value.copy() for key, value in seen.items()}
    second = tracker(seen, EVERYONE, np.array([False]))
    for key, value in first.items():
        np.testing.assert_array_equal(value, kept[key])
        second[key][:] = 0
    for key, value in seen.items():
        np.testing.assert_array_equal(value, before[key])
    third = tracker(percepts(2, (0, 60, 50)), EVERYONE, np.array([False]))
    assert third["age"][0].tolist() == [3, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": [1]}, r"candidates must be at least the rows \(2, 1\), got \(1,\)"),
        ({"candidates": [2, 0]}, r"candidates must be at least the rows"),
        ({"gate": 0.0}, "gate must be positive"),
        ({"gate": float("nan")}, "gate=nan"),
        ({"coast": -1}, "coast=-1"),
        ({"alpha": 1.5}, "alpha=1.5"),
        ({"beta": -0.1}, "beta=-0.1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        Tracker(1, [2, 1], **options)


def test_a_track_is_the_model_and_the_tracker_and_remembers_a_tail():
    model = named_blobs(rows=(1, 1, 2))
    track = Track(model, num_envs=2, tail=3)
    tracker = Tracker(2, model.classifier.rows, [count + SPARE_ROWS for count in (1, 1, 2)])
    both, tails = np.arange(2), []
    for step in range(6):
        frames = np.stack(
            [
                frame_with(("red", 2 + 3 * step, 12, 4, 4), ("blue", 62, 52, 4, 4)),
                frame_with(("green", 22, 2 + 3 * step, 4, 4)),
            ]
        )
        fresh = np.full(2, step in (0, 4))
        seen = track(frames, both, fresh)
        found = model.offering(SPARE_ROWS)(torch.from_numpy(frames))
        expected = tracker({key: value.numpy() for key, value in found.items()}, both, fresh)
        observation = track.choose(seen)
        assert {*observation} == {"boxes", "velocity", "present", "what", "label"}
        for key, value in observation.items():
            np.testing.assert_array_equal(value, expected[key])
            assert track.single_observation_space[key].contains(value[0])
        assert seen["present"].shape == (2, 4) and (seen["present"] > PRESENT_THRESHOLD).sum() == 3
        tails.append(seen["tracks"][0, 0])
    assert np.isnan(tails[0][:2]).all() and not np.isnan(tails[2]).any()
    assert (np.diff(tails[3][:, 0]) > 0).all() and np.isnan(tails[4][:2]).all()
    picture = track.draw(frames[0], {key: value[0] for key, value in seen.items()})
    assert picture.shape == (240, 240, 3)


def test_an_option_of_tracking_that_there_is_not():
    with pytest.raises(
        ValueError, match=r"Unknown option of tracking 'gait'\. Did you mean 'gate'"
    ):
        Track(named_blobs(), options={"gait": 3})


def test_without_a_tail_there_are_no_tracks():
    seen = Track(named_blobs())(frame_with()[None], EVERYONE, np.array([True]))
    assert "tracks" not in seen and not seen["present"].any()
