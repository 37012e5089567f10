"""ObjRAM ids: objects from hand-written memory, and how they are degraded."""

import gymnasium as gym
import numpy as np
import pytest
from ram_roles import pong_roles, saved_pong_roles

import objwrappers  # noqa: F401
from objwrappers.envs.ram_ids import ram_scene
from objwrappers.envs.ram_objects import Degradation, RamObjects
from objwrappers.metrics.ram import play_area
from objwrappers.wrappers.base import TransformFrames
from objwrappers.wrappers.tracking import Track

ENV = "ObjRAM-Pong-v0"
AREA = (0.0, 160.0, 34.0, 194.0)


class Script(gym.Env):
    """Memory as it is written down, a step after the other."""

    observation_space = gym.spaces.Box(0, 255, (2, 128), np.uint8)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, *memories):
        self._memories = memories
        self._at = 0

    def _memory(self):
        now = self._memories[self._at]
        before = self._memories[max(0, self._at - 1)]
        return np.stack([before, now])

    def reset(self, *, seed=None, options=None):
        self._at = 0
        return self._memory(), {}

    def step(self, action):
        self._at += 1
        return self._memory(), 0.0, False, False, {}


def ram(**cells):
    memory = np.zeros(128, np.uint8)
    for name, value in cells.items():
        memory[int(name[1:])] = value
    return memory


def listed(game, *memories, degradation=None, **options):
    env = RamObjects(Script(*memories), game, degradation or Degradation(), **options)
    lists = [env.reset(seed=0)[0], *(env.step(0)[0] for _ in memories[1:])]
    for one in lists:
        assert env.observation_space.contains(one)
    return lists


def in_pixels(boxes):
    return (boxes[..., :2] + 1) * [80, 105], boxes[..., 2:4] * [160, 210]


def test_a_list_is_what_memory_says():
    (found,) = listed("Pong", ram(r49=100, r50=107, r51=105, r54=112))
    centres, sizes = in_pixels(found)
    np.testing.assert_allclose(centres, [[142, 99.5], [18, 100], [52, 100]], atol=1e-4)
    np.testing.assert_allclose(sizes, [[4, 16], [4, 16], [2, 4]], atol=1e-4)
    assert found[:, 4:].tolist() == [[1, 0], [1, 1], [1, 2]]
    (found,) = listed("Pong", ram(r51=105, r50=33))
    assert found[:, 4].tolist() == [1, 0, 0]


def test_ms_pacman_is_drawn_from_the_memory_before_the_last_raw_frame():
    before, now = ram(r10=86, r16=98, r33=255), ram(r10=88, r16=98, r33=255)
    _, found = listed("MsPacman", before, now)
    np.testing.assert_allclose(in_pixels(found)[0][0], [78, 104], atol=1e-4)


def test_ghosts_are_called_by_their_looks():
    memory = ram(r1=0x40, r2=0x80, r6=88, r7=98, r8=108, r9=118, r10=48)
    labels = ram_scene("MsPacman").label_names
    (found,) = listed("MsPacman", memory)
    names = [labels[int(number)] for there, number in found[:, 4:] if there]
    assert names == ["player", "eyes", "edible", "pinky", "blinky"]
    (same,) = listed("MsPacman", memory, classes=False)
    assert same[:, 5].tolist() == [0] * 14
    np.testing.assert_array_equal(same[:, :5], found[:, :5])


def test_rows_and_velocities_are_those_of_hand_written_memory():
    memories = [ram(r49=100 + 4 * k, r50=107, r51=105, r54=112 - 2 * k) for k in range(12)]
    env = TransformFrames(
        RamObjects(Script(*memories), "Pong", Degradation()), Track(ram_scene("Pong").eval())
    )
    env.reset(seed=0)
    for _ in memories[1:]:
        observation, *_ = env.step(0)
    np.testing.assert_allclose(
        in_pixels(observation["boxes"])[0], [[142, 99.5], [18, 100], [96, 78]], atol=1e-3
    )
    np.testing.assert_allclose(
        observation["velocity"] * [80, 105], [[0, 0], [0, 0], [4, -2]], atol=1e-2
    )
    np.testing.assert_array_equal(observation["what"], np.eye(3))
    assert observation["label"].tolist() == [0, 1, 2]


def degraded(degradation, count=40, steps=500, kinds=4):
    """Boxes on a line, told apart by their widths, degraded in many steps."""
    boxes = np.stack([np.full(count, 80.0), np.full(count, 100.0), 1.0 + np.arange(count)], 1)
    boxes = np.concatenate([boxes, np.full((count, 1), 5.0)], 1)
    rng = np.random.default_rng(0)
    labels = np.zeros(count, int)
    return [degradation(boxes, labels, kinds, AREA, rng) for _ in range(steps)]


