"""Pictures: contexts change what they should and nothing else, and drawing is fast."""

import subprocess
import sys
import time
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from opengl import needs_opengl

import objwrappers  # noqa: F401
from objwrappers.envs.control_contexts import Context, Distractor

pytestmark = needs_opengl

SIDE_PX = 96


def state_env(task: str) -> Any:
    return gym.make(f"Control-{task}-v0", observe="state", disable_env_checker=True).unwrapped


@pytest.fixture(scope="module")
def reacher() -> Any:
    env = state_env("reacher-easy")
    env.reset(seed=1)
    return env


@pytest.fixture(scope="module")
def walker() -> Any:
    env = state_env("walker-walk")
    env.reset(seed=1)
    return env


def picture(env: Any, **context: Any) -> np.ndarray:
    return env.frame(Context(**context), size=SIDE_PX).astype(int)


def changed(env: Any, **context: Any) -> np.ndarray:
    """Returns where a context changes the picture, bool (h, w)."""
    return (picture(env, **context) != picture(env)).any(axis=2)


def masks(env: Any) -> dict[str, np.ndarray]:
    """Returns the pixels of each role: those that one paint and another make different."""
    black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return {
        role: (picture(env, **{role: black}) != picture(env, **{role: white})).any(axis=2)
        for role in ("body", "floor", "target", "background")
    }


def test_every_pixel_of_a_picture_has_one_role(reacher, walker):
    of_reacher, of_walker = masks(reacher), masks(walker)
    counts = np.sum([*of_reacher.values()], axis=0)
    assert counts.max() == 1 and (counts == 0).mean() < 0.09  # the low walls have none
    assert not of_reacher["background"].any()
    assert all(0.005 < of_reacher[role].mean() < 0.05 for role in ("body", "target"))
    assert (np.sum([*of_walker.values()], axis=0) == 1).all()
    assert not of_walker["target"].any() and 0.3 < of_walker["background"].mean() < 0.7


@pytest.mark.parametrize("role", ["body", "floor", "target", "background"])
def test_a_colour_changes_its_own_pixels_alone(reacher, walker, role):
    for env in (reacher, walker):
        own = masks(env)[role]
        assert not (changed(env, **{role: (0.9, 0.2, 0.7)}) & ~own).any()
        if own.any():
            red, green, blue = picture(env, **{role: (0.0, 0.8, 0.0)})[own].mean(axis=0)
            assert green > 3 * max(red, blue)


def test_a_background_is_exactly_its_colour_whatever_the_light(walker):
    own = masks(walker)["background"]
    shown = picture(walker, background=(0.2, 0.4, 0.6), light=(0.3, 2.0, 0.3))
    assert (shown[own] == (51, 102, 153)).all()


def test_light_of_one_colour_scales_that_colour(reacher):
    # Below the brightness at which OpenGL cuts off.
    dim, dimmer = (picture(reacher, light=(red, 1.0, 1.0)) for red in (0.4, 0.2))
    np.testing.assert_allclose(dimmer[..., 0], dim[..., 0] / 2, atol=1.5)
    np.testing.assert_array_equal(dimmer[..., 1:], dim[..., 1:])
    assert dim[..., 0].max() > 80
    plain = picture(reacher)
    np.testing.assert_array_equal(dim[..., 1:], plain[..., 1:])
    grey = {"floor": (0.5, 0.5, 0.5)}
    tilted = picture(reacher, **grey, light_tilt=(0.6, 0.0))
    assert (tilted != picture(reacher, **grey)).mean() > 0.8


def centre(mask: np.ndarray) -> np.ndarray:
    """Returns (x, y) in [-1, 1]."""
    rows, columns = np.nonzero(mask)
    return (np.array([columns.mean(), rows.mean()]) + 0.5) / SIDE_PX * 2 - 1


def target_under(env: Any, **context: Any) -> np.ndarray:
    black, white = (picture(env, **context, target=(c, c, c)) for c in (0.0, 1.0))
    return (black != white).any(axis=2)


