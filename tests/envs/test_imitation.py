"""IfO ids: what they reward, where their episodes begin, and what they refuse."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from conformance import EnvConformance
from demonstrated import demonstrate, write_translation
from gymnasium.utils.env_checker import check_env
from opengl import needs_opengl
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import objwrappers  # noqa: F401
from objwrappers.datasets.demonstrations import BUNDLED, read_demonstrations
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.demonstrated import proprioception

pytestmark = needs_opengl

HORIZON = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Options of an id, with demonstrations in two contexts and a model that learned nothing."""
    folder = tmp_path_factory.mktemp("imitation")
    demonstrate(folder / "demos", HORIZON, contexts=["default", "light"])
    write_translation(folder / "model")
    return {"demonstration": str(folder / "demos"), "weights": str(folder / "model")}


class Imitating(EnvConformance):
    env_id = "IfO-reacher-hard-v0"
    episode_steps = HORIZON
    bad_actions = [-1, [0.0, float("nan")], [2.0, 0.0], None, [0.0, 0.0, 0.0], ["a", "b"]]
    # A batch of frames is summed in another order than a frame alone.
    tolerance = 1e-4
    extra: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def deterministic(self, made: dict[str, str]) -> None:
        self.options = {"render_size": 32, "device": "cpu", **made, **self.extra}


class TestProprio(Imitating):
    variants = [
        {"target": False},
        {"task_state": True, "num_demonstrations": None, "context_seed": None},
    ]


class TestPixels(Imitating):
    extra = {"observe": "pixels", "num_demonstrations": 3, "stack_num": 2}


class TestFeatures(Imitating):
    variants = [{"reward": "neg", "image_weight": 0.5, "time_weight": "quadratic"}]
    extra = {"observe": "features", "sources": 2}


def make(made: dict[str, str], **options: Any) -> gym.Env:
    options = {"device": "cpu", **made, **options}
    return gym.make("IfO-reacher-hard-v0", disable_env_checker=True, **options)


@pytest.mark.filterwarnings("ignore:.*A Box observation space m.*infinity")
def test_both_checkers_find_nothing(made: dict[str, str]) -> None:
    for options in ({}, {"observe": "features", "stack_num": 1}):
        env = make(made, render_mode="rgb_array", render_size=32, **options).unwrapped
        wrapped: Any = make(made, render_mode="rgb_array", render_size=32, **options)
        check_env(wrapped, skip_render_check=False)
        check_env_for_sb3(wrapped)
        assert isinstance(env, ControlEnv)


def test_episodes_begin_and_end_as_the_demonstration_does(made: dict[str, str]) -> None:
    found = read_demonstrations(made["demonstration"])
    env = make(made, num_demonstrations=None)
    rng = np.random.default_rng(0)
    for demonstration in rng.permutation(18)[:3].tolist():
        _, info = env.reset(options={"demonstration": demonstration})
        assert info["demonstration"] == demonstration
        total = 0.0
        for step in range(HORIZON):
            state = env.unwrapped.get_state()  # type: ignore[attr-defined]
            for name, value in found.state(demonstration, step).items():
                np.testing.assert_array_equal(state[name], value)
            action = found.actions[demonstration, step]
            _, _, terminated, truncated, info = env.step(action)
            total += found.rewards[demonstration, step]
            assert info["env_reward"] == found.rewards[demonstration, step]
            assert info["env_return"] == pytest.approx(total) and info["step"] == step + 1
            assert (terminated, truncated) == (False, step == HORIZON - 1)
        assert info["is_success"] == (found.rewards[demonstration, -1] > 0)


def test_a_random_choice_is_seeded_and_visits_all(made: dict[str, str]) -> None:
    env = make(made, num_demonstrations=4)
    first = [env.reset(seed=5 if i == 0 else None)[1]["demonstration"] for i in range(40)]
    again = [env.reset(seed=5 if i == 0 else None)[1]["demonstration"] for i in range(40)]
    assert first == again and set(first) == set(range(4))


def test_starts_of_the_task_itself(made: dict[str, str]) -> None:
    env, plain = make(made, at_start=False), ControlEnv("reacher-hard", observe="state")
    env.reset(seed=3)
    plain.reset(seed=3)
    np.testing.assert_array_equal(
        env.unwrapped.physics.data.qpos,
        plain.physics.data.qpos,  # type: ignore[attr-defined]
    )