def test_perfect_objects_stay_as_they_are():
    for boxes, labels in degraded(Degradation(), steps=2):
        assert boxes[:, 2].tolist() == [*range(1, 41)] and labels.tolist() == [0] * 40


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_jitter_has_its_sigma_and_moves_centres_alone(sigma):
    found = np.stack([boxes for boxes, _ in degraded(Degradation(jitter_px=sigma))])
    errors = found[..., :2] - [80, 100]
    assert errors.std((0, 1)) == pytest.approx([sigma, sigma], rel=0.02)
    assert abs(errors.mean((0, 1))).max() < 0.04 * sigma
    assert abs(np.corrcoef(errors[:-1, 0, 0], errors[1:, 0, 0])[0, 1]) < 0.15, "fresh each step"
    assert (found[:, :, 2:] == found[0, :, 2:]).all()


def test_misses_have_their_share_and_hit_everyone():
    found = degraded(Degradation(misses=0.05))
    assert np.mean([len(boxes) for boxes, _ in found]) == pytest.approx(38, abs=0.2)
    seen = np.bincount(np.concatenate([boxes[:, 2] for boxes, _ in found]).astype(int))[1:]
    assert 0.9 < seen.min() / 500 and seen.max() < 500
    assert all(len(boxes) == 0 for boxes, _ in degraded(Degradation(misses=1.0), steps=3))
    assert all((np.diff(boxes[:, 2]) > 0).all() for boxes, _ in found), "in order"


def test_false_positives_have_their_share_any_class_and_any_place():
    found = degraded(Degradation(false_positives=0.2))
    assert np.mean([len(boxes) for boxes, _ in found]) == pytest.approx(48, abs=0.3)
    boxes, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    real = (boxes[:, :2] == [80, 100]).all(1)
    assert real.sum() == 40 * 500, "the real ones are all there"
    spurious = boxes[~real]
    np.testing.assert_allclose(spurious[:, 0].mean(), 80, atol=2)
    np.testing.assert_allclose(spurious[:, 1].mean(), 114, atol=2)
    assert (spurious[:, :2] >= [0, 34]).all() and (spurious[:, :2] <= [160, 194]).all()
    shares = np.bincount(labels[~real], minlength=4) / len(spurious)
    np.testing.assert_allclose(shares, 0.25, atol=0.03)
    rank = np.concatenate([np.flatnonzero(part[0][:, 0] != 80) / len(part[0]) for part in found])
    np.testing.assert_allclose(rank.mean(), 0.5, atol=0.02, err_msg="anywhere among the real ones")
    again = degraded(Degradation(false_positives=0.2))
    np.testing.assert_array_equal(np.concatenate([boxes for boxes, _ in again]), boxes)


def test_without_a_track_the_order_tells_nothing():
    memory = ram(r26=40, r16=5, **{f"r{18 + k}": 0b111111 for k in range(6)})
    ordered = listed("SpaceInvaders", *[memory] * 40)
    mixed = listed("SpaceInvaders", *[memory] * 40, shuffled=True)
    aliens = ordered[0][:, 5] == 1
    assert aliens.sum() == 36
    assert all((one[:, :2] == ordered[0][:, :2]).all() for one in ordered)
    assert len({one[:, :2].tobytes() for one in mixed}) == 40
    for one in mixed:
        assert sorted(map(tuple, one)) == sorted(map(tuple, ordered[0]))
    assert {*gym.make(ENV, track=False).observation_space} == {"boxes", "present", "what", "label"}


def test_one_class_has_the_rows_of_all():
    env = gym.make("ObjRAM-MsPacman-v0", classes=False)
    assert env.observation_space["boxes"].shape == (14, 4)
    assert env.observation_space["what"].shape == (14, 1)
    observation, _ = env.reset(seed=0)
    for _ in range(100):
        observation, *_ = env.step(0)
    assert observation["present"].sum() == 5 and not observation["label"].any()


def test_noise_hangs_on_the_seed():
    options = {"jitter_px": 2.0, "repeat_action_probability": 0.0}
    env = gym.make_vec(ENV, num_envs=2, **options)
    plays = []
    for seed in (5, 5, 6):
        first, _ = env.reset(seed=seed)
        plays.append([first["boxes"], env.step([0, 0])[0]["boxes"]])
    np.testing.assert_array_equal(plays[0], plays[1])
    assert (plays[0][0][0] != plays[0][0][1]).any(), "each env has its own"
    np.testing.assert_array_equal(plays[2][0][0], plays[0][0][1])
    assert (plays[0][0] != plays[2][0]).any()