def test_the_camera_goes_where_it_is_told(reacher):
    x, y = centre(target_under(reacher))
    half_px = 1 / SIDE_PX
    np.testing.assert_allclose(
        centre(target_under(reacher, camera_shift=(0.25, -0.5))), (x - 0.25, y + 0.5), atol=half_px
    )
    np.testing.assert_allclose(
        centre(target_under(reacher, camera_zoom=1.5)), (1.5 * x, 1.5 * y), atol=3 * half_px
    )
    quarter = centre(target_under(reacher, camera_roll=np.pi / 2))
    np.testing.assert_allclose(quarter, (-y, x), atol=2 * half_px)  # clockwise; y points down
    wider = reacher.frame(Context(target=(1, 1, 1)), size=(SIDE_PX, 2 * SIDE_PX))
    middle = wider[:, SIDE_PX // 2 : -SIDE_PX // 2].astype(int)
    np.testing.assert_array_equal(middle, picture(reacher, target=(1.0, 1.0, 1.0)))


def test_thickness_is_seen_and_not_felt(reacher):
    thin, thick = (
        (
            picture(reacher, thickness=factor, body=(0.0, 0.0, 0.0))
            != picture(reacher, thickness=factor, body=(1.0, 1.0, 1.0))
        ).any(axis=2)
        for factor in (1.0, 2.0)
    )
    assert not (thin & ~thick).any() and 1.5 < thick.sum() / thin.sum() < 2.5
    sizes = reacher.physics.named.model.geom_size
    assert sizes["arm"][0] == sizes["finger"][0] == 0.01


def test_distractors_lie_where_they_should_and_hide_no_body(reacher, walker):
    disc = Distractor((0.5, -0.5), 0.2, (1.0, 0.0, 0.0))
    for env in (reacher, walker):
        own = changed(env, distractors=(disc,))
        assert not (own & (masks(env)["body"] | masks(env)["target"])).any()
    black = (picture(reacher, distractors=(disc,)) != picture(reacher)).any(axis=2)
    np.testing.assert_allclose(centre(black), (0.5, -0.5), atol=0.02)
    area = np.pi * 0.1**2  # half of a radius of 0.2 in a picture of height 2
    assert 0.9 * area < black.mean() < 1.02 * area
    everywhere = tuple(Distractor((x / 4, y / 4), 0.3, (1, 0, 0)) for x in (-2, 2) for y in (-2, 2))
    assert not (changed(reacher, distractors=everywhere) & masks(reacher)["body"]).any()


def test_pictures_leave_the_model_and_the_default_look_as_they_were(reacher):
    model = reacher.physics.model.ptr
    before = picture(reacher)
    kept = (model.geom_rgba.copy(), model.geom_size.copy(), model.cam_pos.copy())
    quality = [model.vis.quality.shadowsize, model.vis.global_.offwidth]
    for name in ("full", "mismatch-all"):
        assert (reacher.frame(name, size=SIDE_PX) != before).any()
    np.testing.assert_array_equal(picture(reacher), before)
    for array, now in zip(kept, (model.geom_rgba, model.geom_size, model.cam_pos), strict=True):
        np.testing.assert_array_equal(now, array)
    assert [model.vis.quality.shadowsize, model.vis.global_.offwidth] == quality == [2048, 640]


def test_it_shows_what_the_suites_own_renderer_shows(reacher):
    """Without shadows and mirrors: on average, the same picture."""
    theirs = reacher.physics.render(SIDE_PX, SIDE_PX, camera_id=0).astype(int)
    difference = np.abs(theirs - picture(reacher))
    assert np.median(difference) < 30 and difference.mean() < 30
    body = masks(reacher)["body"]
    shown, expected = picture(reacher)[body].mean(axis=0), theirs[body].mean(axis=0)
    np.testing.assert_allclose(shown, expected, atol=30)


def test_terrains_of_two_envs_are_not_mixed_up():
    one, other = state_env("quadruped-escape"), state_env("quadruped-escape")
    one.reset(seed=1)
    first = one.frame(size=48)
    other.reset(seed=2)
    second = other.frame(size=48)
    assert (first != second).any()
    np.testing.assert_array_equal(one.frame(size=48), first)
    other.set_state(one.get_state())
    np.testing.assert_array_equal(other.frame(size=48), first)


FORK = """
import os, sys, gymnasium as gym, numpy as np, objwrappers
env = gym.make("Control-reacher-easy-v0", observe="state").unwrapped
env.reset(seed=1)
if sys.argv[1] == "drawn":
    env.frame(size=32)
child = os.fork()
if child == 0:
    try:
        frame = env.frame(size=32)
    except RuntimeError as error:
        print(error, flush=True)
    else:
        print(frame.shape, int(frame.max() > 100), flush=True)
    env.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(env.frame(size=32).shape)
"""


@pytest.mark.parametrize(
    ("before", "said"),
    [("new", "(32, 32, 3) 1\n"), ("drawn", "This process was forked from one that had drawn")],
)
def test_pictures_begin_after_a_fork(before, said):
    result = subprocess.run(
        [sys.executable, "-c", FORK, before], capture_output=True, text=True, timeout=60
    )
    assert result.stdout.startswith(said) and result.stdout.endswith("(32, 32, 3)\n")
    assert (result.returncode, result.stderr) == (0, "")


def frames_a_second(draw, count):
    begin = time.process_time()  # of all threads: on however many cores they run
    for _ in range(count):
        draw()
    return count / (time.process_time() - begin)


@pytest.mark.slow
@pytest.mark.parametrize("context", ["default", "light", "full"])
def test_a_core_draws_a_thousand_frames_a_second(context):
    env = gym.make("Control-reacher-hard-v0", image_size=64, context=context).unwrapped
    env.reset(seed=0)
    drawn = frames_a_second(env.frame, 1500)
    beside = frames_a_second(lambda: env.physics.render(64, 64, camera_id=0), 50)
    print(f"\n{context}: {drawn:.0f} frames/s, dm_control's own {beside:.0f}")
    assert drawn > 1000