def test_observations_are_put_together_as_told(made: dict[str, str]) -> None:
    env = make(made, task_state=True)
    observation, _ = env.reset(seed=0)
    for step in range(1, 4):
        observation = env.step(np.zeros(2, np.float32))[0]
        physics = env.unwrapped.physics  # type: ignore[attr-defined]
        shoulder, wrist = physics.data.qpos
        joints = [np.cos(shoulder), np.sin(shoulder), np.cos(wrist), np.sin(wrist)]
        np.testing.assert_allclose(observation[:4], joints, rtol=1e-6)
        np.testing.assert_allclose(observation[4:6], 0.1 * physics.data.qvel, rtol=1e-6)
        state = env.unwrapped.state_observation()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(observation[6:12], state)
        assert observation[12] == np.float32(step / HORIZON)
        guide = env.get_wrapper_attr("imitation").guide
        target = guide.standardised(guide.next_targets(np.zeros(1, int)))[0]
        np.testing.assert_array_equal(observation[13:], target)
    assert observation.shape == (6 + 6 + 1 + 8,)


def test_what_is_observed_of_pixels_is_what_the_task_looks_like(made: dict[str, str]) -> None:
    env = make(made, observe="pixels", time=False, target=False, stack_num=2)
    observation, _ = env.reset(seed=0)
    inner = env.unwrapped
    assert isinstance(inner, ControlEnv)
    np.testing.assert_array_equal(observation[3:], inner.frame().transpose(2, 0, 1))
    np.testing.assert_array_equal(observation[:3], observation[3:])
    both, _ = make(made, observe="pixels", stack_num=2, target=False).reset(seed=0)
    np.testing.assert_array_equal(both["pixels"], observation)
    assert both["numbers"].tolist() == [0.0]


def test_proprioception_knows_hinges_and_slides_but_no_target() -> None:
    cartpole = ControlEnv("cartpole-swingup", observe="state")
    cartpole.reset(seed=1)
    place, angle = cartpole.physics.data.qpos
    np.testing.assert_allclose(
        proprioception(cartpole.physics),
        [place, np.cos(angle), np.sin(angle), *(0.1 * cartpole.physics.data.qvel)],
        rtol=1e-6,
    )
    humanoid = ControlEnv("humanoid-stand", observe="state")
    humanoid.reset(seed=1)
    assert proprioception(humanoid.physics).shape == (7 + 2 * 21 + 27,)


def test_costs_and_rewards_of_an_env_are_the_guides(made: dict[str, str]) -> None:
    env = make(made, reward="exp", image_weight=0.25)
    env.reset(seed=0)
    guide = env.get_wrapper_attr("imitation").guide
    _, reward, *_, info = env.step(np.ones(2, np.float32))
    frame = env.unwrapped.frame()[None]  # type: ignore[attr-defined]
    one = np.zeros(1, int)
    feature = float(guide.feature_cost(one, guide.encode(frame))[0])
    image = float(guide.image_cost(one, frame)[0])
    assert info["feature_cost"] == pytest.approx(feature)
    assert info["image_cost"] == pytest.approx(image)
    assert info["track_cost"] == pytest.approx(feature + 0.25 * image)
    assert reward == pytest.approx(np.exp(-2 * info["track_cost"]))