@pytest.mark.parametrize("make", [gym.make, lambda *a, **kw: gym.make_vec(*a, num_envs=2, **kw)])
def test_relations_and_map_are_of_the_player_that_memory_knows(make):
    env = make(ENV, roles=pong_roles(), relations=True, map=True, repeat_action_probability=0.0)
    env.reset(seed=0)
    several = hasattr(env, "num_envs")
    for _ in range(60):
        observation, *_ = env.step([2, 2] if several else 2)
    one = {key: value[0] if several else value for key, value in observation.items()}
    there = one["present"] > 0.5
    assert there.sum() >= 2
    np.testing.assert_allclose(
        one["relative"][there, :2], (one["boxes"][:, :2] - one["boxes"][0, :2])[there], atol=1e-6
    )
    # The player is in the middle of the map's columns, and right of it the frame ends: wall.
    left = (one["boxes"][0, 0] + 1) * 80 - 42
    column = int(np.ceil((160 - left) / 4))
    assert (one["map"][0, :, column:] == 255).all()
    assert one["map"].shape == (4, 21, 21)


def test_roles_are_found_where_learning_puts_them(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for make in (gym.make, gym.make_vec):
        with pytest.raises(FileNotFoundError, match=r"zoo/roles.py --model ram --game Pong"):
            make(ENV, relations=True)
    saved_pong_roles(tmp_path / "objwrappers" / "weights" / "scenes-roles-ram-Pong")
    assert gym.make(ENV, relations=True).observation_space["relative"].shape == (3, 4)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"jitter_px must be a number of at least 0, got -1"):
        gym.make(ENV, jitter_px=-1)
    with pytest.raises(ValueError, match=r"jitter_px must be .*, got nan"):
        gym.make(ENV, jitter_px=float("nan"))
    with pytest.raises(ValueError, match=r"jitter_px must be finite"):
        gym.make(ENV, jitter_px=float("inf"))
    with pytest.raises(ValueError, match=r"misses must be in \[0, 1\], got 1.5"):
        gym.make_vec(ENV, misses=1.5)
    with pytest.raises(ValueError, match=r"false_positives must be in \[0, 1\], got '0.2'"):
        gym.make(ENV, false_positives="0.2")
    with pytest.raises(ValueError, match=r"classes must be True or False, got 2"):
        gym.make(ENV, classes=2)
    with pytest.raises(ValueError, match=r"classes=False says of no object who it is"):
        gym.make(ENV, classes=False, relations=True)
    with pytest.raises(ValueError, match=r"player of BattleZone is nowhere on its screen"):
        gym.make("ObjRAM-BattleZone-v0", map=True)
    with pytest.raises(ValueError, match=r"leave track on"):
        gym.make(ENV, track=False, map=True)
    with pytest.raises(ValueError, match=r"Unknown option of tracking 'gait'"):
        gym.make(ENV, track={"gait": 1})
    with pytest.raises(ValueError, match=r"Unknown option 'noise'"):
        gym.make(ENV, noise="both")
    with pytest.raises(ValueError, match=r"'jitter_px'\. It is an option of ObjRAM"):
        gym.make("ObjScene-Pong-v0", jitter_px=1.0)
    with pytest.raises(ValueError, match=r"num_envs must be a positive integer, got 0"):
        gym.make_vec(ENV, num_envs=0)
    with pytest.raises(ValueError, match=r"Objects of Zaxxon are not known from RAM"):
        ram_scene("Zaxxon")
    with pytest.raises(gym.error.NameNotFound, match="ObjRAM"):
        gym.make("ObjRAM-Zaxxon-v0")
    with pytest.raises(ValueError, match="made for other weights"):
        roles = saved_pong_roles(tmp_path / "roles")
        gym.make("ObjRAM-Boxing-v0", roles=roles)


def test_the_play_area_is_where_spurious_objects_are():
    assert play_area("Pong") == AREA
    env = RamObjects(Script(ram(r51=105)), "Pong", Degradation(false_positives=1.0))
    for seed in range(50):
        found, _ = env.reset(seed=seed)
        there = found[found[:, 4] == 1]
        assert len(there) == 2
        centres, sizes = in_pixels(there)
        assert (centres[:, 1] >= 34).all() and (centres[:, 1] <= 194).all()
        np.testing.assert_allclose(sizes, [[4, 16]] * 2, atol=1e-4)