def test_panels_are_demonstration_prediction_and_imitator(made: dict[str, str]) -> None:
    env = make(made, render_mode="rgb_array", render_size=32)
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (32 + 20, 3 * 32, 3)
    np.testing.assert_array_equal(picture[20:, 64:], env.unwrapped.picture)  # type: ignore[attr-defined]
    demonstrated = read_demonstrations(made["demonstration"]).frames[0, 0, 0]
    np.testing.assert_array_equal(picture[20::2, :32:2], demonstrated)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 7}, "horizon=7, but the demonstrations have 6 steps"),
        ({"num_demonstrations": 19}, "num_demonstrations=19, but the split 'train' has 18"),
        ({"num_demonstrations": 0}, "num_demonstrations must be a positive integer"),
        ({"split": "test"}, "Unknown split 'test'.*held-out"),
        ({"observe": "state"}, "Unknown observe 'state'.*proprio"),
        ({"reward": "cost"}, "Unknown form of reward 'cost'"),
        ({"context": {"colour": 1}}, "Unknown key of a context 'colour'"),
        ({"frame_skip": 2}, "Unknown option 'frame_skip'.*action_repeat"),
        ({"sources": 3}, "sources must be from 1 to 2"),
        ({"time": "no"}, "time must be True or False, got 'no'"),
        ({"image_weight": "1"}, "image_weight must be at least 0, got '1'"),
        ({"demonstration": 5}, "demonstration must be a path, got 5"),
    ],
)
def test_bad_options_are_named(made: dict[str, str], options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(made, **options)


def test_demonstrations_and_models_must_fit(made: dict[str, str], tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="demonstrations of reacher-hard, not of finger-spin"):
        gym.make("IfO-finger-spin-v0", **made)
    weights = str(write_translation(tmp_path / "large", 32))
    with pytest.raises(ValueError, match=r"frames of 32 pixels, .* have 16x16.*--image-size 32"):
        make({**made, "weights": weights})
    env = make(made)
    for options, message in (
        ({"demonstration": 1}, "demonstration must be a number below 1, got 1"),
        ({"demonstration": np.zeros(2)}, "demonstration must be a number below 1, got array"),
        ({"state": {}}, "Unknown option of reset.. 'state'"),
    ):
        with pytest.raises(ValueError, match=message):
            env.reset(options=options)


def test_missing_demonstrations_say_how_to_make_them(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"collect\.py --task finger-spin"):
        gym.make("IfO-finger-spin-v0")


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An env of what is bundled: no cache has demonstrations or weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield gym.make(
            "IfO-reacher-hard-v0", num_demonstrations=None, split="held-out", device="cpu"
        )


def costs(env: Any, demonstration: int, actions: np.ndarray, **options: Any) -> np.ndarray:
    env.reset(options={"demonstration": demonstration, **options})
    return np.array([env.step(action)[4]["track_cost"] for action in actions])


def test_replaying_costs_nothing_and_standing_still_about_one(bundled: Any) -> None:
    found = bundled.get_wrapper_attr("imitation").guide.videos
    replayed = [costs(bundled, i, found.actions[i]) for i in range(10)]
    still = [costs(bundled, i, 0 * found.actions[i]) for i in range(10)]
    assert np.mean(replayed) < 0.05 and np.max(np.mean(replayed, axis=1)) < 0.2
    assert 0.6 < np.mean(still) < 1.5
    # In its own context the demonstration is what it is.
    own = [costs(bundled, i, found.actions[i], context=found.contexts[i][0]) for i in range(10)]
    assert np.mean(own) < 0.05


def test_the_nearest_moment_of_the_translation_is_the_present_one(bundled: Any) -> None:
    imitation = bundled.get_wrapper_attr("imitation")
    found, guide = imitation.guide.videos, imitation.guide
    late = []
    for i in range(10):
        bundled.reset(options={"demonstration": i})
        speeds = np.abs(np.diff(found.physics[i][:, 1:3], axis=0)).max(1)
        moving = np.flatnonzero(speeds > 0.1 * speeds.max())[-1] + 1
        away = []
        for step in range(moving):
            bundled.step(found.actions[i, step])
            features = guide.encode(bundled.unwrapped.frame()[None])
            targets = np.square(guide._targets[0] - features).sum(-1)
            away.append(abs(int(targets.argmin()) - (step + 1)))
        late.append(np.mean(away))
    # One of the ten begins so near its target that all of its moments look alike.
    assert np.sort(late)[-2] < 1 and np.median(late) < 0.5


def test_what_is_bundled_is_small_and_of_one_kind(bundled: Any) -> None:
    folder = BUNDLED.parent
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 5e6
    found = read_demonstrations(BUNDLED / "reacher-hard")
    assert len(found) == 100 and found.facts["policy"] == "scripted" and found.horizon == 30
    assert found.facts["seed"] == 2, "context translation learned from seed 1"
    # The imitator's context is another than that of the default demonstration.
    bundled.reset(seed=0)
    context, shown = bundled.unwrapped.context, found.contexts[0][0]
    assert list(context.floor) != shown["floor"] and list(context.body) != shown["body"]


@pytest.mark.gpu
def test_rewards_on_cuda_are_those_of_the_processor(made: dict[str, str]) -> None:
    envs = [make({**made, "device": device}, observe="features") for device in ("cpu", "cuda")]
    first, second = (env.reset(seed=1)[0] for env in envs)
    np.testing.assert_allclose(first, second, atol=1e-2)
    for _ in range(HORIZON):
        (_, one, *_), (_, other, *_) = (env.step(np.ones(2, np.float32)) for env in envs)
        assert one == pytest.approx(other, abs=1e-2)
